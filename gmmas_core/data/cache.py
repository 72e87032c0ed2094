"""Prepared cases on disk: prepared once, read in patches through memory maps.

Layout: `<cache>/<settings>/<case>/<content>/` holds meta.json and plain `.npy` arrays. `<settings>` is a digest of
PrepareSettings and FORMAT_VERSION, `<content>` one of the source files' bytes, so an entry never goes stale: other
content or other settings is another entry, and older content of the same case is deleted. Entries appear under their
name in one rename. What an interrupted or damaged write leaves is recognised (sizes, digest of meta.json) and rebuilt.

One process at a time works on a case: an advisory lock per case, which the kernel releases when a process dies. Hashing
the sources is skipped while size, times and inode of every file are the ones seen when they were last hashed.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from gmmas_core import atomic
from gmmas_core.data.cache_entry import CacheEntry, Sources, digest, open_entry, read_entry, write_entry
from gmmas_core.data.prepared_case import PreparedCase
from gmmas_core.data.preprocess import PrepareSettings, prepare_case
from gmmas_core.types import Case, DataError, GmmasError
from gmmas_core.worker_pool import in_processes

FORMAT_VERSION = 1
"""Raise it whenever the preparation or the layout changes: every older entry is then prepared again."""

Result = TypeVar("Result")

Outcome = tuple[str, str | None]
"""Case id, and the message of what went wrong or None."""


class PreparedCache:
    """Prepared cases of one site for one PrepareSettings."""

    def __init__(self, folder: Path, settings: PrepareSettings) -> None:
        """Nothing is read or written until a case is asked for.

        Args:
            folder: root of the cache; several settings may share it.
            settings: of the preparation.
        """
        self.folder = folder
        self.settings = settings
        self._root = folder / digest(
            {
                "format": FORMAT_VERSION,
                "spacing_mm": float(settings.spacing_mm),
                "context_size": settings.context_size,
                "label_convention": settings.label_convention,
            }
        )

    def ensure(self, case: Case) -> CacheEntry:
        """The entry of a case, prepared now where it is absent, stale or damaged.

        Raises:
            DataError: the case cannot be prepared, or the cache cannot be written.
        """
        return self._under_lock(case, lambda entry: entry)

    def is_ready(self, case: Case) -> bool:
        """True when the case needs no preparation. Never prepares, never raises for a missing source."""
        home = self._root / safe_name(case.case_id)
        try:
            return home.is_dir() and read_entry(home / Sources(case, home).key) is not None
        except (OSError, DataError):
            return False

    def open(self, case: Case) -> PreparedCase:
        """A prepared case behind memory maps: patches are read, not the volume.

        Raises:
            DataError: see `ensure`.
        """
        return self._under_lock(case, open_entry)

    def _under_lock(self, case: Case, use: Callable[[CacheEntry], Result]) -> Result:
        home = self._root / safe_name(case.case_id)
        try:
            home.mkdir(parents=True, exist_ok=True)
            with _locked(home):
                sources = Sources(case, home)
                entry = read_entry(home / sources.key) or self._rebuild(case, home, sources)
                sources.remember()
                return use(entry)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(
                f"case {case.case_id}: found the cache unusable ({reason}); expected a folder with space that can be "
                "written; free space or choose another state folder"
            ) from None

    def _rebuild(self, case: Case, home: Path, sources: Sources) -> CacheEntry:
        """Prepare under the case's lock; whatever else lies in its folder is left over or of older content."""
        for child in home.iterdir():
            if child.is_dir():
                shutil.rmtree(child)
        prepared = prepare_case(case, self.settings)
        temporary = Path(tempfile.mkdtemp(dir=home, prefix="unfinished-"))
        write_entry(temporary, prepared)
        sources.require_unchanged()
        atomic.publish_folder(temporary, home / sources.key)
        entry = read_entry(home / sources.key)
        if entry is None:
            raise DataError(
                f"case {case.case_id}: found its new cache entry damaged; expected a working disk; check it"
            )
        return entry


def prepare_all(
    cases: Sequence[Case],
    cache: PreparedCache,
    workers: int = 0,
    on_progress: Callable[[str, str | None], None] | None = None,
) -> list[Outcome]:
    """Prepare every case that is not in the cache yet.

    Args:
        cases: to prepare; those already cached cost a look at their files only, so an interrupted run resumes.
        cache: where to.
        workers: processes; 0 means one per core, 1 means in this process.
        on_progress: called in this process with (case id, error or None) as cases finish, in no particular order.

    Returns:
        (case id, error or None) per case, in the order given.
    """
    outcomes: dict[str, str | None] = {}

    def finish(case_id: str, error: str | None) -> None:
        outcomes[case_id] = error
        if on_progress is not None:
            on_progress(case_id, error)

    waiting = []
    for case in cases:
        if cache.is_ready(case):
            finish(case.case_id, None)
        else:
            waiting.append(case)
    num = min(workers or os.cpu_count() or 1, len(waiting))
    work = partial(_prepare_one, cache)
    run = in_processes(work, waiting, num, _lost) if num > 1 else map(work, waiting)
    for case_id, error in run:
        finish(case_id, error)
    return [(case.case_id, outcomes[case.case_id]) for case in cases]


def _prepare_one(cache: PreparedCache, case: Case) -> Outcome:
    try:
        cache.ensure(case)
    except GmmasError as error:
        return case.case_id, str(error)
    except MemoryError:
        return case.case_id, f"case {case.case_id}: found too little memory; expected about 2 GB; use fewer workers"
    return case.case_id, None


def _lost(case: Case) -> Outcome:
    return (
        case.case_id,
        f"case {case.case_id}: found its process killed; expected enough memory; use fewer workers",
    )


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # closing releases the lock


def safe_name(case_id: str) -> str:
    """A folder name for any pseudonym; a digest where it holds anything but plain characters."""
    plain = case_id.replace("-", "").replace("_", "").isalnum() and case_id.isascii() and len(case_id) <= 100
    return case_id if plain else "case-" + hashlib.sha256(case_id.encode()).hexdigest()[:24]
