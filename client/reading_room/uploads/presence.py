"""Who else serves a room: what looks abandoned in its folder may be an upload under way of another process.

A shared lock on a file says "somebody is here"; the kernel gives it up with its process, however that ends.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "serving.lock"


@contextmanager
def serving(folder: Path, clean: Callable[[], object]) -> Iterator[None]:
    """Be known to serve a room for the length of a `with` block.

    Args:
        folder: existing, of the room.
        clean: called first where nobody else serves the room; whoever comes meanwhile waits.
    """
    handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if _is_alone(handle):
            clean()
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _is_alone(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
