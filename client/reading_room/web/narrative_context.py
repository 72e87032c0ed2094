"""What the narrative's part of the page of a study shows: sentences with the facts behind each of them."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from client.reading_room.access.sessions import Session
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.writer.fact import CLINICIAN, Facts
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.narrative import Narrative
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.words import word
from gmmas_core.types import DISCLAIMER

LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "zh": "中文"}
EXAMPLES = ("Why not oligodendroglioma?", "What is missing?", "How certain is this?", "Which tests would settle it?")


class ShownFact(BaseModel):
    """A fact behind a sentence."""

    id: str
    text: str


class ShownSentence(BaseModel):
    """A sentence and what it rests on."""

    text: str
    facts: list[ShownFact]


class ShownSection(BaseModel):
    """Sentences under one title."""

    id: str
    title: str
    sentences: list[ShownSentence]


class NarrativeAnswer(BaseModel):
    """A text on a case."""

    audience: str
    language: str
    written_by: str = Field(description='"template", or the model and its host.')
    reason: str = Field(description="Why the template wrote although a model was asked; empty otherwise.")
    sections: list[ShownSection]
    notice: str = DISCLAIMER


def narrative_context(connection: sqlite3.Connection, room: Room, record: Record, session: Session) -> dict[str, Any]:
    """The template's text for clinicians; a model is only asked on request."""
    facts = facts_of(record, "en")
    return {
        "narrative": shown(template_narrative(facts, CLINICIAN), facts),
        "narrative_facts": facts.may_read(CLINICIAN),
        "narrative_languages": LANGUAGE_NAMES,
        "narrative_examples": EXAMPLES,
        "writer_name": "" if room.writer is None else room.writer.name,
    }


def shown(narrative: Narrative, facts: Facts) -> NarrativeAnswer:
    """A narrative with the words of its facts.

    Args:
        narrative: made from these facts.
        facts: of the case, in the narrative's language.
    """
    sections = [
        ShownSection(
            id=name,
            title=word(f"section.{name}", narrative.language),
            sentences=[
                ShownSentence(
                    text=sentence.text,
                    facts=[ShownFact(id=fact_id, text=facts[fact_id].shown) for fact_id in sentence.facts],
                )
                for sentence in sentences
            ],
        )
        for name, sentences in narrative.sections()
    ]
    return NarrativeAnswer(
        audience=narrative.audience,
        language=narrative.language,
        written_by=narrative.written_by,
        reason=narrative.reason,
        sections=sections,
    )
