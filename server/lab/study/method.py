"""`gmmas-lab study method`: what each part of the method is worth. Read it as the story of a study.

A study that was interrupted goes on where it stopped; a finished one is only drawn again.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from gmmas_core.atomic import write_json
from gmmas_core.config import load_config
from gmmas_core.types import ConfigError, DataError, FederationError
from server.lab.simulate import prepare_sites
from server.lab.study.arms import EVERYBODY, Arm, arms_of
from server.lab.study.cells import Cell, plan_cells, read_result
from server.lab.study.data import Variant, cases_to_write, shared_test_sites, variant_sites, write_data
from server.lab.study.findings import find
from server.lab.study.jobs import jobs_of, run_jobs
from server.lab.study.report import write_study
from server.lab.study.sizes import StudySize

OWN = ("about.json", "cells", "data", "jobs", "runs", "study.html", "study.json", "study.md")
ABOUT = "about.json"
FORMAT = 1


def study_method(
    size: StudySize,
    folder: Path,
    *,
    arms: Sequence[str] = (),
    repeats: int = 3,
    workers: int = 2,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Run what is missing of a study and write its report.

    Args:
        size: of the study.
        folder: of the study; an existing one is continued.
        arms: names; empty for those of the size.
        repeats: seeds.
        workers: runs at the same time, each on one thread.
        overrides: Hydra overrides for every arm.

    Returns:
        The content of study.json.

    Raises:
        ConfigError: an unknown arm, a bad number, a configuration that does not compose.
        DataError: `folder` holds something foreign or another study.
        FederationError: a run failed; all others finished and the report was written.
    """
    if repeats < 1 or workers < 1:
        raise ConfigError(f"--repeats, --workers: found {repeats}, {workers}; expected at least 1")
    chosen = arms_of(arms or size.arms)
    cells = plan_cells(size, chosen, repeats, overrides)
    folder = folder.resolve()
    _claim(folder, size)
    _make_data(folder / "data", size, cells)
    pending = [cell for cell in cells if read_result(folder, cell) is None]
    failures = run_jobs(folder, jobs_of(pending), workers) if pending else {}
    study = find(size, chosen, _complete(folder, chosen, cells), _named(cells, failures))
    config = load_config([f"experiment={size.experiment}", *overrides])
    write_study(folder, study, _pictured(folder / "data"), config)
    if failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in study["failures"].items())
        raise FederationError(
            f"study: found {len(failures)} of {len(jobs_of(cells))} runs failed ({reasons}); expected none; the report "
            "holds the others; run the command again to retry"
        )
    return study


def _claim(folder: Path, size: StudySize) -> None:
    """Make the folder this study's, or refuse it.

    Raises:
        DataError: it holds anything that no study wrote, or a study of another size.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("--out: found a file; expected a folder; name another one")
    foreign = sorted({path.name for path in folder.glob("*")} - {*OWN}) if folder.exists() else []
    if foreign:
        raise DataError(f"--out: found a folder with {', '.join(foreign[:3])}; expected an empty one or a study's")
    about = {"format": FORMAT, "study": "method", "size": json.loads(json.dumps(asdict(size)))}
    file = folder / ABOUT
    if not file.exists():
        write_json(file, about)
        return
    try:
        found = json.loads(file.read_text())
    except ValueError:
        found = None
    if found != about:
        mode = found.get("size", {}).get("mode") if isinstance(found, dict) else "unknown"
        raise DataError(f"--out: found a study of mode {mode!r}; expected {size.mode!r}; name another folder")


def _make_data(folder: Path, size: StudySize, cells: Sequence[Cell]) -> None:
    """Phantoms, label shares and prepared cases, with progress on a terminal."""
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("making phantoms", total=cases_to_write(size))
        write_data(folder, size, lambda: progress.advance(bar))
    variants = dict.fromkeys([_all_labelled(), *(cell.variant for cell in cells)])
    sites = [*shared_test_sites(folder), *(site for variant in variants for site in variant_sites(folder, variant))]
    prepare_sites(sites, load_config(cells[0].training))


def _all_labelled() -> Variant:
    return Variant(EVERYBODY, 100, masks=True)


def _pictured(folder: Path) -> Path:
    """The hospital whose cases the report shows composites of."""
    return variant_sites(folder, _all_labelled())[0]


def _complete(folder: Path, arms: Sequence[Arm], cells: Sequence[Cell]) -> dict[str, list[dict[str, Any]]]:
    """Results by arm, of the arms that have all of theirs."""
    found = {}
    for arm in arms:
        results = [read_result(folder, cell) for cell in cells if cell.arm == arm.name]
        there = [result for result in results if result is not None]
        if len(there) == len(results):
            found[arm.name] = there
    return found


def _named(cells: Sequence[Cell], failures: dict[str, str]) -> dict[str, str]:
    """Reasons by what a person calls the run."""
    return {
        f"{cell.arm} ({cell.group}, seed {cell.seed})": failures[cell.run] for cell in cells if cell.run in failures
    }
