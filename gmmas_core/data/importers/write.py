"""Make a site folder out of a plan: a folder per case, participants.tsv, import.json.

A case's folder appears whole or not at all, so a killed import is resumed by running it again, and running it once more
changes nothing. Existing case folders and rows stay as they are: somebody may have edited them.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmmas_core.atomic import sync_folder
from gmmas_core.data.importers.conventions import Masks
from gmmas_core.data.importers.files import Place, rewrite_mask, split_volumes
from gmmas_core.data.importers.found import FoundCase, Skipped
from gmmas_core.data.importers.ledger import Ledger, read_ledger
from gmmas_core.data.importers.participants import add_rows
from gmmas_core.data.importers.plan import Plan
from gmmas_core.data.importers.summary import rows_of, summarise
from gmmas_core.data.importers.tree import skipped
from gmmas_core.types import DataError

LOCK = ".import.lock"
_WORKSHOP = ".importing-"
_FILE_NAMES: Mapping[str, str] = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What an import did.

    Attributes:
        new: case folders made now; the others were there.
        failed: cases whose files are damaged or against the data set's own rules.
        summary: as import.json holds it.
    """

    new: int
    failed: int
    summary: dict[str, Any]


def write_site(
    plan: Plan,
    masks: Masks,
    place: Place,
    tables: Sequence[Path],
    on_progress: Progress | None = None,
) -> Written:
    """Carry out a plan.

    Args:
        plan: of `make_plan`.
        masks: what the values mean here and there.
        place: how a file gets into its folder.
        tables: that were read, for their hashes.
        on_progress: called with (cases done, cases in all).

    Returns:
        What was done; nothing is raised for a case that cannot be taken, it is a reason in the summary.

    Raises:
        DataError: another import is at work in the folder, or it cannot be written.
    """
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        with _alone(plan.out):
            return _write(plan, masks, place, tables, on_progress)
    except OSError as error:
        raise DataError(
            f"OUT: found {error.strerror}; expected a folder to write in; free it or name another"
        ) from error


def _write(plan: Plan, masks: Masks, place: Place, tables: Sequence[Path], on_progress: Progress | None) -> Written:
    ledger = plan.ledger
    if (read_ledger(plan.out) or Ledger()) != ledger:  # by another import, between the plan and the lock
        raise DataError("OUT: found it changed since the plan was made; expected nobody else at work; run this again")
    ledger.is_finished, ledger.label_convention = False, masks.site
    ledger.cases |= {case.case_id: _entry(case, plan.data_set) for case in plan.take}
    ledger.save(plan.out)
    left: list[Skipped] = []
    done: list[FoundCase] = []
    new = 0
    for case in plan.take:
        is_there = os.path.isdir(plan.out / case.case_id)
        reason = None if is_there else _write_case(case, plan.out, place, masks)
        if reason is None:
            done.append(case)
            new += not is_there
        else:
            left.append(skipped(case.case_id, reason))
            del ledger.cases[case.case_id]
        if on_progress is not None:
            on_progress(len(done) + len(left), len(plan.take))
    sync_folder(plan.out)
    add_rows(plan.out, rows_of(plan.data_set, done))
    ledger.imports[plan.data_set] = summarise(plan, done, left, masks.declared, tables)
    ledger.is_finished = True
    ledger.save(plan.out)
    return Written(new=new, failed=len(left), summary=ledger.imports[plan.data_set])


def _write_case(case: FoundCase, out: Path, place: Place, masks: Masks) -> str | None:
    """Make a case's folder, whole or not at all; the reason when it cannot be."""
    workshop = Path(tempfile.mkdtemp(prefix=_WORKSHOP, dir=out))
    try:
        os.chmod(workshop, 0o777 & ~_umask())
        if case.volumes:
            targets = {case.volumes[name]: _target(workshop, case, name, ".nii.gz") for name in case.images}
            split_volumes(next(iter(case.images.values())), targets, len(case.volumes))
        else:
            for name, file in case.images.items():
                place(file, _target(workshop, case, name, _ending(file)))
        if case.mask is not None and masks.rewrite is None:
            place(case.mask, _target(workshop, case, "seg", _ending(case.mask)))
        elif case.mask is not None and masks.rewrite is not None:
            rewrite_mask(case.mask, _target(workshop, case, "seg", ".nii.gz"), masks.rewrite, masks.site)
        sync_folder(workshop)
        os.rename(workshop, out / case.case_id)
    except DataError as error:
        return str(error)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return None


def _target(folder: Path, case: FoundCase, name: str, ending: str) -> Path:
    return folder / f"{case.case_id}_{_FILE_NAMES.get(name, name)}{ending}"


def _ending(file: Path) -> str:
    return ".nii.gz" if file.name.lower().endswith(".gz") else ".nii"


def _umask() -> int:
    """The process's umask; a temporary folder is made for its owner alone, a case's folder is not."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _entry(case: FoundCase, data_set: str) -> dict[str, Any]:
    told = {"from": data_set, "patient": case.patient_id, "group": case.group}
    return {**told, "aliases": list(case.aliases), "notes": list(case.notes)}


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder's lock, and clear away what a killed import left half made."""
    handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError("OUT: found another import at work in it; expected none; wait for it to end") from None
        for debris in out.glob(f"{_WORKSHOP}*"):
            shutil.rmtree(debris, ignore_errors=True)  # refuses a link
        yield
    finally:
        os.close(handle)
