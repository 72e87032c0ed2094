"""A sentence cut into words, terms with digits, placeholders and marks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from client.reading_room.writer.glossary import TERMS as GLOSSARY

TERMS = frozenset(
    piece for term in GLOSSARY if "+" not in term for piece in re.split("[ -]", term.lower()) if not piece.isalpha()
)
"""The only words with digits that a model may write, in pieces as tokens are; each is a name, none is a number."""

WORD, TERM, PLACEHOLDER, MARK, NUMBER, STRAY = "word", "term", "placeholder", "mark", "number", "stray"

_TERM = "|".join(re.escape(term) for term in sorted(TERMS, key=len, reverse=True))
_TOKEN = re.compile(
    rf"(?P<placeholder>(?<![-\w])\{{\{{[a-z0-9][a-z0-9._-]{{0,79}}\}}\}}(?![\w]))"
    rf"|(?P<term>(?<![\w.])(?:{_TERM})(?![\w]))"
    r"|(?P<number>[A-Za-z]*\d[\w.,]*)"
    r"|(?P<word>[a-z]+(?:'[a-z]+)?)"
    r"|(?P<mark>[.,;:()?])"
    r"|(?P<stray>[^\s-])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece: its kind and its words in small letters; of a placeholder the id."""

    kind: str
    words: str


def tokens_of(text: str) -> Iterator[Token]:
    """Every piece in order; hyphens join nothing and vanish: "right-sided" is two words."""
    for match in _TOKEN.finditer(text.lower()):
        kind = match.lastgroup or STRAY
        words = match.group()
        yield Token(kind, words[2:-2] if kind == PLACEHOLDER else words)
