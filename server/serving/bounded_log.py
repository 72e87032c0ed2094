"""A log that other processes append to, kept from filling the disk.

Its writers hold the file open for as long as they live, so it is copied and emptied rather than renamed: what is open
for appending goes on at the new beginning. A line that is written between copy and emptying, a matter of microseconds,
is lost; whoever wants the last words reads the newest copy too.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 2**20
GENERATIONS = 3
"""Copies kept: superlink.log.1, the newest, to superlink.log.3."""


def bound(log: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Move a log's content to its newest copy when it has grown too long.

    Args:
        log: opened for appending by its writers.
        max_bytes: it may have.

    Returns:
        Whether it was moved; a disk without room for the copy leaves everything as it is.
    """
    try:
        if log.stat().st_size <= max_bytes:
            return False
        handle, name = tempfile.mkstemp(dir=log.parent, prefix=f".{log.name}.")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as copy, log.open("rb+") as source:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())  # the copy is there, whole, before the only other one goes
            source.truncate(0)
        for number in range(GENERATIONS, 1, -1):
            with suppress(FileNotFoundError):
                os.replace(copy_of(log, number - 1), copy_of(log, number))
        os.replace(name, copy_of(log, 1))
    except OSError:
        Path(name).unlink(missing_ok=True)
        return False
    return True


def copy_of(log: Path, number: int) -> Path:
    """Where the copy of a number lies; 1 is the newest."""
    return log.with_name(f"{log.name}.{number}")


def text_of(log: Path) -> str:
    """What was written lately: the newest copy, where there is one, and the log."""
    parts = [path.read_text(errors="replace") for path in (copy_of(log, 1), log) if path.is_file()]
    return "".join(parts)
