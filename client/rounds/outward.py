"""What of an error may leave this hospital: one short line without paths, names of files, cases or control signs.

Problems of the hospital's own data name cases and repeat what its table holds, so of these the coordinator learns only
that they are there; the words themselves stay in the site's logs.
"""

import re

from gmmas_core.types import DataError, GmmasError

MAX_LENGTH = 300
MOST_READ = 2000
"""Characters of an error that are looked at: a coordinator's own words, repeated in it, may be millions."""

_OF_CASES = re.compile(r"\bcase [^\s:;,]+[:,]|\brow \d+|\.tsv\b", re.IGNORECASE)
_CASE = re.compile(r"\b(case|patient|subject) (?!folder|is\b|of\b|that\b|to\b)[^\s:;,]+", re.IGNORECASE)
_SUBJECT = re.compile(r"\b(?:sub|ses|pat|mrn)-[A-Za-z0-9_-]+", re.IGNORECASE)
_IMAGE = re.compile(r"\S+\.(?:nii|nii\.gz|dcm|dicom|mha|mhd|nrrd|npy|csv)\b", re.IGNORECASE)
_PATH = re.compile(r"(?:[A-Za-z]:)?[^\s'\"(),;:=]*[\\/][^\s'\"(),;]*")
_NO_PATHS = ("1p/19q", "and/or")
_QUOTED = re.compile(r"(?<!\w)(['\"]).*?(?:\1(?!\w)|$)", re.MULTILINE)
"""From a quotation mark to its fellow, or to the end of a line that was cut; an apostrophe in a word is none."""

_LONG_NUMBER = re.compile(r"(?<![A-Za-z0-9])\d{7,}(?![A-Za-z0-9])")


def outward(error: GmmasError) -> str:
    """The words of an error as they may be sent to the coordinator."""
    text = str(error)
    if isinstance(error, DataError):
        if _OF_CASES.search(text):
            return "data: found problems in this site's cases; expected none; its own log names them (gmmas-site check)"
        text = _QUOTED.sub("'...'", _beginning(text))
    return scrub(text)


def scrub(text: str) -> str:
    """A text in one line of at most MAX_LENGTH characters, what could identify somebody or something replaced."""
    plain = "".join(sign if sign.isprintable() else " " for sign in _beginning(text))
    plain = _IMAGE.sub("[file]", plain)
    plain = _PATH.sub(lambda found: found[0] if found[0].rstrip(".") in _NO_PATHS else "[path]", plain)
    plain = _CASE.sub(r"\1 [hidden]", _SUBJECT.sub("[hidden]", plain))
    plain = " ".join(_LONG_NUMBER.sub("[number]", plain).split())
    return plain if len(plain) <= MAX_LENGTH else plain[: MAX_LENGTH - 3] + "..."


def _beginning(text: str) -> str:
    """No more than MOST_READ characters, and none of a word of which that would leave a part."""
    return text if len(text) <= MOST_READ else f"{text[:MOST_READ].rpartition(' ')[0]} ..."
