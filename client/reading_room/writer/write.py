"""A case told by a language model where one is configured and its text passes every check; else by the template."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.writer.attempts import Log, Refused, ask_and_check
from client.reading_room.writer.fact import PATIENT, Facts
from client.reading_room.writer.facts import Told, facts_of
from client.reading_room.writer.narrative import SECTIONS, Narrative
from client.reading_room.writer.prompt import narrative_messages, narrative_sections, reply_schema
from client.reading_room.writer.reply import filled, too_long
from client.reading_room.writer.settings import WriterSettings
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.verifier import verify
from client.reading_room.writer.verifier.mandatory import mandatory_facts
from client.reading_room.writer.verifier.verify import LANGUAGES as VERIFIED

NOT_VERIFIED = "model: found a language whose text nothing here can check; expected English; the template wrote it"


def write_narrative(record: Told, audience: str, language: str, settings: WriterSettings | None, log: Log) -> Narrative:
    """Tell a case.

    Args:
        record: of `open_record`.
        audience: one of AUDIENCES.
        language: one of LANGUAGES.
        settings: of the model, or None for the template.
        log: is given every attempt with a model; it writes the audit trail.

    Returns:
        The model's narrative where all of it passed, else the template's with the reason.
    """
    facts = facts_of(record, language)
    if settings is None:
        return template_narrative(facts, audience)
    if language not in VERIFIED:
        return template_narrative(facts, audience, reason=NOT_VERIFIED)
    sections = narrative_sections(audience)
    must = [fact.id for fact in mandatory_facts(facts, audience)]
    messages = narrative_messages(facts, audience, must)
    schema = reply_schema(facts, audience, sections)
    try:
        reply = ask_and_check(settings, messages, schema, lambda each: _problems(each, facts, audience), log)
    except Refused as refusal:
        return template_narrative(facts, audience, reason=str(refusal))
    order = SECTIONS[audience].index
    return Narrative(
        audience=audience,
        language=language,
        sentences=tuple(sorted(filled(reply, facts), key=lambda sentence: order(sentence.section))),
        written_by=settings.name,
    )


def _problems(reply: Mapping[str, Any], facts: Facts, audience: str) -> tuple[str, ...]:
    found = tuple(str(problem) for problem in verify(reply, facts, audience))
    if found:
        return found
    wrong = tuple(
        f"section in sentence {number}: not one that was asked for"
        for number, sentence in enumerate(reply["sentences"], start=1)
        if sentence["section"] not in narrative_sections(audience)
    )
    return wrong + (too_long(reply) if audience == PATIENT else ())
