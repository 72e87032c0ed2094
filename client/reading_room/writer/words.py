"""Words of the writer by id and language; those of diagnoses, flags and tests are gmmas_core.diagnosis's own."""

from collections.abc import Mapping

from client.reading_room.writer import catalogue_de, catalogue_en, catalogue_zh, words_de, words_en, words_zh
from gmmas_core.types import CLASS_NAMES, ConfigError, Task

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {**words_en.WORDS, **catalogue_en.SENTENCES},
    "de": {**words_de.WORDS, **catalogue_de.SENTENCES},
    "zh": {**words_zh.WORDS, **catalogue_zh.SENTENCES},
}
"""Language -> id -> words for facts and sentences; every catalogue has the same ids, braces and facts."""


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


def check_word(check: str, language: str) -> str:
    """Words for what a check found; general ones for a check that the catalogues do not know."""
    known = f"check.{check}"
    return word(known if known in words_en.WORDS else "check.other", language)


def class_word(task: str, answer: str, language: str) -> str:
    """Words for an answer, e.g. "mutant"."""
    return word(f"class.{task}.{CLASS_NAMES[Task(task)].index(answer)}", language)


def named(region: str, language: str) -> dict[str, str]:
    """A region in the forms that the braces ask for: the, of, no."""
    return {form: word(f"{form}.{region}", language) for form in ("the", "of", "no")}


def listed(parts: tuple[str, ...], language: str, last: str = "list.and") -> str:
    """Some words as one phrase: "T1, T2 and FLAIR"."""
    if len(parts) < 2:
        return "".join(parts)
    comma = word("list.comma", language)
    return word(last, language, first=comma.join(parts[:-1]), last=parts[-1])


def as_sentence(text: str, language: str) -> str:
    """Words with a capital at the beginning and a stop at the end."""
    whole, stop = text.strip(), word("stop", language)
    whole = whole[:1].upper() + whole[1:]
    return whole if whole.endswith((stop, ".", "?")) else whole + stop
