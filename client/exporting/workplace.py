"""A new folder that is written over hours and appears whole: begun beside its place, resumed after a kill, renamed.

Until it is whole it is called `.NAME.unfinished` and holds `request.json` (what was asked for) and `done.jsonl` (one
line per finished case, synced). The same command goes on where it was; any other is refused there, and so is a folder
that this program did not begin. Nothing that exists under the final name is ever touched.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client.exporting.record import unfinished
from gmmas_core import atomic
from gmmas_core.types import DataError

REQUEST, DONE, SUMMARY = "request.json", "done.jsonl", "gmmas-export.json"
"""The first two are gone when the folder is whole; the last says what is in it."""

Looks = Sequence[Any]
"""JSON-able; whatever must be the same for a finished case to stay."""


class Workplace:
    """An export under way."""

    def __init__(self, folder: Path) -> None:
        """Take up what an earlier command left; see `workplace`."""
        self.folder = folder
        self._done: dict[str, dict[str, Any]] = {}
        for line in _lines(folder / DONE):
            self._done[line["case"]] = line

    def is_done(self, case_id: str, looks: Looks) -> bool:
        """Whether a case's files are there, made from sources that looked like this (see `looks_of`)."""
        line = self._done.get(case_id)
        if line is None or line["looks"] != list(looks):
            return False
        sizes: dict[str, int] = line["files"]
        return bool(sizes) and sizes == {name: _size(self.folder / name) for name in sizes}

    def finish_case(self, case_id: str, looks: Looks, names: Iterable[str]) -> None:
        """Note a case as done.

        Args:
            case_id: of the case.
            looks: of its sources before they were read.
            names: its files, relative to the folder.
        """
        sizes = {name: _size(self.folder / name) for name in names}
        self._done[case_id] = {"case": case_id, "looks": list(looks), "files": sizes}
        with (self.folder / DONE).open("a") as file:
            file.write(json.dumps(self._done[case_id]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def forget(self, case_id: str) -> None:
        """Remove what an earlier command made of a case from other sources."""
        for name in self._done.pop(case_id, {"files": ()})["files"]:
            (self.folder / name).unlink(missing_ok=True)

    def keep_only(self, cases: Iterable[str]) -> None:
        """Remove everything but finished cases that are still to be exported.

        Somebody may have left meanwhile, and a killed process leaves parts of a case.
        """
        self._done = {case_id: self._done[case_id] for case_id in cases if case_id in self._done}
        kept = {REQUEST, DONE} | {name for line in self._done.values() for name in line["files"]}
        for path in sorted(self.folder.rglob("*")):
            if not path.is_dir() and path.relative_to(self.folder).as_posix() not in kept:
                path.unlink()
        atomic.write_text(self.folder / DONE, "".join(json.dumps(line) + "\n" for line in self._done.values()))


@contextmanager
def workplace(out: Path, request: Mapping[str, Any]) -> Iterator[Workplace]:
    """A folder to write into, which becomes `out` when the block ends without an error.

    Args:
        out: final place; its parent is made.
        request: JSON-able; what decides the content. An unfinished folder is taken up for the same request only.

    Raises:
        DataError: something is there already, a foreign folder is in the way, another command is writing, or the disk
            cannot be written. What was finished stays and is taken up by the same command.
    """
    if out.exists() or out.is_symlink():
        raise DataError(f"--out: found {out.name} there already; expected a new folder; remove it or choose another")
    folder = unfinished(out)
    try:
        _begin(folder, request)
        with (folder / REQUEST).open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError("--out: found another export writing there; expected one at a time; wait") from None
            yield Workplace(folder)
            for name in (REQUEST, DONE):
                (folder / name).unlink(missing_ok=True)
            atomic.publish_folder(folder, out)
    except OSError as error:
        raise DataError(
            f"--out: cannot be written ({error.strerror}); expected a folder with free space; mend that and give the "
            "same command again: it goes on where it was"
        ) from None


def looks_of(paths: Iterable[Path]) -> list[list[int]]:
    """Size, time and inode of each file; other looks, and a finished case is done again.

    Raises:
        DataError: a file is gone.
    """
    try:
        stats = [path.stat() for path in paths]
    except OSError as error:
        raise DataError(f"found a file that cannot be read ({error.strerror}); expected it there; check it") from None
    return [[stat.st_size, stat.st_mtime_ns, stat.st_ino] for stat in stats]


def _begin(folder: Path, request: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if all(path.name.startswith(f".{REQUEST}.") for path in folder.iterdir()):  # nothing, or a request half written
        atomic.write_json(folder / REQUEST, request)
        return
    try:
        found = json.loads((folder / REQUEST).read_text())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise DataError(
            f"--out: found {folder.name}, which no export of ours began; expected nothing there; remove it yourself or "
            "choose another --out"
        )
    if found != json.loads(json.dumps(request)):
        raise DataError(
            f"--out: found {folder.name}, an unfinished export of something else; expected the same command as before; "
            "give that one again, remove the folder, or choose another --out"
        )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines; what a killed process left of its last one is done again."""
    try:
        text = path.read_text()
    except OSError:
        return
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and {"case", "looks", "files"} <= set(value):
            yield value


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
