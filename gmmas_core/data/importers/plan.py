"""What an import would do, decided before anything is written: cases to take, to keep, to leave out and why."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.importers.crosswalk import Crosswalk, Held, find_duplicates, ids_of, one_patient_each, untied
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.ledger import FILE, Ledger, held_cases, read_ledger
from gmmas_core.data.importers.registry import IMPORTERS
from gmmas_core.data.importers.tree import skipped
from gmmas_core.types import DataError

IsExcluded = Callable[[str, str], bool]
"""(patient id, case id) -> whether the case was withdrawn from this site."""


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A case not taken because its patient is here under another name."""

    case_id: str
    same_as: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done in one site folder.

    Attributes:
        data_set: name of the importer.
        out: the site folder; may be absent.
        take: cases whose folders are to be made; those that are there already are kept as they are.
        skipped: everything not taken, with reasons.
        duplicates: cases of patients held already.
        statements: what a person must know about the whole.
        ledger: of the folder before.
    """

    data_set: str
    out: Path
    take: tuple[FoundCase, ...]
    skipped: tuple[Skipped, ...]
    duplicates: tuple[Duplicate, ...]
    statements: tuple[str, ...]
    ledger: Ledger


def make_plan(
    found: Found,
    data_set: str,
    out: Path,
    *,
    also: Sequence[Path] = (),
    crosswalk: Crosswalk | None = None,
    is_excluded: IsExcluded = lambda patient, case: False,
) -> Plan:
    """Decide what an import does; nothing is written.

    Args:
        found: what the importer found.
        data_set: its name in IMPORTERS.
        out: the site folder to import into.
        also: other site folders whose patients must not come in again.
        crosswalk: ties between ids of data sets.
        is_excluded: cases that have been withdrawn from this site.

    Returns:
        The plan.

    Raises:
        DataError: `out` is somebody else's folder, or holds cases that must not be mixed with these.
    """
    ledger = owned(out)
    _require_same_treatment(data_set, ledger)
    tied = crosswalk or Crosswalk()
    here = [held for held in held_cases(out) if held.data_set != data_set]
    others = here + [held for folder in also for held in held_cases(folder)]
    for case in found.cases:
        tied.tie([case.case_id, case.patient_id, *case.aliases])
    for other in others:
        tied.tie(ids_of(other))
    cases = one_patient_each(found.cases, tied)
    twins = find_duplicates(cases, others, tied)
    left = list(found.skipped)
    take = []
    for case in cases:
        reason = _reason(case, data_set, out, ledger, here, is_excluded)
        if reason is not None:
            left.append(skipped(case.case_id, reason))
        elif case.case_id not in twins or os.path.isdir(out / case.case_id):
            take.append(case)
    late = sum(case.case_id in twins for case in take)
    duplicates = [Duplicate(case_id=name, same_as=twin.case_id, where=twin.where) for name, twin in twins.items()]
    return Plan(
        data_set=data_set,
        out=out,
        take=tuple(take),
        skipped=tuple(left),
        duplicates=tuple(duplicates),
        statements=(*_statements(data_set, late), *untied(cases, others, tied)),
        ledger=ledger,
    )


def owned(out: Path) -> Ledger:
    """The ledger of a folder that may be imported into: a new or empty one, or one that holds an import.

    Raises:
        DataError: the folder is somebody else's.
    """
    if os.path.islink(out) and not os.path.isdir(out):
        raise DataError("OUT: found a link to nothing; expected a new folder; name another one")
    if os.path.lexists(out) and not os.path.isdir(out):
        raise DataError("OUT: found a file; expected a new folder or an earlier import; name another one")
    ledger = read_ledger(out) if os.path.isdir(out) else None
    # What an import leaves that was killed before its first line: a lock, or an unfinished import.json.
    held = [path for path in out.iterdir() if not path.name.startswith(".import")] if os.path.isdir(out) else []
    if ledger is None and held:
        raise DataError(
            f"OUT: found a folder with something in it and no {FILE}; expected a new folder or an earlier import; "
            "name another one"
        )
    return ledger or Ledger()


def _require_same_treatment(data_set: str, ledger: Ledger) -> None:
    own = IMPORTERS[data_set].treatment
    for name in ledger.imports:
        theirs = IMPORTERS[name].treatment if name in IMPORTERS else own
        if {own, theirs} == {"pre-operative", "post-treatment"}:
            raise DataError(
                f"OUT: found {theirs} cases ({name}); expected only those beside {own} ones ({data_set}), since the "
                "same label means other tissue after surgery; import into a folder of its own"
            )


def _reason(
    case: FoundCase, data_set: str, out: Path, ledger: Ledger, here: Sequence[Held], is_excluded: IsExcluded
) -> str | None:
    if is_excluded(case.patient_id, case.case_id):
        return "withdrawn from this site"
    mine = ledger.cases.get(case.case_id)
    if mine is not None and mine["from"] != data_set:
        return f"{mine['from']} has a case of this name here"
    folder = out / case.case_id
    if mine is None and os.path.lexists(folder):
        return "a folder of this name is there that no import made"
    if os.path.islink(folder) or (os.path.lexists(folder) and not folder.is_dir()):
        return "something that is no folder lies where its folder belongs"
    if any(other.patient_id == case.patient_id for other in here):
        return "another data set here has a patient of this name; import into a folder of its own"
    return None


def _statements(data_set: str, late: int) -> tuple[str, ...]:
    statement = IMPORTERS[data_set].statement
    found_late = f"{late} cases that were imported earlier are now known to be here twice: remove one of each by hand"
    return (*((statement,) if statement else ()), *((found_late,) if late else ()))
