"""Is a patient named in a file? Asked of logs, to blacken them, and of everything in the end, to find what is left."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from client.withdrawal.subject import Subject

ARRAYS = (".npy", ".safetensors", ".nii", ".gz")
"""Files of numbers: their names are searched, their content is not."""

_CHUNK = 2**20
_OVERLAP = 2**11
_WORD = re.compile(rb"[A-Za-z0-9._-]")


def is_searchable(subject: Subject) -> bool:
    """Whether finding one of the names means something: an id like 7 stands in every file."""
    return not [name for name in subject.names if len(name) < 4 or name.isdecimal()]


def traces_left(folder: Path, subject: Subject) -> list[str]:
    """Files and folders below a folder that still name the patient, relative to it."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if is_named(relative.encode(errors="replace"), subject) or (path.is_file() and _is_told_in(path, subject)):
            found.append(relative)
    return found


def is_named(text: bytes, subject: Subject) -> bool:
    """Whether a text names the patient, and not somebody who stays and whose longer id holds theirs."""
    return next(_places(text, subject), None) is not None


def blacken(path: Path, subject: Subject) -> None:
    """Overwrite the patient's names in a log by x, in place: what other processes append meanwhile is not lost.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("r+b") as file:
        for start, end in list(_places(file.read(), subject)):
            file.seek(start)
            file.write(b"x" * (end - start))
        file.flush()
        os.fsync(file.fileno())


def _places(text: bytes, subject: Subject) -> Iterator[tuple[int, int]]:
    names = sorted((name.encode() for name in subject.names), key=len, reverse=True)
    longer = {other.encode() for other in subject.others if any(name in other for name in subject.names)}
    pattern = re.compile(rb"(?<![A-Za-z0-9])(?:%s)(?![A-Za-z0-9])" % b"|".join(re.escape(name) for name in names))
    for match in pattern.finditer(text):
        word = _word_around(text, match.start(), match.end())
        if not any(other in word for other in longer if len(other) > len(match[0])):
            yield match.span()


def _word_around(text: bytes, start: int, end: int) -> bytes:
    while start and _WORD.match(text, start - 1):
        start -= 1
    while end < len(text) and _WORD.match(text, end):
        end += 1
    return text[start:end]


def _is_told_in(path: Path, subject: Subject) -> bool:
    if path.suffix in ARRAYS:
        return False
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(_CHUNK):
            if is_named(tail + piece, subject):
                return True
            tail = piece[-_OVERLAP:]
    return False
