"""Raw studies to case folders of a site: in processes, each study failing alone, none done twice.

A case appears in one rename with everything in it; what a killed run left has a name that starts with a dot and is
removed by the next run. A case of other files or settings than now is made anew; one that holds anything that this
did not write (somebody's outlines) is never replaced.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from client.raw.hold import WORK
from client.raw.sources import fingerprint, read_study
from client.raw.table import Row, rows_of
from client.raw.write import files_of_case, write_case
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.choice import choose
from gmmas_core.onboarding.recognition import decide, guess_all
from gmmas_core.onboarding.record import FILE as RAW
from gmmas_core.onboarding.record import read_raw_record
from gmmas_core.onboarding.study import Settings, prepare_study
from gmmas_core.types import SEQUENCES, DataError, GmmasError
from gmmas_core.worker_pool import in_processes


@dataclass(frozen=True, kw_only=True)
class Order:
    """One study to prepare.

    Attributes:
        case_id: becomes the folder's name.
        source: folder of the study.
        site: folder that the case is written into.
        settings: how.
        atlas: file, or None.
        decided: key of a series -> what a person said.
        only_list: recognise the series and write nothing.
        is_listed: whether the table has the study's series already.
    """

    case_id: str
    source: Path
    site: Path
    settings: Settings
    atlas: Path | None
    decided: tuple[tuple[str, str], ...]
    only_list: bool = False
    is_listed: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one study.

    Attributes:
        error: None where it is prepared now.
        was_there: it had been prepared before.
        rows: of the table; empty where nothing new is to be said or the study could not be read.
        warnings: sentences for a person.
    """

    case_id: str
    error: str | None = None
    was_there: bool = False
    rows: tuple[Row, ...] = ()
    warnings: tuple[str, ...] = ()


def prepare_raw(
    orders: Sequence[Order], workers: int, on_outcome: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """Prepare studies.

    Args:
        orders: into one site folder.
        workers: processes of about 3 GB each; 0 means one per core.
        on_outcome: told in this process as studies finish.

    Returns:
        One outcome per order, in their order.
    """
    outcomes: dict[str, Outcome] = {}
    num = max(min(workers or os.cpu_count() or 1, len(orders)), 1)
    for outcome in in_processes(prepare_one, orders, num, _lost) if num > 1 else map(prepare_one, orders):
        outcomes[outcome.case_id] = outcome
        on_outcome(outcome)
    return [outcomes[order.case_id] for order in orders]


def prepare_one(order: Order) -> Outcome:
    """Prepare one study in this process; nothing is raised for what is wrong with it."""
    torch.set_num_threads(1)
    rows: list[Row] = []
    was_there = False
    try:
        key = _key(order)
        if not order.only_list:
            was_there, told = _look_for(order, key)
            if was_there and order.is_listed:
                return Outcome(case_id=order.case_id, was_there=True, warnings=told)
        with tempfile.TemporaryDirectory(prefix=WORK, dir=order.site) as work:
            warnings = _prepare(replace(order, only_list=order.only_list or was_there), key, Path(work), rows)
    except Exception as error:  # one study must never end the run of a thousand
        said = f"case {order.case_id}: {_said(error)}{_left_over(order)}"
        return Outcome(case_id=order.case_id, error=said, rows=tuple(rows))
    return Outcome(case_id=order.case_id, was_there=was_there, rows=tuple(rows), warnings=warnings)


def _look_for(order: Order, key: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the case is there as it would be made now, and what was said of it then.

    Raises:
        DataError: something is there that must not be replaced.
    """
    final = order.site / order.case_id
    if not os.path.lexists(final):
        return False, ()
    names = set(os.listdir(final))
    if RAW not in names:
        raise DataError("found a folder of this name that was not made from raw images; expected none; move it away")
    try:
        record = read_raw_record(final)
    except DataError:
        record = None  # damaged: made anew
    if record is not None and record.inputs == key and files_of_case(order.case_id, record.sequences) <= names:
        return True, record.warnings
    others = names - files_of_case(order.case_id, SEQUENCES)
    if others:
        raise DataError(
            f"found the case prepared before, from other files or settings, and {len(others)} files in its folder that "
            "were not written by that (outlines?); expected none, since they would not fit any more; move the folder "
            "away"
        )
    return False, ()


def _left_over(order: Order) -> str:
    if order.only_list or not (order.site / order.case_id).exists():
        return ""
    return "; what lies in the site folder under this name is of an earlier time: remove it if it is not right"


def _prepare(order: Order, key: str, work: Path, rows: list[Row]) -> tuple[str, ...]:
    (work / "converted").mkdir()
    study = read_study(order.source, work / "converted")
    series, guesses = guess_all(study.series, study.volumes)
    decided = {name: word for name, word in order.decided if name in series}
    guesses = decide(guesses, decided)
    choice = choose(series, guesses)
    rows += rows_of(order.case_id, series, guesses, choice)
    lost = len(order.decided) - len(decided)
    notes = (*study.notes, *([f"found {lost} decisions for series that are not there any more"] if lost else []))
    if choice.problems:
        ask = "write the right sequence, or skip, into the column `decided` of sequences.tsv and run again"
        raise DataError("\n".join(f"{problem}; {ask}" for problem in choice.problems))
    if order.only_list:
        return notes
    natives = {sequence: study.volumes[name] for sequence, name in choice.chosen.items()}
    atlas = None if order.atlas is None else load_volume(order.atlas, "atlas")
    prepared = prepare_study(natives, order.settings, atlas, study.brain_mask)
    prepared = replace(prepared, warnings=(*notes, *prepared.warnings))
    named = {sequence: (series[name].label, guesses[name]) for sequence, name in choice.chosen.items()}
    write_case(work, order.site / order.case_id, prepared, natives, named, order.settings, order.atlas, key)
    return prepared.warnings


def _key(order: Order) -> str:
    strip = order.settings.strip
    atlas = "" if order.atlas is None else hashlib.sha256(order.atlas.read_bytes()).hexdigest()
    how = (strip.method, strip.weights_sha256, atlas, repr(sorted(order.decided)))
    return fingerprint(order.source, "\0".join(how))


def _said(error: Exception) -> str:
    """What may be said: of errors that are not ours the kind alone, since their text may hold anything."""
    if isinstance(error, GmmasError):
        return str(error)
    if isinstance(error, MemoryError):
        return "found too little memory; expected about 3 GB; use fewer workers"
    if isinstance(error, OSError):
        reason = error.strerror
        return f"found a file or folder that cannot be used ({reason}); expected one that can; check rights and space"
    return f"found images that could not be worked on ({type(error).__name__}); expected a brain MRI; look at them"


def _lost(order: Order) -> Outcome:
    error = f"case {order.case_id}: found its process killed; expected enough memory; use fewer workers"
    return Outcome(case_id=order.case_id, error=error)
