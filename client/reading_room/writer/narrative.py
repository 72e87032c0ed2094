"""A case told in sentences, each with the facts that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.writer.fact import AUDIENCES as AUDIENCES
from client.reading_room.writer.fact import CLINICIAN, PATIENT
from client.reading_room.writer.fact import LANGUAGES as LANGUAGES

TEMPLATE = "template"
"""`written_by` of the deterministic writer; else "MODEL via HOST"."""

ANSWER = "answer"
"""Section of answers to questions; no narrative has it."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    CLINICIAN: (
        "technique",
        "findings",
        "measures",
        "types",
        "not_assessable",
        "quality",
        "differentials",
        "tests",
        "follow_up",
        "notice",
        ANSWER,
    ),
    PATIENT: ("looked_at", "found", "unknown", "tissue", "next", "notice"),
}
"""Audience -> ids of sections in their order; `words.section_title` has their titles."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence.

    Attributes:
        section: one of SECTIONS of the audience.
        text: with all numbers filled in.
        facts: ids of the facts that it rests on; at least one.
    """

    section: str
    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Narrative:
    """All sentences for one audience in one language.

    Attributes:
        audience: one of AUDIENCES.
        language: one of LANGUAGES.
        sentences: in the order of the sections.
        written_by: TEMPLATE, or "MODEL via HOST".
        reason: why a template wrote it although a model was asked; "" otherwise.
    """

    audience: str
    language: str
    sentences: tuple[Sentence, ...]
    written_by: str
    reason: str = ""

    def sections(self) -> list[tuple[str, tuple[Sentence, ...]]]:
        """The sections that have a sentence, in order."""
        parts = (
            (name, tuple(sentence for sentence in self.sentences if sentence.section == name))
            for name in SECTIONS[self.audience]
        )
        return [(name, sentences) for name, sentences in parts if sentences]

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "audience": self.audience,
            "language": self.language,
            "written_by": self.written_by,
            "reason": self.reason,
            "sentences": [
                {"section": each.section, "text": each.text, "facts": list(each.facts)} for each in self.sentences
            ],
        }
