"""One way to write text, bytes and numbers one after another, so that no two lists ever give the same bytes."""

import re
import struct

from gmmas_core.errors import FederationError

Part = bytes | str | int

MAX_BYTES = 2**22
"""Longest byte string that is read at all; the largest honest one, a member's state at 2000 sites, is about 2 MB."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

_HEAD = struct.Struct(">cI")


def pack(*parts: Part) -> bytes:
    """Kind, length and content of each part; numbers take 8 bytes, so each list has exactly one spelling.

    Raises:
        FederationError: a number outside 0 .. 2^63 - 1, or text beyond ASCII.
    """
    spelled = []
    for part in parts:
        if isinstance(part, int):
            if not 0 <= part < 2**63:
                raise FederationError("secure sum: found a number out of range; expected 0 to 2^63 - 1")
            kind, content = b"i", part.to_bytes(8, "big")
        elif isinstance(part, str):
            if not part.isascii():
                raise FederationError("secure sum: found text beyond ASCII; expected plain names")
            kind, content = b"s", part.encode("ascii")
        else:
            kind, content = b"b", part
        spelled.append(_HEAD.pack(kind, len(content)) + content)
    return b"".join(spelled)


def unpack(data: bytes, kinds: str | None = None) -> tuple[Part, ...]:
    """The parts of `pack`.

    Args:
        data: from outside.
        kinds: one letter per expected part: s text, b bytes, i number; None for any list.

    Raises:
        FederationError: anything that `pack` cannot have written, or parts of other kinds.
    """
    if not isinstance(data, bytes) or len(data) > MAX_BYTES:
        raise FederationError(f"secure sum: found no bytes or too many; expected at most {MAX_BYTES} bytes")
    parts: list[Part] = []
    found, start = "", 0
    while start < len(data):
        if len(data) - start < _HEAD.size:
            raise _broken()
        kind, length = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        content = data[start : start + length]
        start += length
        if len(content) != length:
            raise _broken()
        parts.append(_read(kind, content))
        found += kind.decode()
    if kinds is not None and found != kinds:
        raise FederationError("secure sum: found another message; expected the one of this phase, of this version")
    return tuple(parts)


def check_name(name: object) -> str:
    """A site's name.

    Raises:
        FederationError: not one.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise FederationError("secure sum: found an unfit site name; expected 1 to 64 letters, digits, - or _")
    return name


def _read(kind: bytes, content: bytes) -> Part:
    if kind == b"b":
        return content
    if kind == b"s" and content.isascii():
        return content.decode("ascii")
    if kind == b"i" and len(content) == 8 and content[0] < 128:
        return int.from_bytes(content, "big")
    raise _broken()


def _broken() -> FederationError:
    return FederationError("secure sum: found a broken message; expected whole parts; begin a new attempt")
