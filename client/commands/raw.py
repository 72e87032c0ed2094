"""`gmmas-site prepare SITE --raw STUDIES`: from the scanner's files to case folders."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from client.progress import progress_bar

# torch takes seconds to import: everything that needs it is imported inside the functions.
if TYPE_CHECKING:
    from client.raw.prepare import Order, Outcome
    from client.withdrawal.record import IsExcluded


@dataclass(frozen=True, kw_only=True)
class RawOptions:
    """What was typed; see the options' help."""

    strip: str
    weights: Path | None
    weights_sha256: str
    atlas: Path | None
    workers: int


def prepare_raw_studies(folder: Path, raw: Path, options: RawOptions, *, list_only: bool, as_json: bool) -> None:
    """Prepare every study of a folder, or with `list_only` name its series; exit code 1 when one failed.

    Raises:
        DataError: no studies, a table or an atlas that cannot be read, or another run under way.
        ConfigError: a way to strip that does not exist or whose weights are not the stated ones.
    """
    from client.raw.hold import alone
    from client.raw.prepare import prepare_raw
    from client.raw.table import update_rows

    folder, is_excluded = _site_of(folder)
    with alone(folder):
        orders = _orders(folder, raw, options, is_excluded, list_only)
        with progress_bar("reading series" if list_only else "preparing studies") as advance:
            finished: list[Outcome] = []

            def on_outcome(outcome: "Outcome") -> None:
                update_rows(folder, outcome.rows)
                finished.append(outcome)
                advance(len(finished), len(orders))

            outcomes = prepare_raw(orders, options.workers, on_outcome)
    if as_json:
        typer.echo(json.dumps(_as_json(outcomes), indent=1))
    else:
        _tell(folder, outcomes, list_only)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _site_of(folder: Path) -> "tuple[Path, IsExcluded]":
    """Where cases belong, and who has left: a folder that is not a site yet takes them itself, and nobody has."""
    from client.site import SITE_FILE, read_site
    from client.withdrawal.record import excluded, nobody

    if folder.is_file() or (folder / SITE_FILE).exists():
        site = read_site(folder)
        return site.folder, excluded(site.state)
    return folder, nobody


def _orders(folder: Path, raw: Path, options: RawOptions, is_excluded: "IsExcluded", list_only: bool) -> "list[Order]":
    from client.raw.prepare import Order
    from client.raw.sources import find_studies
    from client.raw.table import read_decided, read_rows
    from gmmas_core.data.nifti import load_volume, require_signal
    from gmmas_core.onboarding.extra import require_extra
    from gmmas_core.onboarding.strip.methods import StripSettings
    from gmmas_core.onboarding.study import Settings

    for package in ("SimpleITK", "pydicom", "dcm2niix"):
        require_extra(package)
    strip = StripSettings(method=options.strip, weights=options.weights, weights_sha256=options.weights_sha256)
    if options.atlas is not None:
        require_signal(load_volume(options.atlas, "--atlas"), "--atlas")
    studies, decided = find_studies(raw), read_decided(folder)
    listed = {row.case for row in read_rows(folder)}
    staying = {case_id: source for case_id, source in studies.items() if not is_excluded(case_id, case_id)}
    if len(staying) < len(studies):
        typer.echo(f"note: left out {len(studies) - len(staying)} studies of patients who have left", err=True)
    return [
        Order(
            case_id=case_id,
            source=source.resolve(),
            site=folder.resolve(),
            settings=Settings(strip=strip),
            atlas=None if options.atlas is None else options.atlas.resolve(),
            decided=tuple(sorted(decided.get(case_id, {}).items())),
            only_list=list_only,
            is_listed=case_id in listed,
        )
        for case_id, source in staying.items()
    ]


def _as_json(outcomes: "Sequence[Outcome]") -> dict[str, object]:
    from gmmas_core.types import DISCLAIMER

    return {
        "prepared": [each.case_id for each in outcomes if each.error is None and not each.was_there],
        "were_there": [each.case_id for each in outcomes if each.was_there],
        "failed": {each.case_id: each.error for each in outcomes if each.error is not None},
        "warnings": {each.case_id: list(each.warnings) for each in outcomes if each.warnings},
        "series": [row.as_json() for each in outcomes for row in each.rows],
        "notice": DISCLAIMER,
    }


def _tell(folder: Path, outcomes: "Sequence[Outcome]", list_only: bool) -> None:
    from gmmas_core.types import DISCLAIMER

    table = Table("case", "series", "thickest mm", "taken for", "confidence", "why", "used")
    for row in (row for outcome in outcomes for row in outcome.rows):
        cells = row.cells()
        shown = (row.case, row.label, cells[3], row.sequence or row.decided or "-", cells[5], row.reasons, cells[7])
        table.add_row(*map(escape, shown))
    if table.row_count:
        Console().print(table)
    for outcome in outcomes:
        for line in (*outcome.warnings, *([outcome.error] if outcome.error else [])):
            typer.echo(line if line == outcome.error else f"case {outcome.case_id}: {line}")
    good = [each for each in outcomes if each.error is None]
    if list_only:
        typer.echo(f"{len(good)} of {len(outcomes)} studies have every series named. Corrections: sequences.tsv.")
    else:
        there = sum(each.was_there for each in good)
        typer.echo(f"Prepared {len(good)} of {len(outcomes)} studies, {there} of them before.")
        typer.echo(f"Look at the brain masks. Next: gmmas-site init {folder.name}, then check. {DISCLAIMER}")
