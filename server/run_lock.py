"""One coordinator per run folder: two would interleave ledgers and checkpoints. The lock dies with its process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmmas_core.types import FederationError


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold an existing run folder for the length of a `with` block.

    Raises:
        FederationError: another process, or another part of this one, holds it.
    """
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FederationError(
                f"run {folder.name}: found another coordinator at work in its folder; expected one; "
                "wait for it, stop it, or choose another folder"
            ) from None
        yield
    finally:
        os.close(handle)
