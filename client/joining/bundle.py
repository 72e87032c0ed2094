"""An offline bundle before anything of it is used: signature, every file, nothing more and nothing less.

Everything wrong is found in one look, so that a hospital asks its coordinator once. Nothing is written.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gmmas_core import ssh_signature
from gmmas_core.bundle_format import (
    ABOUT,
    MAX_ABOUT_BYTES,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_SUMS_BYTES,
    NAMESPACE,
    SIGNATURE,
    SUMS,
    About,
    read_about,
    read_sums,
)
from gmmas_core.types import DataError

MAX_ENTRIES = 4 * MAX_FILES
_SHOWN = 160

Advance = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a look at a bundle found.

    Attributes:
        problems: everything wrong; a bundle with none may be installed.
        about: what it says it is; None when that cannot be read.
        files, bytes: that were compared.
    """

    problems: tuple[str, ...]
    about: About | None
    files: int
    bytes: int


def verify(folder: Path, signer: Ed25519PublicKey, advance: Advance = lambda done, total: None) -> Verdict:
    """Compare a bundle with what its signer put into it.

    Args:
        folder: the bundle.
        signer: whom the hospital trusts, received on another way.
        advance: told of files done and in all.

    Raises:
        DataError: no folder, or one with far too many files to be a bundle.
    """
    if not folder.is_dir():
        raise DataError(f"bundle {folder.name!r}: found no such folder; expected a bundle; unpack it first")
    problems: list[str] = []
    sizes = _plain_files(folder, problems)
    sums: dict[str, str] = {}
    with _noting(problems):
        content = _read(folder, SUMS, MAX_SUMS_BYTES)
        with _noting(problems):
            ssh_signature.verify(content, _read(folder, SIGNATURE, ssh_signature.MAX_BYTES), signer, NAMESPACE)
        sums = read_sums(content)
        _compare_names(set(sums), set(sizes) - {SUMS, SIGNATURE}, problems)
    both = sorted(set(sums) & set(sizes))
    for number, path in enumerate(both, 1):
        with _noting(problems):
            _compare_content(folder, path, sums[path])
        advance(number, len(both))
    about = None
    with _noting(problems):
        about = read_about(_read(folder, ABOUT, MAX_ABOUT_BYTES))
    return Verdict(
        problems=tuple(dict.fromkeys(problems)),
        about=about,
        files=len(both),
        bytes=sum(sizes[path] for path in both),
    )


def _plain_files(folder: Path, problems: list[str]) -> dict[str, int]:
    """Size of every plain file by its path; everything else but folders is a problem."""
    sizes: dict[str, int] = {}
    for number, (path, status) in enumerate(_entries(folder, problems)):
        if number == MAX_ENTRIES:
            raise DataError(f"bundle: found over {MAX_ENTRIES} files and folders; expected a bundle; check the path")
        if stat.S_ISREG(status.st_mode):
            sizes[path] = status.st_size
        elif not stat.S_ISDIR(status.st_mode):
            problems.append(f"{_shown(path)}: found a link or device; expected plain files only; do not use the bundle")
    return sizes


def _entries(folder: Path, problems: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below a folder, no link followed."""

    def note(error: OSError) -> None:
        problems.append(f"bundle: found a folder that cannot be read ({error.strerror}); expected none; see its rights")

    for parent, folders, files in os.walk(folder, onerror=note):
        for name in [*folders, *files]:
            path = Path(parent, name)
            yield path.relative_to(folder).as_posix(), path.lstat()


def _compare_names(signed: set[str], found: set[str], problems: list[str]) -> None:
    problems += [f"{path}: found none; expected this file; get the bundle again" for path in sorted(signed - found)]
    problems += [
        f"{_shown(path)}: found a file that nobody signed for; expected none; delete it"
        for path in sorted(found - signed)
    ]


def _compare_content(folder: Path, path: str, expected: str) -> None:
    with _opened(folder, path, MAX_FILE_BYTES) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected:
        raise DataError(f"{path}: found other content than was signed for; expected no change; get the bundle again")


def _read(folder: Path, path: str, most: int) -> bytes:
    with _opened(folder, path, most) as file:
        return file.read(most)


@contextmanager
def _opened(folder: Path, path: str, most: int) -> Iterator[BufferedReader]:
    """A plain file of at most so many bytes.

    Raises:
        DataError: it is none, or cannot be read.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        handle = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise DataError(
            f"{path}: found no readable file ({error.strerror}); expected one; get the bundle again"
        ) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise DataError(f"{path}: found no plain file of at most {most} bytes; expected one; do not use the bundle")
        yield file


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    """Go on after a complaint, and remember it."""
    try:
        yield
    except DataError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(
            f"bundle: found a file that cannot be read ({error.strerror}); expected a sound disk; copy it anew"
        )


def _shown(path: str) -> str:
    """A name that nobody vouches for, safe for a terminal."""
    return path if path.isascii() and path.isprintable() and len(path) <= _SHOWN else ascii(path[:_SHOWN])
