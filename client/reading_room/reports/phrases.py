"""The findings' own phrases, which are English, in the language of a report.

A phrase is looked up with its gaps: "{} mL of content" stands for every number. What fills a gap is translated in turn
and keeps its numbers. A phrase that no table holds is shown in English rather than guessed.
"""

import re
from collections.abc import Mapping
from functools import cache

from client.reading_room.reports import phrases_de, phrases_zh

TABLES: Mapping[str, Mapping[str, str]] = {"de": phrases_de.PHRASES, "zh": phrases_zh.PHRASES}
"""Language -> English phrase with gaps {} -> the same phrase with {0}, {1}, ..."""

_SEQUENCE = re.compile(r"(?<![A-Za-z0-9])(t1c|t1|t2|flair)(?![A-Za-z0-9])")
_NAMES = {"t1": "T1", "t1c": "T1c", "t2": "T2", "flair": "FLAIR"}
_LIST = re.compile(r"(t1c|t1|t2|flair)((, | and no | and | or )(t1c|t1|t2|flair))*")
_JOINTS = {
    "de": {", ": ", ", " and no ": " und kein ", " and ": " und ", " or ": " oder "},
    "zh": {", ": "、", " and no ": "和", " and ": "和", " or ": "或"},
}
_DECIMAL_POINT = re.compile(r"(?<=\d)\.(?=\d)")


def translated(english: str, language: str) -> str:
    """A phrase of the findings in a language, with sequences as people write them.

    Args:
        english: e.g. "no t1c: enhancement shows only after contrast".
        language: one of the reports'.
    """
    if language in TABLES:
        english = _found(english, language)
    return _SEQUENCE.sub(lambda match: _NAMES[match[0]], english)


def is_known(english: str, language: str) -> bool:
    """Whether a table holds the phrase; English itself needs none."""
    return language not in TABLES or _match(english, language) is not None


def _found(english: str, language: str) -> str:
    hit = _match(english, language)
    if hit is not None:
        template, gaps = hit
        return template.format(*(_found(gap, language) for gap in gaps))
    if _LIST.fullmatch(english):
        for joint, words in _JOINTS[language].items():
            english = english.replace(joint, words)
        return english
    return _DECIMAL_POINT.sub(",", english) if language == "de" and len(english) < 40 else english


def _match(english: str, language: str) -> tuple[str, tuple[str, ...]] | None:
    for pattern, template in _patterns(language):
        match = pattern.fullmatch(english)
        if match is not None:
            return template, match.groups()
    return None


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The table's phrases without gaps first, then those with the most letters: the closest one is found."""
    ordered = sorted(TABLES[language].items(), key=lambda item: (item[0].count("{}") > 0, -len(item[0])))
    return tuple((re.compile(re.escape(key).replace(r"\{\}", "(.+?)")), template) for key, template in ordered)
