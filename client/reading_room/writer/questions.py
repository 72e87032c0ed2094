"""Questions on a case, answered under the rules of the narrative: from facts alone, with the facts that were used.

A question is a user's own text. It is never executed, never believed, and never sent to another machine unless that is
allowed, since nothing here can tell whether it holds a person's name.
"""

from collections.abc import Mapping
from typing import Any

from client.reading_room.writer.attempts import Log, Refused, ask_and_check
from client.reading_room.writer.fact import CLINICIAN, Facts, Kind
from client.reading_room.writer.facts import Told, facts_of
from client.reading_room.writer.narrative import ANSWER, TEMPLATE, Narrative, Sentence
from client.reading_room.writer.prompt import question_messages, reply_schema
from client.reading_room.writer.reply import filled
from client.reading_room.writer.settings import WriterSettings
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.topics import topics_of
from client.reading_room.writer.verifier import verify
from client.reading_room.writer.verifier.mandatory import mandatory_facts
from client.reading_room.writer.verifier.verify import LANGUAGES as VERIFIED
from client.reading_room.writer.write import NOT_VERIFIED
from gmmas_core.types import DataError

LONGEST_QUESTION = 500
MOST_SENTENCES = 10
NOT_SENT = (
    "model: found it on another machine; expected one here for questions, which may name a person; nothing was sent"
)


def answer_question(record: Told, question: str, language: str, settings: WriterSettings | None, log: Log) -> Narrative:
    """Answer a clinician's question.

    Args:
        record: of `open_record`.
        question: as typed.
        language: one of LANGUAGES.
        settings: of the model, or None for the template.
        log: is given every attempt with a model.

    Returns:
        Sentences of the section "answer", then what must be read with any answer.

    Raises:
        DataError: a question that is empty, too long or not text.
    """
    asked = " ".join(question.split())
    if not 1 <= len(asked) <= LONGEST_QUESTION or not asked.isprintable():
        raise DataError(
            f"question: found {len(asked)} characters; expected 1 to {LONGEST_QUESTION} of plain text; shorten it"
        )
    facts = facts_of(record, language)
    reason = _why_template(settings, language)
    if settings is None or reason:
        return _told(facts, template_answer(facts, asked), TEMPLATE, reason)
    schema = reply_schema(facts, CLINICIAN, (ANSWER,))
    messages = question_messages(facts, CLINICIAN, asked)
    try:
        reply = ask_and_check(settings, messages, schema, lambda each: _problems(each, facts), log)
    except Refused as refusal:
        return _told(facts, template_answer(facts, asked), TEMPLATE, str(refusal))
    return _told(facts, filled(reply, facts), settings.name, "")


def template_answer(facts: Facts, question: str) -> tuple[Sentence, ...]:
    """Sentences of the template that speak of what the question is about, or the one that there is no answer."""
    topics = topics_of(question, facts.language)
    chosen = [
        Sentence(section=ANSWER, text=sentence.text, facts=sentence.facts)
        for sentence in template_narrative(facts, CLINICIAN).sentences
        if any(topic.speaks(facts[fact_id]) for topic in topics for fact_id in sentence.facts)
    ]
    if chosen:  # the types first: most questions are about one of them
        chosen.sort(key=lambda sentence: not sentence.facts[0].startswith("type."))
        return tuple(chosen[:MOST_SENTENCES])
    no_answer = facts["statement.no_answer"]
    return (Sentence(section=ANSWER, text=no_answer.text, facts=(no_answer.id,)),)


def _why_template(settings: WriterSettings | None, language: str) -> str:
    if settings is None:
        return ""
    if settings.is_remote and not settings.allow_remote_questions:
        return NOT_SENT
    return "" if language in VERIFIED else NOT_VERIFIED


def _problems(reply: Mapping[str, Any], facts: Facts) -> tuple[str, ...]:
    """Problems of an answer; what every text must state is added by code, and is verified with it."""
    sentences = reply.get("sentences")
    if not isinstance(sentences, list) or set(reply) != {"sentences"}:
        return ("structure in the reply: expected an object with the key sentences alone",)
    quoted = [
        {"section": "notice", "text": f"{{{{{fact.id}}}}}", "facts": [fact.id]}
        for fact in mandatory_facts(facts, CLINICIAN)
    ]
    found = tuple(str(problem) for problem in verify({"sentences": [*sentences, *quoted]}, facts, CLINICIAN))
    if found:
        return found
    wrong = [number for number, each in enumerate(sentences, start=1) if each["section"] != ANSWER]
    return tuple(f"section in sentence {number}: expected {ANSWER}" for number in wrong)


def _told(facts: Facts, answer: tuple[Sentence, ...], written_by: str, reason: str) -> Narrative:
    """An answer with what must be read beside it."""
    always = {"statement.suggestion", "statement.research", *(fact.id for fact in facts.of(Kind.SEQUENCE_MISSING))}
    notice = tuple(
        Sentence(section="notice", text=sentence.text, facts=sentence.facts)
        for sentence in template_narrative(facts, CLINICIAN).sentences
        if always & set(sentence.facts) and sentence.facts not in {each.facts for each in answer}
    )
    return Narrative(
        audience=CLINICIAN,
        language=facts.language,
        sentences=(*answer, *notice),
        written_by=written_by,
        reason=reason,
    )
