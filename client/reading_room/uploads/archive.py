"""A zip archive as it was uploaded, unpacked with distrust.

No name in the archive is ever used as a name on disk: files are numbered, so nothing can be written elsewhere, over
something else or under a reserved name. Sizes are counted while unpacking, whatever the archive claims.
"""

import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.uploads.limits import CHUNK, MAX_FILES, MAX_LABEL, MAX_UNPACKED_BYTES
from gmmas_core.types import DataError

_ENCRYPTED = 0x1
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, LookupError)


@dataclass(frozen=True, kw_only=True)
class Received:
    """One file of an upload.

    Attributes:
        path: where it lies now, under a name of ours.
        label: what the sender called it, made printable and short; never a path.
    """

    path: Path
    label: str


def label_of(name: str) -> str:
    """The last part of a name that somebody sent, fit to be shown; it may be misleading but not harmful."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    printable = "".join(sign if sign.isprintable() else "?" for sign in last)
    return printable if len(printable) <= MAX_LABEL else "..." + printable[3 - MAX_LABEL :]


def unpack(source: Path, target: Path, is_stopped: Callable[[], bool] = lambda: False) -> list[Received]:
    """Write the files of an archive into a folder as `00001`, `00002`, ...

    Args:
        source: the .zip.
        target: existing and empty; on an error the caller removes it with what is in it.
        is_stopped: asked between pieces; True ends the work.

    Returns:
        Files in the archive's order; folders, hidden files and macOS's shadows are left out.

    Raises:
        DataError: no archive, a damaged, encrypted, nested or too large one, one with links, or the disk is full.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = _members(archive)
            left, received = MAX_UNPACKED_BYTES, []
            for number, member in enumerate(members, 1):
                path = target / f"{number:05}"
                left -= _write(archive, member, path, left, is_stopped)
                received.append(Received(path=path, label=label_of(member.filename)))
    except _UNREADABLE:
        raise DataError(
            "archive: found a file that is damaged or no .zip; expected an intact archive; pack it again"
        ) from None
    except OSError as error:
        raise DataError(
            f"archive: cannot be unpacked ({error.strerror}); expected free space; free some and try again"
        ) from None
    if not received:
        raise DataError("archive: found no file in it; expected NIfTI files or a DICOM folder; check what was packed")
    return received


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_shadow(member.filename)]
    if len(members) > MAX_FILES:
        raise DataError(f"archive: found {len(members)} files; expected at most {MAX_FILES}; pack one study alone")
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise DataError("archive: found it encrypted; expected one without a password; pack it again without")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise DataError("archive: found a link or a device in it; expected plain files only; pack it again")
        if _leads_out(member.filename):
            raise DataError("archive: found a name that leads out of it; expected names inside; pack it again")
        if member.filename.lower().endswith((".zip", ".tar", ".tgz", ".7z", ".rar")):
            raise DataError("archive: found another archive inside; expected plain files only; unpack that one first")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise _too_large()
    return members


def _is_shadow(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[-1].startswith(".") or parts[0] == "__MACOSX"


def _leads_out(name: str) -> bool:
    """No file is written under a name of the archive's; but whoever packs such names means no good."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or parts[0].endswith(":")


def _write(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, left: int, is_stopped: Callable[[], bool]
) -> int:
    written = 0
    with archive.open(member) as content, path.open("xb") as file:
        while piece := content.read(CHUNK):
            written += len(piece)
            if written > left:
                raise _too_large()
            if is_stopped():
                raise DataError("archive: found the upload taken back; expected it to go on; nothing of it was kept")
            file.write(piece)
    return written


def _too_large() -> DataError:
    return DataError(
        f"archive: found more than {MAX_UNPACKED_BYTES / 2**30:g} GB in it; expected one study; pack it alone"
    )
