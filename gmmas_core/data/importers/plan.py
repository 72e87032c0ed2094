"""What an import would do, decided before anything is written: cases to take, to keep, to leave out and why."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.importers.crosswalk import Crosswalk, find_duplicates, ids_of, one_patient_each, untied
from gmmas_core.data.importers.files import looks_same
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.ledger import FILE, Ledger, held_cases, read_ledger
from gmmas_core.data.importers.registry import IMPORTERS
from gmmas_core.data.importers.tree import skipped
from gmmas_core.data.sequences import find_sequences
from gmmas_core.types import DataError

_NAMESAKE = "another data set here has a patient of this name; import into a folder of its own"

IsExcluded = Callable[[str, str], bool]
"""(patient id, case id) -> whether the case was withdrawn from this site."""


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A case whose patient is held already under another name."""

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
        duplicates: cases not taken, of patients held already.
        here_twice: cases that an earlier import took, before a table said that their patients are held.
        statements: what a person must know about the whole.
        ledger: of the folder before.
    """

    data_set: str
    out: Path
    take: tuple[FoundCase, ...]
    skipped: tuple[Skipped, ...]
    duplicates: tuple[Duplicate, ...]
    here_twice: tuple[Duplicate, ...]
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
    names = {other.patient_id for other in here}
    left = list(found.skipped)
    take, duplicates, here_twice = [], [], list[Duplicate]()
    for case in cases:
        twin = twins.get(case.case_id)
        known = [] if twin is None else [Duplicate(case_id=case.case_id, same_as=twin.case_id, where=twin.where)]
        reason = _reason(case, data_set, out, ledger, is_excluded)
        if reason is not None:
            left.append(skipped(case.case_id, reason))
        elif known and not os.path.isdir(out / case.case_id):
            duplicates += known
        elif case.patient_id in names:
            left.append(skipped(case.case_id, _NAMESAKE))
        else:
            take.append(case)
            here_twice += known
    return Plan(
        data_set=data_set,
        out=out,
        take=tuple(take),
        skipped=tuple(left),
        duplicates=tuple(duplicates),
        here_twice=tuple(here_twice),
        statements=(*_statements(data_set, here_twice), *untied(cases, others, tied)),
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


def _reason(case: FoundCase, data_set: str, out: Path, ledger: Ledger, is_excluded: IsExcluded) -> str | None:
    if any(is_excluded(name, name) for name in (case.patient_id, case.case_id, *case.aliases)):
        return "withdrawn from this site"
    mine = ledger.cases.get(case.case_id)
    if mine is not None and mine["from"] != data_set:
        return f"{mine['from']} has a case of this name here"
    folder = out / case.case_id
    if mine is None and os.path.lexists(folder):
        return "a folder of this name is there that no import made"
    if os.path.islink(folder) or (os.path.lexists(folder) and not folder.is_dir()):
        return "something that is no folder lies where its folder belongs"
    if os.path.isdir(folder) and not case.volumes and _is_another(case, folder):
        return "a case of this name with other images is here; import into a folder of its own"
    return None


def _is_another(case: FoundCase, folder: Path) -> bool:
    """Whether a folder holds this case's sequences and not one of its images: two data sets may have a `sub-01`."""
    held = find_sequences(folder).images
    shared = [(file, held[name]) for name, file in case.images.items() if name in held]
    return bool(shared) and not any(looks_same(file, other) for file, other in shared)


def _statements(data_set: str, here_twice: Sequence[Duplicate]) -> tuple[str, ...]:
    told = [statement] if (statement := IMPORTERS[data_set].statement) else []
    if here_twice:
        first = here_twice[0]
        told.append(
            f"{len(here_twice)} cases that were imported earlier are now known to be here twice (e.g. {first.case_id} "
            f"is {first.same_as} in {first.where}): remove one of each by hand"
        )
    return tuple(told)
