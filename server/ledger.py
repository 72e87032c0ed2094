"""The coordinator's record of everything decided: append-only lines of JSON, each holding the hash of the one before.

An edited, removed or exchanged line breaks the chain. Lines cut off the end, and edits of the very last line, are found
by looking for a head kept elsewhere (every RoundPlan carries it to the sites). A line counts once it is on disk; a last
line that a crash left unfinished is moved to a file beside the ledger when it is opened, and the ledger says so.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gmmas_core.atomic import sync_folder, write_bytes
from gmmas_core.types import FederationError

GENESIS = "0" * 64
"""`previous` of the first line, and the head of an empty ledger."""

_OWN = ("line", "previous", "time", "kind")

log = logging.getLogger(__name__)


class Ledger:
    """An open ledger; one writer at a time (see `run_lock`)."""

    def __init__(self, path: Path) -> None:
        """Open or create; a torn last line is moved aside.

        Raises:
            FederationError: the chain is broken.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_bytes(path, b"")
        torn = _cut_torn_tail(path)
        problems = verify(path)
        if problems:
            raise FederationError(
                f"ledger: found {problems[0]} ({len(problems)} in all); expected an unbroken chain; "
                "restore the file from a backup or begin a new run"
            )
        lines = path.read_bytes().split(b"\n")[:-1]
        self._num_lines = len(lines)
        self._head = _digest(lines[-1]) if lines else GENESIS
        if torn is not None:
            log.warning("ledger: found a torn last line; it was moved to %s", torn.name)
            self.append("torn-line", moved_to=torn.name, sha256=_digest(torn.read_bytes()))

    @property
    def head(self) -> str:
        """sha256 of the last line; GENESIS when there is none."""
        return self._head

    def append(self, kind: str, **fields: Any) -> str:
        """Add one line and wait until it is on disk.

        Args:
            kind: what happened.
            fields: JSON-able; NaN is refused.

        Returns:
            The new head.

        Raises:
            FederationError: fields that are no JSON or use a reserved name, or a line that cannot be written; the
                ledger is as before.
        """
        reserved = sorted(set(fields) & set(_OWN))
        if reserved:
            raise FederationError(f"ledger {kind}: found reserved fields {reserved}; expected other names")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"line": self._num_lines + 1, "previous": self._head, "time": now, "kind": kind, **fields}
        try:
            line = json.dumps(entry, separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError):
            raise FederationError(f"ledger {kind}: found fields that are no JSON; expected plain values") from None
        _append_line(self.path, line)
        self._num_lines += 1
        self._head = _digest(line)
        return self._head

    def entries(self) -> Iterator[dict[str, Any]]:
        """All lines, oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                yield json.loads(line)


def verify(path: Path, *, expected_head: str | None = None) -> list[str]:
    """Check a ledger from its first line to its last.

    Args:
        path: the file.
        expected_head: a head kept elsewhere, e.g. by a site; it must be the hash of one of the lines.

    Returns:
        What is wrong, in order; empty for an unbroken chain.
    """
    problems: list[str] = []
    heads = {GENESIS}
    previous = GENESIS
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                problems.append(f"line {number}: torn (no end of line)")
                break
            entry = _parse(line)
            if entry is None:
                problems.append(f"line {number}: not a ledger entry")
            elif entry["previous"] != previous:
                problems.append(f"line {number}: does not follow the line before it (edited, removed or moved)")
            elif entry["line"] != number:
                problems.append(f"line {number}: numbered {entry['line']!r}")
            previous = _digest(line[:-1])
            heads.add(previous)
    if expected_head is not None and expected_head not in heads:
        problems.append("end: the expected head is missing (lines were removed from the end, or the last one edited)")
    return problems


def entries_of(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a ledger that may be written right now or damaged: lines that are no entries are passed over."""
    with path.open("rb") as file:
        for line in file:
            entry = _parse(line) if line.endswith(b"\n") else None
            if entry is not None:
                yield entry


def heads(path: Path) -> dict[str, int]:
    """Every head a ledger has ever had -> the number of its line, 0 for GENESIS; a line without its end is none."""
    with path.open("rb") as file:
        lines = (line[:-1] for line in file if line.endswith(b"\n"))
        return {GENESIS: 0} | {_digest(line): number for number, line in enumerate(lines, start=1)}


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and all(name in entry for name in _OWN) else None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _append_line(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(handle).st_size
        try:
            rest = memoryview(line + b"\n")
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError as error:
            os.ftruncate(handle, size)
            raise FederationError(
                f"ledger: found that a line cannot be written ({error.strerror}); expected room on the disk"
            ) from None
    finally:
        os.close(handle)


def _cut_torn_tail(path: Path) -> Path | None:
    """Move a last line that was not written to its end to a file of its own; its path, or None.

    Such a line lacks its newline, or, where the disk wrote its pages in another order, is no JSON.
    """
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end == len(content):
        end = content.rfind(b"\n", 0, -1) + 1
        if not content or _parse(content[end:]) is not None:
            return None
    torn = path.with_name(f"{path.name}.torn-at-{end}-{_digest(content[end:])[:8]}")
    write_bytes(torn, content[end:])
    with path.open("rb+") as file:
        file.truncate(end)
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return torn
