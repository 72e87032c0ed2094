"""The clinician's report: status first, nothing invented, figures only for those who ask."""

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from client.reading_room.record import Record
from client.reading_room.reports.compose import LANGUAGES, compose_clinician
from client.reading_room.reports.content import Bars, Block, Bullets, Notice, Paragraph, Picture, Report, Table, Tone
from client.reading_room.reports.html import Around, to_html
from client.reading_room.room import Room
from gmmas_core.diagnosis import Requester

AROUND = Around(case="/studies/0", pdf="/studies/0/report/clinician.pdf", languages=(("en", "/"), ("de", "/")))
FIRST = ("narrative", "pictures", "diagnosis", "types", "tasks")
LAST = ("differentials", "tests", "follow_up", "model", "provenance")
TREATMENT = re.compile(
    r"temozolomid|bevacizumab|radiotherap|chemotherap|Strahlentherap|替莫唑胺|建议治疗", re.IGNORECASE
)


def texts(block: Block) -> Iterator[str]:
    """Every text of a block."""
    if isinstance(block, Paragraph):
        yield from (block.lead, block.text)
    elif isinstance(block, Bullets):
        yield from (block.title, *block.items)
    elif isinstance(block, Notice):
        yield from (block.title, block.text)
    elif isinstance(block, Table):
        yield from (block.caption, block.note, *(column.title for column in block.columns))
        yield from (cell for row in block.rows for cell in row)
    elif isinstance(block, Picture):
        yield block.caption
    elif isinstance(block, Bars):
        yield from (block.caption, *block.ends, *(part for bar in block.bars for part in (bar.label, bar.words)))


def all_texts(report: Report) -> list[str]:
    """Every text of a report, in order."""
    blocks = (*report.notices, *(block for section in report.sections for block in section.blocks))
    return [
        report.title,
        *(cell for row in report.about for cell in row),
        *(t for block in blocks for t in texts(block)),
    ]


