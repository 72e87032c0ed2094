"""What may be said of a case, and what never may."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from client.reading_room.record import open_record
from client.reading_room.room import Room
from client.reading_room.writer.fact import AUDIENCES, LANGUAGES, Kind
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.glossary import has_number
from client.reading_room.writer.numbers import percent, percent_range, points, quantity, quantity_range
from client.reading_room.writer.words import WORDS, word
from gmmas_core.diagnosis.markers import Codel, Idh, Marker
from gmmas_core.types import DISCLAIMER, SEQUENCES, ConfigError, Task

BRACES = re.compile(r"\{(\w+)\}")


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "error", "unit", "shown"),
    [
        (21.568, 7.46, "mL", "22 mL"),
        (21.568, 0.74, "mL", "21.6 mL"),
        (152.3, 40.0, "mL", "152 mL"),
        (0.3, 2.0, "mL", "<1 mL"),
        (0.004, 0.01, "mL", "<0.01 mL"),
        (3.14159, 0.0, "mL", "3.14 mL"),
        (49.8, 6.9, "mm", "50 mm"),
        (1284.0, 405.0, "mm2", "1280 mm²"),
    ],
)
def test_a_measure_has_no_more_digits_than_its_error_allows(value: float, error: float, unit: str, shown: str) -> None:
    assert spaced(quantity(value, error, unit, "en")) == shown


def test_no_probability_reads_as_impossible_or_certain() -> None:
    shown = [spaced(percent(value, "en")) for value in (0.0, 0.004, 0.005, 0.5, 0.994, 0.996, 1.0)]
    assert shown == ["<1 %", "<1 %", "1 %", "50 %", "99 %", ">99 %", ">99 %"]
    assert spaced(percent_range(0.31, 0.642, "en")) == "31 to 64 %"
    assert spaced(percent_range(0.5, 0.501, "en")) == "50 %"
    assert spaced(points(-0.123, "en")) == "−12 percentage points"
    assert spaced(points(0.001, "de")) == "±0 Prozentpunkte"


def test_numbers_follow_the_language() -> None:
    assert spaced(quantity(3.14159, 0.1, "mL", "de")) == "3,1 mL"
    assert spaced(quantity_range(0.0, 27.4, 5.0, "mL", "de")) == "0 bis 27 mL"
    assert percent(0.62, "zh") == "62%"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_has_the_same_ids_and_braces(language: str) -> None:
    assert WORDS[language].keys() == WORDS["en"].keys()
    for word_id, words in WORDS["en"].items():
        assert sorted(BRACES.findall(WORDS[language][word_id])) == sorted(BRACES.findall(words)), word_id
        assert not has_number(BRACES.sub("", WORDS[language][word_id])), word_id


def test_a_language_or_word_that_does_not_exist_is_refused(case: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="expected one of en, de, zh"):
        facts_of(case(), "fr")
    with pytest.raises(ConfigError, match=r"found the id 'nothing'"):
        word("nothing", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_have_stable_plain_ids_and_numbers_only_where_they_belong(cases: Any, language: str) -> None:
    kinds = set()
    for case in cases:
        facts = facts_of(case, language)
        ids = [fact.id for fact in facts]
        assert len(set(ids)) == len(ids)
        for fact in facts:
            kinds.add(fact.kind)
            assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", fact.id), fact.id
            assert fact.text
            assert fact.audiences <= set(AUDIENCES)
            if fact.kind not in (Kind.FLAG, Kind.TEST, Kind.GRADE, Kind.PATHOLOGY, Kind.REASON, Kind.NOT_ASSESSABLE):
                assert not has_number(fact.text), fact
    assert kinds == set(Kind), "every kind occurs in the cases"


def test_nothing_that_names_a_person_or_a_file_is_a_fact(cases: Any) -> None:
    for case in cases:
        for fact in facts_of(case, "en"):
            told = f"{fact.id} {fact.text} {fact.value_text} {dict(fact.value)}"
            assert not re.search(r"secret|a1b2|\.nii", told), fact


def test_an_answer_counts_only_where_the_decision_table_would_take_it(case: Callable[..., Any]) -> None:
    unsure = facts_of(case(chances=(0.52, 0.48, 0.02)), "en")
    assert unsure["task.idh"].value["answer"] is None
    assert "task.codel_1p19q" not in unsure, "1p/19q is nobody's question while IDH is open"
    sure = facts_of(case(chances=(0.1, 0.95, 0.9)), "en")
    assert sure["task.idh"].value["answer"] == "mutant"
    assert sure["task.codel_1p19q"].value["answer"] == "codeleted"
    assert spaced(sure["task.codel_1p19q.probability"].value_text) == "90 %"
    wildtype = facts_of(case(chances=(0.97, 0.03, 0.01)), "en")
    assert wildtype["task.idh.probability"].value == {"task": "idh", "of": "wildtype", "probability": 0.97}
    assert spaced(wildtype["task.idh.range"].value_text) == "97 to 98 %"


def test_without_a_tumour_nothing_is_said_of_size_side_or_type(case: Callable[..., Any]) -> None:
    facts = facts_of(case(shape="none"), "en")
    told = {fact.kind for fact in facts}
    assert not told & {Kind.VOLUME, Kind.SIDE, Kind.TYPE, Kind.TASK, Kind.REGION, Kind.DIAGNOSIS, Kind.WITHOUT}
    assert facts["tumour"].value == {"found": False}
    on_tissue = facts_of(case(shape="none", tissue={Marker.IDH: Idh.MUTANT, Marker.CODEL: Codel.CODELETED}), "en")
    assert on_tissue["diagnosis.integrated"].value["basis"] == "basis.tissue"


def test_a_missing_sequence_closes_what_needs_it(case: Callable[..., Any]) -> None:
    facts = facts_of(case(used=("t1", "t2")), "en")
    assert facts["not_assessable.et"].value == {"what": "et", "missing": ("t1c",), "reason": "sequences"}
    assert facts["not_assessable.t2_flair_mismatch"].text == "the T2-FLAIR mismatch cannot be judged without FLAIR"
    assert "volume.et" not in facts
    assert "volume.wt" in facts
    assert {"missing.t1c", "missing.flair"} <= set(facts.mandatory("patient")) & set(facts.mandatory("clinician"))


def test_a_patient_reads_no_probability_and_no_type_that_only_an_image_suggests(cases: Any) -> None:
    hidden = {
        Kind.TYPE,
        Kind.TYPE_PROBABILITY,
        Kind.TASK,
        Kind.TASK_PROBABILITY,
        Kind.HISTOLOGY,
        Kind.FLAG,
        Kind.CHANGE,
    }
    for case in cases:
        readable = facts_of(case, "en").may_read("patient")
        assert not {fact.kind for fact in readable} & hidden
        for fact in readable.of(Kind.DIAGNOSIS, Kind.GRADE):
            assert facts_of(case, "en")["diagnosis.integrated"].value["basis"] == "basis.tissue", fact


def test_the_research_notice_is_the_projects_own(case: Callable[..., Any]) -> None:
    assert facts_of(case(), "en")["statement.research"].text == DISCLAIMER


@pytest.mark.parametrize("left_out", [(), ("t1c",), ("t1", "t2", "flair")])
def test_a_study_that_a_real_worker_read_has_its_facts(
    read_study: Callable[..., tuple[Room, str]], left_out: tuple[str, ...]
) -> None:
    room, study = read_study(*left_out)
    with room.database() as connection:
        record = open_record(connection, room, study)
    for language in LANGUAGES:
        facts = facts_of(record, language)
        assert {f"used.{name}" for name in SEQUENCES if name not in left_out} <= {fact.id for fact in facts}
        assert {f"missing.{name}" for name in left_out} == {fact.id for fact in facts.of(Kind.SEQUENCE_MISSING)}
        assert ("volume.et" in facts or "region.et" in facts) <= ("t1c" not in left_out)
        assert {str(fact.value["task"]) for fact in facts.of(Kind.TASK_PROBABILITY)} <= set(Task)
        assert study not in str(facts)
        assert "p-001" not in str(facts)
