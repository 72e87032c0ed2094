"""Characters that an English sentence needs, and no other: nothing hidden, no markup, no second alphabet."""

import re
import unicodedata
from collections.abc import Iterator

PUNCTUATION = frozenset(" .,;:()'-/?")
"""Beside letters, digits and whole placeholders; the slash is of terms such as 1p/19q."""

_PLACEHOLDER = re.compile(r"\{\{[a-z0-9._-]+\}\}")

_REPLACED = str.maketrans({"\u2019": "'", "\u2013": "-", "\u2014": ";", "\u2011": "-"})


def plain(text: str) -> str:
    """The same text with typographic apostrophes and dashes as ASCII writes them."""
    return text.translate(_REPLACED)


def strange_characters(text: str) -> Iterator[str]:
    """Names of characters that do not belong, each once; `text` as `plain` gives it."""
    for character in dict.fromkeys(_PLACEHOLDER.sub("", text)):
        if character in PUNCTUATION or (character.isascii() and character.isalnum()):
            continue
        yield unicodedata.name(character, f"U+{ord(character):04X}").lower()
