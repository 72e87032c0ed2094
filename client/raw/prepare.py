"""Raw studies to case folders of a site: in processes, each study failing alone, none done twice.

A case appears in one rename with everything in it; what a killed run left has a name that starts with a dot and is
removed by the next run.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from client.raw.sources import fingerprint, read_study
from client.raw.table import Row, rows_of
from client.raw.write import write_case
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.recognition import choose, decide, guess
from gmmas_core.onboarding.record import read_raw_record
from gmmas_core.onboarding.study import Settings, prepare_study
from gmmas_core.types import DataError, GmmasError
from gmmas_core.worker_pool import in_processes

WORK = ".raw-"
"""Folders of a run under way within the site folder start with it."""

LOCK = ".raw.lock"


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
    """

    case_id: str
    source: Path
    site: Path
    settings: Settings
    atlas: Path | None
    decided: tuple[tuple[str, str], ...]
    only_list: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one study.

    Attributes:
        error: None where it is prepared now.
        was_there: it had been prepared before.
        rows: of the table; empty where it was there or could not be read.
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


@contextmanager
def alone(site: Path) -> Iterator[None]:
    """Hold a site folder for one run, after removing what a killed one left.

    Raises:
        DataError: another run is under way.
    """
    site.mkdir(parents=True, exist_ok=True)
    handle = os.open(site / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError("site folder: found another prepare --raw under way; expected none; wait for it") from None
        for left in site.glob(f"{WORK}*"):
            if left.is_dir():
                shutil.rmtree(left)
        yield
    finally:
        os.close(handle)


def prepare_one(order: Order) -> Outcome:
    """Prepare one study in this process; nothing is raised for what is wrong with it."""
    torch.set_num_threads(1)
    rows: list[Row] = []
    try:
        key = _key(order)
        final = order.site / order.case_id
        if not order.only_list:
            record = read_raw_record(final)
            if record is not None and record.inputs == key:
                return Outcome(case_id=order.case_id, was_there=True, warnings=record.warnings)
            if final.exists() and record is None:
                raise DataError("found a folder of this name that was not made from raw images; move it away")
        with tempfile.TemporaryDirectory(prefix=WORK, dir=order.site) as work:
            warnings = _prepare(order, key, Path(work), rows)
    except (GmmasError, OSError, MemoryError) as error:
        return Outcome(case_id=order.case_id, error=f"case {order.case_id}: {_said(error)}", rows=tuple(rows))
    return Outcome(case_id=order.case_id, rows=tuple(rows), warnings=warnings)


def _prepare(order: Order, key: str, work: Path, rows: list[Row]) -> tuple[str, ...]:
    (work / "converted").mkdir()
    study = read_study(order.source, work / "converted")
    guesses = {name: guess(series) for name, series in study.series.items()}
    decided = {name: word for name, word in order.decided if name in study.series}
    guesses = decide(guesses, decided)
    chosen, problems = choose(study.series, guesses)
    rows += rows_of(order.case_id, study.series, guesses, chosen)
    if problems:
        ask = "write the right sequence, or skip, into the column `decided` of sequences.tsv and run again"
        raise DataError("\n".join(f"{problem}; {ask}" for problem in problems))
    if order.only_list:
        return study.notes
    natives = {sequence: study.volumes[name] for sequence, name in chosen.items()}
    atlas = None if order.atlas is None else load_volume(order.atlas, "atlas")
    prepared = prepare_study(natives, order.settings, atlas, study.brain_mask)
    named = {sequence: (study.series[name].label, guesses[name]) for sequence, name in chosen.items()}
    write_case(work / "case", order.site / order.case_id, prepared, natives, named, order.settings, order.atlas, key)
    return (*study.notes, *prepared.warnings)


def _key(order: Order) -> str:
    strip = order.settings.strip
    atlas = "" if order.atlas is None else hashlib.sha256(order.atlas.read_bytes()).hexdigest()
    how = (strip.method, strip.weights_sha256, str(order.settings.n4), atlas, repr(sorted(order.decided)))
    return fingerprint(order.source, "\0".join(how))


def _said(error: BaseException) -> str:
    if isinstance(error, GmmasError):
        return str(error)
    if isinstance(error, MemoryError):
        return "found too little memory; expected about 3 GB; use fewer workers"
    reason = error.strerror if isinstance(error, OSError) else None
    return f"found a file or folder that cannot be used ({reason}); expected one that can; check rights and space"


def _lost(order: Order) -> Outcome:
    error = f"case {order.case_id}: found its process killed; expected enough memory; use fewer workers"
    return Outcome(case_id=order.case_id, error=error)
