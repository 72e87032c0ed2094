"""One coordinator per run folder: two would interleave ledgers and checkpoints. The lock dies with its process."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmmas_core.types import FederationError

PATIENCE_S = 1.0


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold an existing run folder for the length of a `with` block.

    Raises:
        FederationError: another process, or another part of this one, holds it.
    """
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_taken(handle):
            raise FederationError(
                f"run {folder.name}: found another coordinator at work in its folder; expected one; "
                "wait for it, stop it, or choose another folder"
            )
        yield
    finally:
        os.close(handle)


def _is_taken(handle: int) -> bool:
    """Take the lock; whoever only looks whether it is held holds it for an instant, so one refusal says nothing."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True
