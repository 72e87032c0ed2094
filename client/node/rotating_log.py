"""Appending lines to a log of bounded size, from several processes at once.

A line is one write to a file opened with O_APPEND, which the kernel does not interleave with another. When the newest
file has grown to its share, it becomes NAME.1, NAME.1 becomes NAME.2 and so on; whoever still holds the old file open
writes into NAME.1, so no line is lost. Only one process turns the files over at a time.
"""

import fcntl
import os
from pathlib import Path

FILES = 5
"""The newest and four old ones share the space."""

MAX_LINE = 2**16


def append_line(path: Path, line: bytes, limit_bytes: int) -> None:
    """Append one line, or one block of lines.

    Args:
        path: of the newest file; its folder is made.
        line: without the line end; what is longer than MAX_LINE is cut.
        limit_bytes: for all files of this log together.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    share = limit_bytes // FILES
    handle = _opened(path)
    try:
        if os.fstat(handle).st_size >= share:
            _turn_over(path, share)
            os.close(handle)
            handle = _opened(path)
        os.write(handle, line[:MAX_LINE] + b"\n")
    finally:
        os.close(handle)


def files_of(path: Path) -> list[Path]:
    """The files of a log that are there, oldest first."""
    return [file for file in (*(_old(path, age) for age in range(FILES - 1, 0, -1)), path) if file.exists()]


def _turn_over(path: Path, share: int) -> None:
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or path.stat().st_size < share:  # another process was first
            return
        for age in range(FILES - 1, 0, -1):
            newer = path if age == 1 else _old(path, age - 1)
            if newer.exists():
                os.replace(newer, _old(path, age))
    finally:
        os.close(lock)  # closing releases the lock


def _old(path: Path, age: int) -> Path:
    return path.with_name(f"{path.name}.{age}")


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
