"""A release as it reaches a hospital, a folder or a .zip: copied with distrust, before a byte of it is believed.

Names, kinds and sizes are bounded while reading, whatever an archive claims about itself: nothing can be written
outside the target, no link is followed, no small file becomes a large one.
"""

import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from gmmas_core.signing import FILE_NAME, SIGNATURE
from gmmas_core.types import DataError

MAX_FILES = 16
MAX_FILE_BYTES = 4 * 2**30
MAX_TOTAL_BYTES = MAX_FILE_BYTES + 2**26
_CHUNK = 2**20
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}/")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def unpack(source: Path, target: Path) -> None:
    """Copy a release's files into an empty folder.

    Args:
        source: folder, or .zip whose files lie at its root or in one folder.
        target: existing and empty.

    Raises:
        DataError: no release, or one that is damaged, too large, or holds anything but plain files.
    """
    if source.is_dir():
        _copy_folder(source, target)
    elif source.is_file():
        _unzip(source, target)
    else:
        raise DataError(f"release {source.name!r}: found no such file or folder; expected a release (folder or .zip)")


def _copy_folder(source: Path, target: Path) -> None:
    if not (source / SIGNATURE).exists():
        raise DataError(
            f"release {source.name!r}: found no {SIGNATURE} in the folder; expected a signed release, such as v1; "
            "ask the coordinator for one"
        )
    paths = sorted(source.iterdir())
    _check_names([path.name for path in paths])
    total = 0
    for path in paths:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise DataError(f"release {path.name}: found a link or folder; expected plain files only; get it again")
        with path.open("rb") as file:
            total += _write(file, target / path.name, MAX_TOTAL_BYTES - total)


def _unzip(source: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            names = _plain_names(archive.infolist())
            _check_names(list(names.values()))
            total = 0
            for info, name in names.items():
                with archive.open(info) as file:
                    total += _write(file, target / name, MAX_TOTAL_BYTES - total)
    except _UNREADABLE:
        raise DataError(
            f"release {source.name}: found a file that cannot be unpacked; expected an undamaged .zip of a release; "
            "get it again"
        ) from None


def _plain_names(infos: list[zipfile.ZipInfo]) -> dict[zipfile.ZipInfo, str]:
    """Entry -> name of its file; the one folder that may hold all of them is taken off."""
    kinds = {stat.S_IFMT(info.external_attr >> 16) for info in infos if not info.is_dir()}
    if kinds - {0, stat.S_IFREG}:
        raise DataError("release: found a link or device in the .zip; expected plain files only; do not use it")
    first = infos[0].filename.partition("/") if infos else ("", "", "")
    prefix = first[0] + first[1] if first[1] else ""
    if prefix and not _FOLDER.fullmatch(prefix):
        raise DataError("release: found a path in the .zip that leads elsewhere; expected plain names; do not use it")
    names = {}
    for info in infos:
        if not info.filename.startswith(prefix):
            raise DataError("release: found several folders in the .zip; expected one at most; get it again")
        name = info.filename[len(prefix) :]
        if name:
            names[info] = name
    return names


def _check_names(names: list[str]) -> None:
    if not 0 < len(names) <= MAX_FILES:
        raise DataError(f"release: found {len(names)} files; expected 1 to {MAX_FILES}; check that it is a release")
    if not all(FILE_NAME.fullmatch(name) for name in names):
        raise DataError(
            "release: found a file name with other characters or in another folder; expected plain names; do not use it"
        )
    if len({name.lower() for name in names}) != len(names):
        raise DataError("release: found two files of one name; expected each once; do not use it")


def _write(source: IO[bytes], path: Path, room: int) -> int:
    """Copy at most `room` bytes; the number written."""
    written, most = 0, min(room, MAX_FILE_BYTES)
    with path.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise DataError(f"release {path.name}: found more than {most} bytes; expected a release; do not use it")
            file.write(chunk)
    return written
