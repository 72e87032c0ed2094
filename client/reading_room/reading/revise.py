"""A new revision's files: written in a folder of their own, made durable, then visible in one step, or not at all.

The row is written afterwards in the caller's transaction; a folder without a row, left by whoever was killed between
the two, is removed when the room is opened next.
"""

import hashlib
import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.reading_room.record import FINDINGS, REVISIONS
from client.reading_room.store.revisions import revisions_of
from gmmas_core import atomic
from gmmas_core.types import DataError


@dataclass(frozen=True)
class Draft:
    """A folder into which a revision's files are written; `publish` gives it its name."""

    folder: Path
    home: Path


@dataclass(frozen=True)
class Published:
    """A revision's folder, by its name within the study's revisions, and the hash of its findings."""

    folder: str
    sha256: str


@contextmanager
def drafting(studies: Path, study_id: str) -> Iterator[Draft]:
    """A draft of a study's next revision; removed unless it was published.

    Raises:
        DataError: the disk is full or cannot be written.
    """
    home = studies / study_id / REVISIONS
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home, prefix="."))
    except OSError as error:
        raise _disk(error) from None
    try:
        yield Draft(folder, home)
    except OSError as error:
        raise _disk(error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(draft: Draft, document: Mapping[str, Any]) -> Published:
    """Write the findings beside the draft's other files and make the whole visible.

    Args:
        draft: of `drafting`; its files are fsynced here.
        document: content of the findings file; JSON-able, no NaN.
    """
    atomic.write_json(draft.folder / FINDINGS, document)
    digest = hashlib.sha256((draft.folder / FINDINGS).read_bytes()).hexdigest()
    for file in draft.folder.iterdir():
        with file.open("rb") as content:
            os.fsync(content.fileno())
    atomic.sync_folder(draft.folder)
    name = secrets.token_hex(8)
    os.rename(draft.folder, draft.home / name)
    atomic.sync_folder(draft.home)
    return Published(name, digest)


def discard(studies: Path, study_id: str, published: Published) -> None:
    """Remove a published revision whose row could not be written."""
    shutil.rmtree(studies / study_id / REVISIONS / published.folder, ignore_errors=True)


def sweep_revisions(connection: sqlite3.Connection, studies: Path, older_than_s: float = 3600.0) -> int:
    """Remove revisions without a row; younger ones may be somebody's correction under way.

    Returns:
        How many were removed.
    """
    removed, limit = 0, time.time() - older_than_s
    for home in studies.glob(f"*/{REVISIONS}"):
        known = {revision.folder for revision in revisions_of(connection, home.parent.name)}
        for folder in home.iterdir():
            if folder.name not in known and folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def correctors(before: Mapping[str, Any] | None, user: str) -> str:
    """Everybody who corrected what the model said, the newest last: a label of one may stand beside another's outline.

    Args:
        before: "corrected" of the document that is corrected further.
        user: who does so.
    """
    names = before["by"].split(", ") if before else []
    return ", ".join([*(name for name in names if name != user), user])


def _disk(error: OSError) -> DataError:
    return DataError(f"findings: cannot be kept ({error.strerror}); expected free space; free some and try again")
