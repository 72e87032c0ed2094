"""Walk a public data set's folders safely: hidden and `._` files ignored, links out of the tree refused."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gmmas_core.data.importers.found import Skipped
from gmmas_core.types import DataError

# What participants.tsv accepts as an id (data/rows.py): letters, digits, dots, dashes, underscores.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def case_folders(source: Path, pattern: re.Pattern[str], depth: int) -> Iterator[tuple[Path, re.Match[str]]]:
    """Folders at most `depth` levels below `source` whose whole name matches; sorted, not searched further inside."""
    for folder in subfolders(source):
        match = pattern.fullmatch(folder.name)
        if match:
            yield folder, match
        elif depth > 1:
            yield from case_folders(folder, pattern, depth - 1)


def subfolders(folder: Path) -> list[Path]:
    """Folders inside, sorted by name; hidden ones and links are passed over."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def require_source(source: Path) -> None:
    """Raise a DataError unless the source is a folder."""
    if not os.path.isdir(source):
        raise DataError("source: found no such folder; expected the unpacked data set; check the path")


def require_cases(found: int, what: str) -> None:
    """Raise a DataError when a tree held nothing of a data set."""
    if not found:
        raise DataError(f"source: found no {what}; expected the unpacked data set; check --from and the path")


def unsafe_files(source: Path, files: Sequence[Path]) -> str | None:
    """Why these files may not be taken: a link out of the tree or no regular file; None when they may."""
    root = os.path.realpath(source)
    for file in files:
        real = os.path.realpath(file)
        if os.path.commonpath([root, real]) != root:
            return "a file is a link to outside of the source folder"
        if not os.path.isfile(real):
            return "a file is a link to nothing or no regular file"
    return None


def is_id(name: str) -> bool:
    """Whether a name can be a case id, a patient id and a folder."""
    return _ID.fullmatch(name) is not None


def shown(name: str) -> str:
    """A name from outside as it may be printed: one line, short."""
    return name if is_id(name) else ascii(name[:40])


def skipped(name: str, reason: str) -> Skipped:
    """A Skipped whose name is safe to print."""
    return Skipped(name=shown(name), reason=reason)
