"""Reading the log of events, while it is being written and turned over too."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from client.node.events import FIELDS, FILE
from client.node.rotating_log import files_of


def event_text(event: dict[str, Any]) -> str:
    """An event in one line for people."""
    place = f" run {event['run'][:8]}" if event["run"] else ""
    place += f" round {event['round']}" if event["round"] else ""
    reason = f": {event['reason']}" if event["reason"] else ""
    return f"{event['time'][:19]}Z {event['level']:<7} {event['event']}{place}{reason}"


class EventReader:
    """First everything that is kept, then what is new."""

    def __init__(self, state: Path) -> None:
        """Args: state: folder of the site."""
        self._path = state / FILE
        self._inode, self._offset = 0, 0

    def so_far(self) -> list[dict[str, Any]]:
        """Every event that is still kept, oldest first; lines that are no events are passed over."""
        self._inode, self._offset = _inode(self._path), 0
        old = [file for file in files_of(self._path) if file != self._path]
        return _events(line for file in old for line in _lines(file, 0)) + self.since()

    def since(self) -> list[dict[str, Any]]:
        """Events since the last call; an unfinished line waits for the next one."""
        lines: list[bytes] = []
        if _inode(self._path) not in (0, self._inode):
            lines += _lines(self._path.with_name(f"{FILE}.1"), self._offset) if self._inode else []
            self._inode, self._offset = _inode(self._path), 0
        new = _lines(self._path, self._offset)
        self._offset += sum(len(line) + 1 for line in new)
        return _events([*lines, *new])


def _events(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and set(FIELDS) <= event.keys():
            found.append(event)
    return found


def _lines(path: Path, offset: int) -> list[bytes]:
    """Whole lines from a place on; none where the file is not there any more."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            whole, end, _ = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return []
    return whole.split(b"\n") if end else []


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0
