"""Plays drills one after the other and writes down how each went."""

import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gmmas_core.atomic import write_json, write_text
from gmmas_core.types import DISCLAIMER, ConfigError, GmmasError
from server.lab.drills import damage, deaths, disks, identities, links, middle
from server.lab.drills.judging import Drill, Findings, Outcome
from server.lab.drills.stage import Stage, stage
from server.lab.drills.template import make_template

FAMILIES = (links, deaths, middle, disks, damage, identities)

DRILLS: Mapping[str, Drill] = {drill.name: drill for family in FAMILIES for drill in family.DRILLS}
"""Every drill there is, in the order in which they are played."""

TEMPLATE = "template"


def chosen(names: Sequence[str]) -> list[Drill]:
    """Drills by name, in order; all of them when none is named.

    Raises:
        ConfigError: unknown names.
    """
    unknown = sorted(set(names) - DRILLS.keys())
    if unknown:
        raise ConfigError(f"drills: found {', '.join(unknown)}; expected any of {', '.join(DRILLS)}")
    return [drill for name, drill in DRILLS.items() if name in names or not names]


def play_all(drills: Iterable[Drill], out: Path) -> Iterator[Outcome]:
    """Play drills; the files in `out` are written anew after each.

    Args:
        drills: which.
        out: folder; what earlier drills of the same names left there is replaced.

    Yields:
        How each went, as soon as it is known.
    """
    template = out / TEMPLATE
    shutil.rmtree(template, ignore_errors=True)
    template.mkdir(parents=True)
    outcomes: list[Outcome] = []
    try:
        make_template(template)
        with ExitStack() as open_stage:
            world: Stage | None = None
            for drill in drills:
                began = time.monotonic()
                found = Findings()
                try:
                    if world is None:
                        world = open_stage.enter_context(stage(template, out / drill.name))
                    drill.play(world, found)
                except (GmmasError, psutil.Error, subprocess.TimeoutExpired) as error:
                    found.that(str(error), False)
                if not (drill.restores and found.hold):
                    open_stage.close()
                    world = None
                outcomes.append(
                    Outcome(drill=drill, observed=found.words(), holds=found.hold, seconds=time.monotonic() - began)
                )
                write_down(outcomes, out)
                yield outcomes[-1]
    finally:
        shutil.rmtree(template, ignore_errors=True)


def write_down(outcomes: Sequence[Outcome], out: Path) -> None:
    """`drills.json` and `drills.txt`."""
    rows = [outcome.to_json() for outcome in outcomes]
    write_json(out / "drills.json", {"disclaimer": DISCLAIMER, "drills": rows})
    text = StringIO()
    Console(file=text, width=160).print(table(outcomes), DISCLAIMER)
    write_text(out / "drills.txt", text.getvalue())


def table(outcomes: Sequence[Outcome]) -> Table:
    """For people."""
    shown = Table("drill", "disturbance", "expected", "observed", "verdict", "seconds", show_lines=True)
    for outcome in outcomes:
        shown.add_row(*(Text(str(value)) for value in outcome.to_json().values()))
    return shown
