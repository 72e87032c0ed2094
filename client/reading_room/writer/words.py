"""Words of the writer by id and language; those of diagnoses, flags and tests are gmmas_core.diagnosis's own."""

from collections.abc import Mapping

from client.reading_room.writer import words_en
from gmmas_core.types import ConfigError

WORDS: Mapping[str, Mapping[str, str]] = {"en": words_en.WORDS}
"""Language -> id -> words; every catalogue has the same ids, braces and facts."""


def word(word_id: str, language: str, **filled: str) -> str:
    """The words of one id, with what its braces hold.

    Raises:
        ConfigError: a language or an id that does not exist.
    """
    if language not in WORDS:
        raise ConfigError(f"language: found {language!r}; expected one of {', '.join(WORDS)}; choose one of them")
    words = WORDS[language].get(word_id)
    if words is None:
        raise ConfigError(f"word: found the id {word_id!r}; expected one of the catalogue; see words_en.py")
    return words.format(**filled) if filled else words


def has_word(word_id: str) -> bool:
    """Whether the catalogues know an id."""
    return word_id in words_en.WORDS


def listed(parts: tuple[str, ...], language: str, last: str = "list.and") -> str:
    """Some words as one phrase: "T1, T2 and FLAIR"."""
    if len(parts) < 2:
        return "".join(parts)
    comma = word("list.comma", language)
    return word(last, language, first=comma.join(parts[:-1]), last=parts[-1])
