"""The walk over a site's cases that every export of cases makes: note it, write one after the other, resume, sum up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.exporting.record import remember_export
from client.exporting.workplace import SUMMARY, Workplace, looks_of, workplace
from client.predicting.result_files import now
from client.site import Site
from gmmas_core import atomic
from gmmas_core.software import release
from gmmas_core.types import DISCLAIMER, Case, DataError

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class CaseExport:
    """One kind of export.

    Attributes:
        to: its name.
        options: JSON-able; with the site's name and this version what decides the content.
        sources: the files that a case's part is made of.
        skip: why a case is left out, "" where it is not; asked before a file is opened.
        write: writes a case's files into the folder and gives their names, relative to it.
        finish: writes what is about all cases; given the folder and the cases that are in it.
    """

    to: str
    options: Mapping[str, Any]
    sources: Callable[[Case], Sequence[Path]]
    skip: Callable[[Case], str]
    write: Callable[[Case, Path], Sequence[str]]
    finish: Callable[[Path, Sequence[Case]], Mapping[str, Any]]


def export_cases(
    site: Site, cases: Sequence[Case], out: Path, kind: CaseExport, on_progress: OnProgress
) -> dict[str, Any]:
    """Export a site.

    Args:
        site: whose state folder notes it.
        cases: without those who have left.
        out: new folder.
        kind: what is written.
        on_progress: told (done, total).

    Returns:
        Content of gmmas-export.json: what was written, and every case that was left out with its reason.

    Raises:
        DataError: nothing to export, a case that cannot be read (all of them are listed, the finished ones stay and
            are taken up by the same command), or see `workplace`.
    """
    out = out.absolute()
    skipped = {case.case_id: reason for case in cases if (reason := kind.skip(case))}
    kept = [case for case in cases if case.case_id not in skipped]
    if not kept:
        reasons = "; ".join(sorted(set(skipped.values()))) or "the site has none"
        raise DataError(
            f"export: found no case for --to {kind.to} ({reasons}); expected at least one; add what is missing"
        )
    request = {"to": kind.to, "site": site.name, "version": release(), **kind.options}
    with workplace(out, request) as place:
        remember_export(site.state, kind.to, out, kept)
        place.keep_only(case.case_id for case in kept)
        _write_all(place, kept, kind, on_progress)
        about = kind.finish(place.folder, kept)
        summary = {
            "disclaimer": DISCLAIMER,
            "notice": "A local copy: it leaves the control of gmmas-site and is not updated when a patient withdraws.",
            **request,
            "created_at": now(),
            "cases": len(kept),
            **about,
            "skipped": skipped,
        }
        atomic.write_json(place.folder / SUMMARY, summary)
    return summary


def _write_all(place: Workplace, cases: Sequence[Case], kind: CaseExport, on_progress: OnProgress) -> None:
    failures = []
    for done, case in enumerate(cases):
        on_progress(done, len(cases))
        try:
            looks = [case.split, *looks_of(kind.sources(case))]
            if not place.is_done(case.case_id, looks):
                place.forget(case.case_id)
                place.finish_case(case.case_id, looks, kind.write(case, place.folder))
        except DataError as error:
            text = str(error)
            failures.append(text if text.startswith("case ") else f"case {case.case_id}: {text}")
    on_progress(len(cases), len(cases))
    if failures:
        failures.append("export: found these cases unusable; expected none; mend them and give the same command again")
        raise DataError("\n".join(failures))
