"""A backup as a file: an uncompressed tar whose last member lists every other one with its size and sha256.

It holds private keys, so it is readable by its owner only. Reading trusts nothing: a member is an ordinary file with a
plain relative name or the archive is refused, and nothing is believed before every hash has been compared.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from gmmas_core.atomic import sync_folder
from gmmas_core.types import FederationError

MANIFEST = "manifest.json"
FORMAT, VERSION = "gmmas-coordinator-backup", 1
TOPS = ("federation", "runs")
MAX_FILES, MAX_MANIFEST, MAX_DEPTH, MAX_MADE = 100_000, 64 * 2**20, 12, 40
MODES = (0o600, 0o644)
_CHUNK = 2**20


@dataclass
class Packer:
    """An archive that is being written; `files` becomes the manifest's list."""

    tar: tarfile.TarFile
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, source: BinaryIO, size: int, mode: int = 0o600) -> None:
        """Add the first `size` bytes of a file, hashing what is read.

        Raises:
            FederationError: a name that `unpack` would refuse.
            OSError: it became shorter meanwhile, or the archive cannot be written.
        """
        if not _is_good(name):
            raise FederationError(
                f"backup: found the name {name!r}; expected printable letters without \\; rename it and try again"
            )
        hashed = _Hashed(source)
        self.tar.addfile(_header(name, size, mode), hashed)
        self.files[name] = {"bytes": size, "sha256": hashed.digest.hexdigest(), "mode": mode}

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file that is in memory."""
        self.add(name, io.BytesIO(content), len(content))

    def add_path(self, name: str, path: Path) -> None:
        """Add a file of the disk as it is now."""
        with path.open("rb") as source:
            found = os.fstat(source.fileno())
            self.add(name, source, found.st_size, 0o644 if found.st_mode & 0o004 else 0o600)


@contextmanager
def packing(out: Path, about: Mapping[str, Any]) -> Iterator[Packer]:
    """Write an archive in one step: after the `with` block it is there, whole; after an error it is not.

    Args:
        out: its path; nothing may be there.
        about: JSON-able; further entries of the manifest.

    Raises:
        FederationError: something is there.
        OSError: it cannot be written.
    """
    if out.exists():
        raise FederationError(f"{out.name}: found a file of that name; expected none; choose another or move it away")
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                packer = Packer(tar)
                yield packer
                manifest = {"format": FORMAT, "version": VERSION, **about, "files": packer.files}
                content = json.dumps(manifest, indent=1).encode()
                tar.addfile(_header(MANIFEST, len(content), 0o600), io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
        os.link(name, out)  # never over a file that came meanwhile
    except FileExistsError:
        raise FederationError(f"{out.name}: found a file of that name; expected none; choose another") from None
    finally:
        Path(name).unlink(missing_ok=True)
    sync_folder(out.parent)


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Write an archive's files into an empty folder and check them all against the manifest.

    Args:
        archive: from whoever.
        folder: exists, empty; after an error it holds whatever was written so far, to be removed by the caller.

    Returns:
        The manifest.

    Raises:
        FederationError: not a backup, or one that is damaged or hostile.
    """
    try:
        with tarfile.open(archive, mode="r:") as tar:
            found, manifest = _extract(tar, folder)
    except (tarfile.TarError, EOFError, UnicodeError, OverflowError, ValueError, RecursionError):
        raise _refusal("bytes that are no tar archive, or one cut short") from None
    except OSError as error:
        raise FederationError(
            f"backup: found that it cannot be read or written out ({error.strerror}); expected a readable file and "
            "room on the disk"
        ) from None
    _compare(found, manifest)
    return manifest


def _extract(tar: tarfile.TarFile, folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """What was found, as a manifest lists it, and the manifest."""
    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    seen: set[str] = set()
    for member in tar:
        if not member.isreg() or member.issparse():
            raise _refusal("a member that is no ordinary file")
        if member.name.casefold() in seen or len(seen) >= MAX_FILES:
            raise _refusal("a name twice, or too many files")
        seen.add(member.name.casefold())
        source = tar.extractfile(member)
        if source is None:
            raise _refusal("a member without content")
        if member.name == MANIFEST:
            manifest = _parse(source.read(MAX_MANIFEST + 1))
            continue
        if not _is_good(member.name):
            raise _refusal("a name that no backup has")
        target = folder / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            found[member.name] = _copy(source, file)
    if manifest is None:
        raise _refusal("no manifest")
    return found, manifest


def _is_good(name: str) -> bool:
    """Whether a backup may hold a file of this name: relative, plain, below one of its two folders."""
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name and str(path) == name and not path.is_absolute()
    parts = path.parts
    return plain and ".." not in parts and 1 < len(parts) <= MAX_DEPTH and parts[0] in TOPS and len(name) <= 1000


def _parse(content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content if len(content) <= MAX_MANIFEST else b"")
        if manifest["format"] != FORMAT or not isinstance(manifest["files"], dict):
            raise ValueError
        made = manifest["made"]
        if not isinstance(made, str) or not made.isprintable() or len(made) > MAX_MADE:
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _refusal("no manifest of a backup") from None
    if manifest.get("version") != VERSION:
        raise FederationError(
            f"backup: found format version {str(manifest.get('version'))[:20]}; expected {VERSION}; use the release "
            "that made it"
        )
    return dict(manifest)


def _compare(found: Mapping[str, Mapping[str, Any]], manifest: Mapping[str, Any]) -> None:
    listed = manifest["files"]
    if found.keys() != listed.keys():
        raise _refusal("other files than its manifest lists")
    for name, file in found.items():
        entry = listed[name]
        fits = isinstance(entry, dict) and all(entry.get(key) == file[key] for key in ("bytes", "sha256"))
        if not fits or entry.get("mode") not in MODES or not isinstance(entry["mode"], int):
            raise _refusal(f"another content than its manifest says, in {name}")


def _refusal(what: str) -> FederationError:
    return FederationError(f"backup: found {what}; expected a file that gmmas-coordinator backup wrote; use another")


def _copy(source: Any, target: BinaryIO) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        target.write(chunk)
    target.flush()
    os.fsync(target.fileno())
    return {"bytes": size, "sha256": digest.hexdigest()}


class _Hashed(io.RawIOBase):
    """A file that hashes what is read from it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self.digest.update(chunk)
        return chunk


def _header(name: str, size: int, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, mode
    return header
