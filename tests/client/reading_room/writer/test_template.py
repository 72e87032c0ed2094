"""Every sentence of the deterministic writer is traced to the facts that it names, in 240 varied cases."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import textstat

from client.reading_room.writer.fact import AUDIENCES, CLINICIAN, LANGUAGES, PATIENT, Fact, Facts, Kind
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.glossary import without_terms
from client.reading_room.writer.narrative import ANSWER, SECTIONS, TEMPLATE, Sentence
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.words import word
from gmmas_core.types import ConfigError

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

TELLS: Mapping[str, Callable[[Fact], bool]] = {
    r"\bright side\b": lambda fact: fact.kind is Kind.SIDE and fact.value["side"] == "right",
    r"\bleft side\b": lambda fact: fact.kind is Kind.SIDE and fact.value["side"] == "left",
    r"\bboth sides\b": lambda fact: fact.kind is Kind.SIDE and fact.value["side"] == "both",
    r"\b(at the midline|middle of the head)\b": lambda fact: fact.kind is Kind.SIDE and fact.value["side"] == "midline",
    r"\bcrosses the midline\b": lambda fact: (
        fact.kind is Kind.CROSSING and fact.value["crossing"] == ("open" if "whether" in fact.text else "yes")
    ),
    r"\bdoes not cross\b": lambda fact: fact.kind is Kind.CROSSING and fact.value["crossing"] == "no",
    r"\bprobability\b": lambda fact: (
        fact.kind in (Kind.TYPE_PROBABILITY, Kind.TASK_PROBABILITY, Kind.HISTOLOGY_RANGE, Kind.PASSES)
    ),
    r"\bmL\b": lambda fact: fact.kind in (Kind.VOLUME, Kind.VOLUME_RANGE),
    r"\bmm\b": lambda fact: fact.kind in (Kind.LENGTH, Kind.MARGIN),
    r"\bno tumour was found\b": lambda fact: (
        (fact.kind is Kind.TUMOUR and not fact.value["found"]) or fact.value.get("check") == "tumour_found"
    ),
    r"\bmetasta": lambda fact: "metastasis" in (fact.value.get("mentions") or ()),
    r"(?i)\bbased on tissue\b": lambda fact: fact.value.get("basis") == "basis.tissue",
    r"\bcorrected the\b": lambda fact: fact.kind is Kind.CORRECTED,
    r"\bsigned\b": lambda fact: fact.value.get("kind") == "signed",
    r"\brejected\b": lambda fact: fact.value.get("kind") == "rejected",
    r"\bfailed\b": lambda fact: fact.value.get("verdict") == "fail",
}
"""English words -> what at least one fact of a sentence with them must be."""

NAMES = ("oligodendroglioma", "astrocytoma", "glioblastoma")


def tell(facts: Facts, audience: str) -> tuple[Sentence, ...]:
    return template_narrative(facts, audience).sentences


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_sentence_rests_on_facts_that_its_reader_may_read(cases: Any, audience: str, language: str) -> None:
    for case in cases:
        facts = facts_of(case, language)
        readable = facts.may_read(audience)
        for sentence in tell(facts, audience):
            assert sentence.facts, sentence
            assert all(fact_id in readable for fact_id in sentence.facts), sentence
            assert sentence.section in SECTIONS[audience]
            assert not re.search(r"[{}]|None", sentence.text), sentence
            assert re.search(r"[^.。][.。]$", sentence.text), sentence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_number_comes_from_a_fact_of_its_sentence(cases: Any, audience: str, language: str) -> None:
    for case in cases:
        facts = facts_of(case, language)
        for sentence in tell(facts, audience):
            known = " ".join(facts[fact_id].shown for fact_id in sentence.facts)
            allowed = NUMBER.findall(without_terms(known))
            for number in NUMBER.findall(without_terms(sentence.text)):
                assert number in allowed, (number, sentence)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_what_a_sentence_says_is_what_its_facts_say(cases: Any, audience: str) -> None:
    met = set()
    for case in cases:
        facts = facts_of(case, "en")
        for sentence in tell(facts, audience):
            used = [facts[fact_id] for fact_id in sentence.facts]
            for pattern, is_told in TELLS.items():
                if re.search(pattern, sentence.text):
                    met.add(pattern)
                    assert any(is_told(fact) for fact in used), (pattern, sentence)
            for name in NAMES:
                if name in sentence.text.lower():
                    assert any(name in f"{fact.text} {fact.value}".lower() for fact in used), (name, sentence)
    assert len(met) >= (len(TELLS) - 1 if audience == CLINICIAN else 5), "the cases are varied enough to try the rules"


def test_a_clinician_is_told_every_fact_that_matters(cases: Any) -> None:
    left_out = {Kind.CHANGE, Kind.HISTOLOGY}
    for case in cases:
        facts = facts_of(case, "en").may_read(CLINICIAN)
        told = {fact_id for sentence in tell(facts, CLINICIAN) for fact_id in sentence.facts}
        for fact in facts:
            covered = fact.id in told or fact.kind in left_out or fact.id == "statement.no_answer"
            covered |= fact.kind is Kind.REGION and f"volume.{fact.value['region']}" in told
            covered |= fact.kind in (Kind.SIDE, Kind.CROSSING, Kind.PIECES) and fact.value["region"] != "wt"
            assert covered, fact


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_mandatory_sentences_always_stand_there(cases: Any, audience: str, language: str) -> None:
    for case in cases:
        facts = facts_of(case, language)
        sentences = tell(facts, audience)
        told = {fact_id for sentence in sentences for fact_id in sentence.facts}
        assert set(facts.mandatory(audience)) <= told
        text = " ".join(sentence.text for sentence in sentences)
        for fact_id in facts.mandatory(audience):
            fact = facts[fact_id]
            expected = (
                fact.text if fact.kind is Kind.STATEMENT else word(f"sequence.{fact.value['sequence']}", language)
            )
            assert expected in text, fact_id


def test_types_are_told_in_the_order_of_their_probability(cases: Any) -> None:
    orders = set()
    for case in cases:
        facts = facts_of(case, "en")
        wanted = [fact.text for fact in facts.of(Kind.TYPE)]
        told = [s.text for s in tell(facts, CLINICIAN) if any(f.endswith(".probability") for f in s.facts)]
        told = [text for text in told if text.startswith("Imaging ranks")]
        assert [name for text in told for name in wanted if f": {name} (" in text] == wanted
        orders.add(tuple(wanted))
    assert len([order for order in orders if len(order) == 3]) == 6, "all six orders of three types occur"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patient_reads_no_probability_no_survival_and_no_advice(cases: Any, language: str) -> None:
    forbidden = {
        "en": r"%|probab|likel|surviv|prognos|median|should|recommend|surgery|chemo|radiat|drug",
        "de": r"%|wahrschein|überleb|prognos|median|empfehl|operation|chemo|bestrahl|medikament",
        "zh": r"%|概率|生存|预后|建议|手术|化疗|放疗|药",
    }[language]
    for case in cases:
        for sentence in tell(facts_of(case, language), PATIENT):
            assert not re.search(forbidden, sentence.text, re.IGNORECASE), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_one_is_advised_a_treatment(cases: Any, language: str) -> None:
    advice = r"surgery|resect|chemother|radiother|temozolomid|steroid|therap|operation|behandel[nt]|手术|化疗|放疗"
    for case in cases:
        for sentence in tell(facts_of(case, language), CLINICIAN):
            assert not re.search(advice, sentence.text, re.IGNORECASE), sentence


def test_patients_can_read_it(cases: Any) -> None:
    """English at or below grade 8 by Flesch and Kincaid, every text and not on average; German easy by Amstad."""
    for case in cases:
        if case.pathology:  # the name of a diagnosis is what it is; the sentences around it are measured without it
            continue
        english = " ".join(sentence.text for sentence in tell(facts_of(case, "en"), PATIENT))
        assert textstat.flesch_kincaid_grade(english) <= 8.0, english
    for case in cases:
        if case.pathology:
            continue
        german = " ".join(sentence.text for sentence in tell(facts_of(case, "de"), PATIENT))
        assert _amstad(german) >= 60.0, german


def _amstad(text: str) -> float:
    """Flesch's ease for German: 180 - words per sentence - 58.5 syllables per word; 60 and more is plain language.

    Source: Amstad, Wie verständlich sind unsere Zeitungen? (1978).
    """
    words = re.findall(r"[A-Za-zÄÖÜäöüß]+", text)
    syllables = sum(max(len(re.findall(r"[aeiouyäöü]+", each.lower())), 1) for each in words)
    sentences = max(len(re.findall(r"[.?!:](?:\s|$)", text)), 1)
    return 180 - len(words) / sentences - 58.5 * syllables / len(words)


def test_the_template_is_deterministic_and_says_who_wrote(case: Callable[..., Any]) -> None:
    facts = facts_of(case(), "en")
    first, second = (template_narrative(facts, CLINICIAN, reason="found no endpoint") for _ in range(2))
    assert first == second
    assert first.written_by == TEMPLATE
    assert first.reason == "found no endpoint"
    assert [name for name, _ in first.sections()] == [
        name for name in SECTIONS[CLINICIAN] if name not in ("not_assessable", ANSWER)
    ]
    assert first.plain()["sentences"][0] == {
        "section": "technique",
        "text": "Read were T1, T1c, T2 and FLAIR.",
        "facts": ["used.t1", "used.t1c", "used.t2", "used.flair"],
    }
    with pytest.raises(ConfigError, match="expected clinician or patient"):
        template_narrative(facts, "lawyer")
