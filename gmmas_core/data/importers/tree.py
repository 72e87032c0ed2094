"""Walk a public data set's folders safely: hidden and `._` files ignored, links out of the tree refused."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gmmas_core.data.importers.found import Skipped
from gmmas_core.data.sequences import has_images
from gmmas_core.types import DataError

# What participants.tsv accepts as an id (data/rows.py): letters, digits, dots, dashes, underscores.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def case_folders(
    source: Path, pattern: re.Pattern[str], depth: int, left: list[Skipped] | None = None
) -> Iterator[tuple[Path, re.Match[str]]]:
    """Folders at most `depth` levels below `source` whose whole name matches; sorted, not searched further inside.

    Args:
        source: folder to look into.
        pattern: of a case folder's name.
        depth: levels.
        left: a reason is appended for every folder of images with another name, every link to a folder, and every
            folder that cannot be read or lies too deep.
    """
    for folder in subfolders(source, left):
        match = pattern.fullmatch(folder.name)
        if match:
            yield folder, match
        elif has_images(folder):
            if left is not None:
                left.append(skipped(folder.name, "a folder of images that is not named like a case of this data set"))
        elif depth > 1:
            yield from case_folders(folder, pattern, depth - 1, left)
        elif left is not None and subfolders(folder):
            left.append(
                skipped(folder.name, "folders so deep are not looked into; give one nearer to the cases as SRC")
            )


def subfolders(folder: Path, left: list[Skipped] | None = None) -> list[Path]:
    """Folders inside, sorted by name; hidden ones are passed over, links and unreadable ones are reasons in `left`."""
    try:
        with os.scandir(folder) as entries:
            shown_entries = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        if left is not None:
            left.append(skipped(folder.name, f"a folder that cannot be read ({error.strerror})"))
        return []
    links = [entry.name for entry in shown_entries if entry.is_symlink() and entry.is_dir()]
    if left is not None:
        left += [skipped(name, "a link to a folder; give the folder itself as the source") for name in sorted(links)]
    return [folder / entry.name for entry in sorted(shown_entries, key=lambda e: e.name) if _is_folder(entry)]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    return entry.is_dir(follow_symlinks=False)


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
