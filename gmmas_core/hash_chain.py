"""A log that shows when it was changed: lines of JSON, each with the hash of the one before and its own.

An edited, removed, inserted or exchanged line breaks the chain. Lines cut off the end are found by whoever kept an
older head. A line counts once `append` has returned: what a crash left of an unfinished one is passed over when the
file is read and cut off by the next `append`.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmmas_core.atomic import sync_folder
from gmmas_core.types import DataError

GENESIS = "0" * 64
"""`previous` of the first line, and the head of a chain without lines."""

_OWN = ("previous", "hash")
_BLOCK_BYTES = 4096


@dataclass(frozen=True)
class Chain:
    """A chain that holds.

    Attributes:
        entries: all lines, oldest first, with their "previous" and "hash".
        head: hash of the last line; GENESIS when there is none.
    """

    entries: tuple[dict[str, Any], ...]
    head: str


def append(path: Path, entry: Mapping[str, Any]) -> str:
    """Add one line and wait until it is on disk; safe against other processes that do the same.

    Args:
        path: the file; made when it is not there.
        entry: JSON-able, NaN is refused; "previous" and "hash" are added.

    Returns:
        The new head.

    Raises:
        DataError: an entry that is no JSON or uses a reserved name, a last line that is none of a chain, or a line
            that cannot be written; the chain is as before.
    """
    taken = sorted(set(entry) & set(_OWN))
    if taken:
        raise DataError(f"{path.name}: found reserved fields {taken}; expected other names")
    try:
        handle, is_new = _open(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        end, last = _last_line(handle, size)
        line, digest = _line_of(path, {**entry, "previous": _head_of(path, last)})
        try:
            os.ftruncate(handle, end)
            _write(handle, line)
        except OSError as error:
            os.ftruncate(handle, end)
            raise _unwritable(path, error) from None
        if is_new:
            sync_folder(path.parent)
    finally:
        os.close(handle)
    return digest


def verify(path: Path) -> Chain:
    """Check a chain from its first line to its last; a file that is not there is a chain without lines.

    Raises:
        DataError: the first line that is damaged or does not follow the one before it.
    """
    entries: list[dict[str, Any]] = []
    previous = GENESIS
    for number, line in enumerate(_whole_lines(path), start=1):
        entry = _parse(line)
        if entry is None:
            raise DataError(f"{path.name} line {number}: found it damaged; expected its own hash; {_ADVICE}")
        if entry["previous"] != previous:
            raise DataError(
                f"{path.name} line {number}: found another predecessor; expected the line before; {_ADVICE}"
            )
        previous = entry["hash"]
        entries.append(entry)
    return Chain(tuple(entries), previous)


_ADVICE = "keep the file as it is and find out who changed it, or restore it from a backup"


def _open(path: Path) -> tuple[int, bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644), is_new


def _last_line(handle: int, size: int) -> tuple[int, bytes]:
    """Where the last whole line ends, and that line without its newline (empty when there is none)."""
    tail, start = b"", size
    while start > 0 and tail.count(b"\n") < 2:
        begin = max(0, start - _BLOCK_BYTES)
        tail = os.pread(handle, start - begin, begin) + tail
        start = begin
    end = tail.rfind(b"\n") + 1
    return start + end, tail[:end].rstrip(b"\n").rpartition(b"\n")[2]


def _head_of(path: Path, last: bytes) -> str:
    if not last:
        return GENESIS
    entry = _parse(last)
    if entry is None:
        raise DataError(f"{path.name}: found its last line damaged; expected a line with its own hash; {_ADVICE}")
    return str(entry["hash"])


def _line_of(path: Path, entry: dict[str, Any]) -> tuple[bytes, str]:
    try:
        digest = _digest(entry)
    except (TypeError, ValueError):
        raise DataError(f"{path.name}: found fields that are no JSON; expected plain values") from None
    return _text({**entry, "hash": digest}).encode() + b"\n", digest


def _write(handle: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


def _whole_lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _parse(line: bytes) -> dict[str, Any] | None:
    """The entry of a line, or None unless the line is, byte for byte, one that `append` writes."""
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _OWN):
            return None
        rest = {key: value for key, value in entry.items() if key != "hash"}
        return entry if entry["hash"] == _digest(rest) and _text(entry).encode() == line else None
    except (ValueError, RecursionError):
        return None


def _digest(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(entry).encode()).hexdigest()


def _text(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path.name}: found that a line cannot be written ({error.strerror}); expected room on the disk")
