"""The whole check of a model's reply; the facts alone decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import Facts
from client.reading_room.writer.verifier.bindings import check_placeholders
from client.reading_room.writer.verifier.characters import plain, strange_characters
from client.reading_room.writer.verifier.cited import WHOLE_SENTENCES, Cited
from client.reading_room.writer.verifier.claims import (
    check_diagnosis,
    check_grade,
    check_kind,
    check_proof,
    check_tissue,
)
from client.reading_room.writer.verifier.fillings import check_told_facts
from client.reading_room.writer.verifier.genes import check_markers, check_values
from client.reading_room.writer.verifier.items import BREAK, FILLED, NEUTRAL_WORD
from client.reading_room.writer.verifier.mandatory import left_out, mandatory_facts
from client.reading_room.writer.verifier.places import check_crossing, check_sides
from client.reading_room.writer.verifier.problem import WHOLE, Problem
from client.reading_room.writer.verifier.quality import (
    check_calibration,
    check_persons,
    check_questions,
    check_verdicts,
)
from client.reading_room.writer.verifier.regions import check_pieces, check_regions, check_tumour
from client.reading_room.writer.verifier.sentence import Found, Read, Rule, read
from client.reading_room.writer.verifier.series import check_left_out, check_sequences, check_states
from client.reading_room.writer.verifier.structure import Draft, read_reply
from client.reading_room.writer.verifier.tokens import NUMBER, PLACEHOLDER, STRAY, tokens_of
from client.reading_room.writer.verifier.types import check_order, check_suggestion, check_types
from client.reading_room.writer.verifier.wording import check_negations, check_small_words, check_words

LANGUAGES = ("en",)
"""Languages whose words are known here; a text in another one is refused, and the template writes."""

RULES: tuple[Rule, ...] = (
    check_words,
    check_negations,
    check_small_words,
    check_sides,
    check_crossing,
    check_regions,
    check_pieces,
    check_tumour,
    check_types,
    check_order,
    check_suggestion,
    check_markers,
    check_values,
    check_sequences,
    check_left_out,
    check_states,
    check_verdicts,
    check_calibration,
    check_persons,
    check_diagnosis,
    check_grade,
    check_tissue,
    check_proof,
    check_kind,
    check_questions,
)

_SHOWN = 60  # characters of a reply in a problem


def verify(reply: Any, facts: Facts, audience: str) -> tuple[Problem, ...]:
    """Everything in a reply that the facts do not allow; nothing where it may be shown.

    Args:
        reply: of a model, parsed from JSON, before placeholders are filled: {"sentences": [{"section": str,
            "text": str, "facts": [id, ...]}]}; anything else is a problem and never an error.
        facts: everything that may be said of the case.
        audience: "clinician" or "patient"; a fact that it may not read does not exist.
    """
    if facts.language not in LANGUAGES:
        return (Problem(kind="language", sentence=WHOLE, words=f"no words of {facts.language} are known here"),)
    drafts, problems = read_reply(reply, audience)
    if not drafts:
        return problems
    case = facts.may_read(audience)
    found, told = list(problems), []
    for draft in drafts:
        sentence = _read(draft, case)
        new = list(dict.fromkeys(_problems_of(draft, sentence, case)))
        found += [Problem(kind=kind, sentence=draft.index, words=words[:_SHOWN]) for kind, words in new]
        if not new:
            told.append(sentence)
    for fact in left_out(mandatory_facts(facts, audience), told):
        found.append(Problem(kind="mandatory", sentence=WHOLE, words=fact.id))
    return tuple(found)


def accepts(reply: Mapping[str, Any], facts: Facts, audience: str) -> bool:
    """Whether a reply may be shown."""
    return not verify(reply, facts, audience)


def _read(draft: Draft, case: Facts) -> Read:
    cited = tuple(fact for fact_id in draft.facts if (fact := case.find(fact_id)) is not None)
    return read(plain(draft.text), Cited(facts=cited, case=case), case)


def _problems_of(draft: Draft, sentence: Read, case: Facts) -> Found:
    """All problems of one sentence."""
    for fact_id in draft.facts:
        if fact_id not in case:
            yield "fact", "an id that this case does not have for this reader"
    text = plain(draft.text)
    for name in strange_characters(text):
        yield "character", name
    yield from _form(text, draft, case)
    if _is_quotation(sentence):
        return
    if all(item.concept in (NEUTRAL_WORD, BREAK) for item in sentence.items):
        yield "support", "a sentence that says nothing of its facts"
    for rule in RULES:
        for clause in sentence.clauses:
            yield from rule(clause, sentence)
    yield from check_placeholders(sentence)
    yield from check_told_facts(sentence)


def _form(text: str, draft: Draft, case: Facts) -> Iterator[tuple[str, str]]:
    """Digits, stray marks, and placeholders that no cited fact fills."""
    for token in tokens_of(text):
        if token.kind == NUMBER:
            yield "number", token.words
        elif token.kind == STRAY:
            yield "character", token.words
        elif token.kind == PLACEHOLDER and (token.words not in draft.facts or token.words not in case):
            yield "placeholder", token.words


def _is_quotation(sentence: Read) -> bool:
    """A placeholder alone, of a fact whose own words are a sentence."""
    items = [item for item in sentence.items if item.concept != BREAK]
    return (
        len(items) == 1
        and items[0].concept == FILLED
        and items[0].fact is not None
        and items[0].fact.kind in WHOLE_SENTENCES
        and not items[0].fact.value_text
    ) or _is_verbatim(sentence)


def _is_verbatim(sentence: Read) -> bool:
    """The words of a cited fact and no others."""
    told = " ".join(token.words for token in tokens_of(sentence.text)).rstrip(" .")
    return any(
        fact.kind in WHOLE_SENTENCES and told == " ".join(token.words for token in tokens_of(fact.text)).rstrip(" .")
        for fact in sentence.cited.facts
    )
