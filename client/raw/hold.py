"""One run at a time fills a site folder from raw studies, and clears away what a killed one left."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmmas_core.types import DataError

WORK = ".raw-"
"""Folders of a run under way within the site folder start with it."""

LOCK = ".raw.lock"


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
