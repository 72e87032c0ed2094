"""The patient's report: only once released, in words that people can read, without a probability or a forecast."""

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import textstat

from client.reading_room.record import Record
from client.reading_room.reports.compose import LANGUAGES, compose_patient
from client.reading_room.reports.content import Bullets, Notice, Paragraph, Picture, Report, Table, Tone
from client.reading_room.reports.patient import GLOSSARY, QUESTIONS, require_released
from client.reading_room.room import Room
from gmmas_core.types import DataError

HARDEST = 8.0
"""Grade, for English and German."""

FORBIDDEN = {
    "en": r"%|percent|probab|surviv|prognos|months to live|life expect|likely to die|chemo|radiation|surgery",
    "de": r"%|Prozent|wahrscheinlich|überleb|Prognose|Lebenserwartung|sterb|Chemo|Bestrahlung|Operation",
    "zh": r"%|百分|概率|可能性|生存|预后|寿命|死亡|化疗|放疗|手术|替莫唑胺",
}


def sentences(report: Report) -> Iterator[str]:
    """What a patient reads, one text each; the small print with hashes is for clinicians."""
    for notice in report.notices:
        if notice.tone is not Tone.BAD:  # the mark of a preview, which no patient sees
            yield notice.text
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Paragraph) and not block.small:
                yield block.text
            elif isinstance(block, Bullets):
                yield from block.items
            elif isinstance(block, Picture):
                yield block.caption
            elif isinstance(block, Table):
                yield from ((block.note,) if block.note else ())
                yield from (row[1] for row in block.rows if row[1].endswith((".", "。")))


def everything(report: Report) -> str:
    """Every text of the report, titles and cells too, but the small print."""
    cells = [
        cell
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
    ]
    return "\n".join([report.title, report.subtitle, *(s.title for s in report.sections), *sentences(report), *cells])


def grade(text: str, language: str) -> float:
    """School years: Flesch-Kincaid for English, the first Wiener Sachtextformel for German."""
    textstat.set_lang(language)
    if language == "en":
        return float(textstat.flesch_kincaid_grade(text))
    return float(textstat.wiener_sachtextformel(text, 1))


def running_text(report: Report) -> str:
    return " ".join(each if each.endswith((".", "?")) else f"{each}." for each in sentences(report) if each)


def test_the_measures_know_hard_text_from_easy_and_need_no_network() -> None:
    hard = "Multimodal magnetic resonance imaging demonstrates heterogeneous hyperintensity consistent with edema."
    assert grade(hard, "en") > 14
    assert grade("The dog ran to the tree. It sat down.", "en") < 2
    schwer = "Die Magnetresonanztomographie demonstriert eine kontrastmittelaufnehmende Raumforderung mit Begleitödem."
    assert grade(schwer, "de") > 12
    assert grade("Der Hund lief zum Baum. Er setzte sich.", "de") < 3


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_kind_of_case_reads_at_or_below_the_eighth_grade(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace, language: str
) -> None:
    grades = {
        name: grade(running_text(compose_patient(opened[0], make.released(case), language)), language)
        for name, case in make.many(record).items()
    }
    assert len(grades) > 20
    assert {name: value for name, value in grades.items() if value > HARDEST} == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_case_tells_a_probability_a_forecast_or_a_treatment(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace, language: str
) -> None:
    for name, case in make.many(record).items():
        told = everything(compose_patient(opened[0], make.released(case), language))
        found = re.search(FORBIDDEN[language], told, re.IGNORECASE)
        assert found is None, (name, found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_has_its_parts_and_says_that_tissue_decides(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace, language: str
) -> None:
    report = compose_patient(opened[0], make.released(record), language)
    ids = [section.id for section in report.sections]
    assert {"found", "unknown", "tissue", "next", "picture", "measured", "questions", "words"} <= set(ids)
    questions = next(section for section in report.sections if section.id == "questions")
    assert len(questions.blocks[0].items) == QUESTIONS  # type: ignore[union-attr]
    words = next(section for section in report.sections if section.id == "words")
    assert len(words.blocks[0].rows) == len(GLOSSARY)  # type: ignore[union-attr]
    assert not any(notice.tone is Tone.BAD for notice in report.notices)


def test_sizes_are_those_of_the_findings(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    report = compose_patient(opened[0], make.released(record), "en")
    measured = next(section for section in report.sections if section.id == "measured")
    values = [row[1] for row in measured.blocks[0].rows]  # type: ignore[union-attr]
    assert values == ["about 24\u00a0mL", "about 12\u00a0mL", "about 8\u00a0mL", "about 52\u00a0mm", "left"]


def test_what_was_not_measured_is_not_zero(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    report = compose_patient(opened[0], make.released(make.seen_from(record, ("t2",))), "en")
    measured = next(section for section in report.sections if section.id == "measured")
    values = [row[1] for row in measured.blocks[0].rows]  # type: ignore[union-attr]
    assert values[1:3] == ["could not be measured", "could not be measured"]


def test_without_a_release_it_is_refused_and_a_preview_is_marked(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace
) -> None:
    for case in (record, make.decided(record, "signed"), make.decided(record, "rejected")):
        with pytest.raises(DataError, match="found no release"):
            require_released(case)
        first = compose_patient(opened[0], case, "en").notices[0]
        assert isinstance(first, Notice)
        assert first.title == "NOT RELEASED: preview for clinicians"
    require_released(make.released(record))


def test_a_release_of_another_revision_does_not_count(record: Record, make: SimpleNamespace) -> None:
    later = replace(make.released(record), revision=replace(record.revision, number=2))
    with pytest.raises(DataError, match="found no release"):
        require_released(later)
