"""The closed list of terms that contain a digit and are no number. A writer may use these; every other digit is one."""

import re

TERMS = (
    "1p/19q",
    "19q",
    "1p",
    "T2-FLAIR",
    "T2/FLAIR",
    "T1c",
    "T1",
    "T2",
    "IDH1",
    "IDH2",
    "R132H",
    "R172K",
    "H3 K27",
    "H3 G34",
    "H3-K27",
    "H3-G34",
    "K27",
    "G34",
    "H3",
    "CDKN2A/B",
    "CDKN2A",
    "CDKN2B",
    "CNS5",
    "+7/-10",
)
"""Longest first where one begins another."""

_TERM = re.compile("|".join(rf"(?<![0-9A-Za-z]){re.escape(term)}(?![0-9A-Za-z])" for term in TERMS))


def without_terms(text: str) -> str:
    """A text with every term of the list replaced by a space; a digit that is left belongs to a number."""
    return _TERM.sub(" ", text)


def has_number(text: str) -> bool:
    """Whether a digit, of any script, stands outside the terms; superscripts and fractions count."""
    return any(character.isnumeric() and not character.isalpha() for character in without_terms(text))
