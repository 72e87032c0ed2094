"""Import a public data set into one site folder, or into one per institution where its makers say which is which."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from client.site import SITE_FILE, read_site, require_name, write_site
from client.withdrawal.record import excluded
from gmmas_core.data.importers.conventions import Masks, masks_for
from gmmas_core.data.importers.crosswalk import Crosswalk, read_crosswalk
from gmmas_core.data.importers.files import PLACES
from gmmas_core.data.importers.found import Found
from gmmas_core.data.importers.ledger import Ledger, read_ledger
from gmmas_core.data.importers.plan import IsExcluded, Plan, make_plan, owned
from gmmas_core.data.importers.registry import IMPORTERS
from gmmas_core.data.importers.summary import summarise
from gmmas_core.data.importers.write import write_site as write_cases
from gmmas_core.data.problems import TABLE
from gmmas_core.types import DataError

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asked for.

    Attributes:
        data_set: key of IMPORTERS.
        source: the unpacked data set.
        out: a new folder, or one of an earlier import.
        tables: of the data set.
        crosswalks: tables that tie ids of several data sets.
        also: other site folders whose patients must not come in again.
        place: key of files.PLACES.
        name: of the hospital in a new site.yaml, "" for the data set's name, or for the institutions' own.
        label_convention: what the masks mean where the data set does not declare it, else "".
    """

    data_set: str
    source: Path
    out: Path
    tables: tuple[Path, ...] = ()
    crosswalks: tuple[Path, ...] = ()
    also: tuple[Path, ...] = ()
    place: str = "link"
    name: str = ""
    label_convention: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteOutcome:
    """What came of one site folder.

    Attributes:
        folder: the site folder.
        new: case folders made now.
        failed: cases that could not be written.
        masks: how they came in.
        summary: as import.json holds it.
    """

    folder: Path
    new: int
    failed: int
    masks: Masks
    summary: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One site folder of a request."""

    out: Path
    name: str
    found: Found


def import_data_set(request: Request, on_progress: Progress | None = None) -> list[SiteOutcome]:
    """Find a data set's cases and put them into site folders.

    Args:
        request: what to do.
        on_progress: called with (cases done, cases in all).

    Returns:
        An outcome per site folder; what was not taken at all is told by the first.

    Raises:
        DataError: the source is not the data set, a table is not readable, or OUT is somebody else's.
    """
    found, jobs = _jobs(request)
    ties = read_crosswalk(request.crosswalks)
    if jobs[0].out != request.out:
        _note_sites(request, jobs)
    outcomes: list[SiteOutcome] = []
    done = 0

    def advance(now: int, _: int) -> None:
        if on_progress is not None:
            on_progress(done + now, len(found.cases))

    for job in jobs:
        plan, masks = _plan(request, job, ties)
        written = write_cases(plan, masks, PLACES[request.place], (*request.tables, *found.tables), advance)
        if not os.path.lexists(job.out / SITE_FILE):
            write_site(job.out, job.name, masks.site)
        outcomes.append(
            SiteOutcome(folder=job.out, new=written.new, failed=written.failed, masks=masks, summary=written.summary)
        )
        done += len(job.found.cases)
    return outcomes


def preview(request: Request) -> list[SiteOutcome]:
    """What `import_data_set` would do; nothing is written, and of images no more is read than the ends.

    Raises:
        DataError: as `import_data_set`.
    """
    found, jobs = _jobs(request)
    ties = read_crosswalk(request.crosswalks)
    outcomes = []
    for job in jobs:
        plan, masks = _plan(request, job, ties)
        new = sum(not os.path.isdir(job.out / case.case_id) for case in plan.take)
        told = summarise(plan, plan.take, (), masks.declared, (*request.tables, *found.tables))
        outcomes.append(SiteOutcome(folder=job.out, new=new, failed=0, masks=masks, summary=told))
    return outcomes


def _note_sites(request: Request, jobs: list[_Job]) -> None:
    """Mark OUT as one of site folders, before the first of them is made."""
    try:
        request.out.mkdir(parents=True, exist_ok=True)
        Ledger(imports={request.data_set: {"sites": [job.out.name for job in jobs]}}).save(request.out)
    except OSError as error:
        raise DataError(f"OUT: found {error.strerror}; expected a folder to write in; name another") from error


def _jobs(request: Request) -> tuple[Found, list[_Job]]:
    """What was found, dealt to the site folders that it goes to."""
    _require_sense(request)
    importer = IMPORTERS[request.data_set]
    found = importer.find(request.source, request.tables)
    if not found.cases:
        reasons = Counter(item.reason for item in found.skipped).most_common(3)
        why = f" ({'; '.join(f'{number}: {reason}' for reason, number in reasons)})" if reasons else ""
        raise DataError(f"SRC: found no case of {request.data_set}{why}; expected some; check --from and the path")
    ledger = owned(request.out)
    groups = sorted({case.group for case in found.cases} - {""}) if importer.is_federation else []
    is_one_per_group = any("sites" in told for told in ledger.imports.values())
    if (groups and ledger.cases) or (not groups and is_one_per_group):
        raise DataError(
            "OUT: found one site folder where one per institution is to be made, or the other way round; expected a "
            "new folder; name another one"
        )
    if not groups:
        return found, [_Job(out=request.out, name=request.name or request.data_set, found=found)]
    if request.name:
        raise DataError("--name: found one; expected none: the institutions have their own names; leave it out")
    jobs: list[_Job] = []
    for group in groups:
        cases = tuple(case for case in found.cases if case.group == group)
        left = () if jobs else found.skipped
        jobs.append(_Job(out=request.out / group, name=group, found=replace(found, cases=cases, skipped=left)))
    _require_same_deal(request.out, ledger, jobs)
    return found, jobs


def _require_same_deal(out: Path, ledger: Ledger, jobs: list[_Job]) -> None:
    """Refuse to deal cases to other institutions than an earlier import did: they would be in two."""
    home = {case.case_id: job.out.name for job in jobs for case in job.found.cases}
    earlier = {name for told in ledger.imports.values() for name in told.get("sites", [])}
    moved = [
        case_id
        for name in sorted(earlier)
        for case_id in (read_ledger(out / name) or Ledger()).cases
        if home.get(case_id, name) != name
    ]
    if moved:
        raise DataError(
            f"OUT: found {len(moved)} cases in other institutions than --table says; expected the table that it was "
            "made with; name a new folder"
        )


def _plan(request: Request, job: _Job, ties: Crosswalk) -> tuple[Plan, Masks]:
    declared = IMPORTERS[request.data_set].label_convention or request.label_convention
    is_site = os.path.isfile(job.out / SITE_FILE)
    site = read_site(job.out) if is_site else None
    ledger = read_ledger(job.out) or Ledger()
    is_excluded: IsExcluded = excluded(site.state) if site is not None else lambda patient, case: False
    plan = make_plan(
        job.found,
        request.data_set,
        job.out,
        also=[place for folder in request.also for place in _data_folders(folder)],
        crosswalk=ties,
        is_excluded=is_excluded,
    )
    return plan, masks_for(declared, site.label_convention if site is not None else ledger.label_convention or None)


def _data_folders(folder: Path) -> list[Path]:
    """Where a site folder's table lies, or the tables of an import's institutions."""
    ledger = (read_ledger(folder) if os.path.isdir(folder) else None) or Ledger()
    inner = [folder / name for told in ledger.imports.values() for name in told.get("sites", [])]
    places = inner or [read_site(folder).folder if (folder / SITE_FILE).exists() else folder]
    if not all(os.path.isfile(place / TABLE) for place in places):
        raise DataError("--also: found no participants.tsv in it; expected a site folder; check the path")
    return places


def _require_sense(request: Request) -> None:
    """Raise a DataError for a request that cannot be meant."""
    if request.data_set not in IMPORTERS:
        raise DataError(f"--from: found {request.data_set[:40]!r}; expected one of {', '.join(IMPORTERS)}; see --list")
    declared = IMPORTERS[request.data_set].label_convention
    if declared and request.label_convention not in ("", declared):
        raise DataError(
            f"--label-convention: found {request.label_convention[:40]!r}; expected none: the makers of "
            f"{request.data_set} declare {declared}; leave it out, or import masks of another kind with --from bids"
        )
    require_name(request.name or request.data_set)
    inner, outer = Path(os.path.realpath(request.out)), Path(os.path.realpath(request.source))
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise DataError("OUT: found the source in it or around it; expected two separate folders; name another one")