@pytest.mark.slow
def test_every_kind_of_case_is_told(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    for number, (name, case) in enumerate(make.many(record).items()):
        report = compose_clinician(opened[0], case, LANGUAGES[number % len(LANGUAGES)], None)
        ids = [section.id for section in report.sections]
        assert ids[:5] == list(FIRST), name
        assert ids[-5:] == list(LAST), name
        assert len(set(ids)) == len(ids)
        told = "\n".join(all_texts(report))
        assert not re.search(r"None|[{}]|\bnan\b", told), name
        assert not TREATMENT.search(told), name
        assert "median_survival" not in told
        assert "figures" not in ids
        assert report.disclaimer.endswith("Research use only. Not a medical device.")


def test_no_path_and_no_name_of_a_file_is_in_it(opened: tuple[Room, Record], record: Record) -> None:
    told = to_html(compose_clinician(opened[0], record, "en", None), AROUND)
    told = re.sub(r"data:image/png;base64,[^\"]+", "", told)
    assert str(opened[0].folder) not in told
    assert ".nii" not in told
    assert "/tmp" not in told
    assert all(image.label not in told for image in record.study.images)


def test_an_unsigned_reading_says_so_before_anything_else(opened: tuple[Room, Record], record: Record) -> None:
    report = compose_clinician(opened[0], record, "en", None)
    assert report.notices[0].title == "NOT SIGNED: preliminary"
    assert report.notices[0].tone is Tone.BAD
    assert dict(report.about)["State"] == "NOT SIGNED: preliminary"


def test_a_signature_is_named_with_its_day(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    report = compose_clinician(opened[0], make.decided(record, "signed", user="dr.k"), "de", None)
    assert report.notices[0].title == "Signiert von dr.k, 03.02.2026, 04:05 UTC"
    assert report.notices[0].tone is Tone.GOOD


def test_a_signature_of_another_revision_does_not_count(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace
) -> None:
    signed = make.decided(record, "signed")
    later = replace(signed, revision=replace(record.revision, number=2))
    report = compose_clinician(opened[0], later, "en", None)
    assert report.notices[0].title.startswith("NOT SIGNED")
    assert "revision 1" in report.notices[0].text


def test_a_rejected_reading_is_marked(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    report = compose_clinician(opened[0], make.decided(record, "rejected"), "zh", None)
    assert report.notices[0].tone is Tone.BAD
    assert "否决" in report.notices[0].title


def test_a_failed_check_and_no_tumour_are_said_first(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace
) -> None:
    report = compose_clinician(opened[0], make.without_tumour(record), "en", None)
    titles = [notice.title for notice in report.notices]
    assert "Checks of images and result: FAILED" in titles
    assert "No tumour found" in titles
    volumes = next(section for section in report.sections if section.id == "volumes")
    rows = volumes.blocks[0].rows  # type: ignore[union-attr]
    assert {cells[1] for cells in rows} == {"not measured: no tumour was found"}


def test_a_missing_sequence_leaves_reasons_and_no_numbers(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace
) -> None:
    report = compose_clinician(opened[0], make.seen_from(record, ("t1", "t2")), "de", None)
    sections = {section.id: [text for block in section.blocks for text in texts(block)] for section in report.sections}
    reason = "ohne T1c: Anreicherung zeigt sich nur nach Kontrastmittel"
    assert reason in sections["not_assessable"]
    assert f"nicht gemessen: {reason}" in sections["volumes"]


def test_numbers_follow_the_language(opened: tuple[Room, Record], record: Record) -> None:
    told = {each: "\n".join(all_texts(compose_clinician(opened[0], record, each, None))) for each in LANGUAGES}
    assert "4.8\u00a0mL" in told["en"]
    assert "4,8\u00a0mL" in told["de"]
    assert "4.8\u00a0mL" in told["zh"]
    assert "4.1 to 5.6\u00a0mL" in told["en"]
    assert "4,1 bis 5,6\u00a0mL" in told["de"]
    assert "0,021" in told["de"]
    assert "0.021" not in told["de"]
    assert "31.01.2026" in told["de"]
    assert "2026-01-31" in told["en"]
    assert "2026年01月31日" in told["zh"]


def test_a_correction_is_named(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    corrected = {"by": "dr.k", "mask": True, "labels": {"idh": 1}, "from_revision": 1, "note": "secret"}
    case = make.changed(record, {**record.document, "corrected": corrected})
    told = "\n".join(all_texts(compose_clinician(opened[0], case, "en", None)))
    assert "dr.k changed revision 1: the outline was corrected, labels were set: IDH mutant" in told
    assert "secret" not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_come_only_when_asked_for_and_with_their_source(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace, language: str
) -> None:
    tissue = make.changed(record, record.document, idh="mutant", codel="codeleted", grade="2", cdkn2a="absent")
    silent = compose_clinician(opened[0], tissue, language, None)
    assert "figures" not in [section.id for section in silent.sections]
    assert "noac198" not in "\n".join(all_texts(silent))
    asked = compose_clinician(opened[0], tissue, language, Requester.CLINICIAN)
    told = [
        t for section in asked.sections if section.id == "figures" for block in section.blocks for t in texts(block)
    ]
    assert any("10.1093/neuonc/noac198" in text for text in told)
    assert any(("97,9" if language == "de" else "97.9") in text for text in told)
    assert len(told[1]) > 40  # the caveat stands before the table


def test_there_are_no_figures_for_what_an_image_suggests(
    opened: tuple[Room, Record], record: Record, make: SimpleNamespace
) -> None:
    case = make.with_probabilities(record, 0.96, 0.9)
    asked = compose_clinician(opened[0], case, "en", Requester.CLINICIAN)
    (section,) = [section for section in asked.sections if section.id == "figures"]
    assert len(section.blocks) == 1
    assert "There are none for this case" in section.blocks[0].text  # type: ignore[union-attr]


def test_passes_that_disagree_are_said(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    close = make.with_probabilities(record, 0.51, 0.02)
    titles = [notice.title for notice in compose_clinician(opened[0], close, "en", None).notices]
    assert "Passes disagree" in titles
    clear = make.with_probabilities(record, 0.04, 0.01)
    assert "Passes disagree" not in [n.title for n in compose_clinician(opened[0], clear, "en", None).notices]
