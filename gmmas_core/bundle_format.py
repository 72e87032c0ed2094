"""An offline bundle: what a hospital without internet installs from. Its lists are read with distrust, by both sides.

INSTALL.md          what to type, from an empty machine to a checked site
SHA256SUMS          sha256 and path of every other file but the next; what `sha256sum -c` reads
SHA256SUMS.sig      who made it: an SSH signature over SHA256SUMS
bundle.json         what it is
requirements.txt    every wheel with its version and hash; what `pip install --require-hashes` reads
wheels/ docs/ images/
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gmmas_core.types import DataError

SUMS, SIGNATURE, ABOUT = "SHA256SUMS", "SHA256SUMS.sig", "bundle.json"
INSTALL, REQUIREMENTS = "INSTALL.md", "requirements.txt"
WHEELS, DOCS, IMAGES = "wheels", "docs", "images"
NAMESPACE = "gmmas-bundle"
"""What the signature is for."""

FORMAT = 1
MAX_FILES = 2000
MAX_FILE_BYTES = 32 * 2**30
MAX_SUMS_BYTES, MAX_ABOUT_BYTES = 2**20, 2**14
_PART = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}"
PATH = re.compile(rf"(?:{_PART}/){{0,3}}{_PART}")
"""A path that stays inside the bundle on every file system: no `..`, no root, no hidden name, no drive, no space."""

_LINE = re.compile(rf"([0-9a-f]{{64}})  ({PATH.pattern})")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class About:
    """What a bundle is.

    Attributes:
        release: version of this project.
        python, machine: for which its wheels are, "3.11" and "x86_64".
        created: ISO, UTC.
        wheels, images: how many.
    """

    release: str
    python: str
    machine: str
    created: str
    wheels: int
    images: int


def write_about(about: About) -> str:
    """The content of bundle.json."""
    return json.dumps({"format": FORMAT, **asdict(about)}, indent=1) + "\n"


def read_about(content: bytes) -> About:
    """Read bundle.json.

    Raises:
        DataError: anything but the fields of this format, each once and of its kind.
    """
    try:
        found = json.loads(content, object_pairs_hook=_once) if len(content) <= MAX_ABOUT_BYTES else None
    except (ValueError, RecursionError):
        found = None
    values = dict(found) if isinstance(found, dict) else {}
    number = values.pop("format", None)
    kinds = {field.name: field.type for field in fields(About)}
    fits = set(values) == set(kinds) and all(_is_a(values[name], kind) for name, kind in kinds.items())
    if type(number) is not int or number != FORMAT or not fits:
        raise DataError(f"{ABOUT}: found something else; expected format {FORMAT}; get the bundle again")
    return About(**values)


def write_sums(sums: Mapping[str, str]) -> str:
    """The content of SHA256SUMS.

    Args:
        sums: sha256 by path.

    Raises:
        DataError: a path that no bundle may hold.
    """
    text = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
    read_sums(text.encode())
    return text


def read_sums(content: bytes) -> dict[str, str]:
    """Read SHA256SUMS.

    Returns:
        sha256 by path, relative to the bundle and inside it.

    Raises:
        DataError: too large, any other line, a path that leads elsewhere or stands there twice, or no end of line last.
    """
    if len(content) > MAX_SUMS_BYTES:
        raise DataError(f"{SUMS}: found {len(content)} bytes; expected at most {MAX_SUMS_BYTES}; do not use the bundle")
    lines = content.decode("ascii", errors="replace").split("\n")
    if lines.pop() or not 0 < len(lines) <= MAX_FILES:
        raise DataError(f"{SUMS}: found no list of 1 to {MAX_FILES} whole lines; expected one; get the bundle again")
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(
                f"{SUMS} line {number}: found something else; expected a sha256, two spaces and a path inside the "
                "bundle; do not use it"
            )
        sums[match.group(2)] = match.group(1)
    if len({path.lower() for path in sums}) != len(lines):
        raise DataError(f"{SUMS}: found two lines for one file; expected each once; do not use the bundle")
    if {SUMS.lower(), SIGNATURE.lower()} & {path.lower() for path in sums}:
        raise DataError(f"{SUMS}: found itself or its signature listed; expected neither; do not use the bundle")
    return sums


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _is_a(value: object, kind: object) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value <= MAX_FILES
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
