"""What happens while a run lasts, line by line in a file, so that another process can watch it.

The ledger records what was decided and is on disk before the run goes on; this file is its opposite: cheap, bounded,
allowed to lose its newest lines in a crash, and never a reason for a round to fail. Both files are lines of JSON, and
`JsonLines` follows either while it grows.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MAX_BYTES = 16 * 2**20
"""Beyond it the older half is dropped; a round of ten sites takes about 5 kB."""

Event = dict[str, Any]


class ProgressLog:
    """A run's watcher that writes every event down: `{"time", "kind", ...}`."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._is_whole = False  # whether the file is known to end with a whole line

    def __call__(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append one event. Whatever is wrong with the disk, the run goes on and the event is lost."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {**fields, "time": now, "kind": kind}
        # ValueError: a value that contains itself; RecursionError: one nested without end.
        with suppress(OSError, TypeError, ValueError, RecursionError):
            self._append(json.dumps(_plain(event), separators=(",", ":"), default=str, allow_nan=False).encode())

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(handle).st_size
            if not self._is_whole and size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line
            self._is_whole = False
            self._is_whole = os.write(handle, line + b"\n") == len(line) + 1
        finally:
            os.close(handle)
        if size > self._max_bytes:
            _drop_head(self._path, self._max_bytes // 2)


class JsonLines:
    """Follows a file of JSON lines while another process writes it.

    Attributes:
        entries: what `keep` made of every whole line, oldest first.
        unreadable: whole lines that are no event.
    """

    def __init__(self, path: Path, keep: Callable[[Event], Any] = lambda event: event) -> None:
        """Begin before the first line; the file need not exist yet.

        Args:
            path: the file.
            keep: what to remember of an event; it is called once per line.
        """
        self._path = path
        self._keep = keep
        self._file: tuple[int, int] | None = None
        self._forget()

    def read(self) -> bool:
        """Read on; half a last line is left for the next time, a replaced or shortened file is read again.

        Returns:
            Whether `entries` or `unreadable` changed.
        """
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                begins_anew = not self._goes_on(file.fileno(), (status.st_dev, status.st_ino), status.st_size)
                if begins_anew:
                    self._forget()
                    self._file = (status.st_dev, status.st_ino)
                file.seek(self._position)
                has_news = False
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._take(line)
                    has_news = True
                return has_news or begins_anew
        except OSError:
            return False

    def _forget(self) -> None:
        self.entries: list[Any] = []
        self.unreadable = 0
        self._position = 0
        self._last = b""

    def _goes_on(self, handle: int, file: tuple[int, int], size: int) -> bool:
        """Whether it is the file of the last time, grown: its last line is still where it was."""
        start = self._position - len(self._last)
        return file == self._file and size >= self._position and os.pread(handle, len(self._last), start) == self._last

    def _take(self, line: bytes) -> None:
        self._position += len(line)
        self._last = line
        event = _parse(line)
        if event is not None:
            self.entries.append(self._keep(event))
        elif line.strip():
            self.unreadable += 1


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    has_kind = isinstance(event, dict) and isinstance(event.get("time"), str) and isinstance(event.get("kind"), str)
    return event if has_kind else None


def _plain(value: Any) -> Any:
    """Numbers that JSON has no word for become null: nobody has measured them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _drop_head(path: Path, keep: int) -> None:
    """Keep whole lines of the last `keep` bytes; readers see the old file or the new one."""
    temporary = path.with_name(f".{path.name}.shorter")
    with path.open("rb") as file:
        file.seek(-keep, os.SEEK_END)
        file.readline()
        temporary.write_bytes(file.read())
    os.replace(temporary, path)
