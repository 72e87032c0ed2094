"""The PDF says what the page says, on every page whose it is not, and looks whole when it is opened."""

import html
import io
import re
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pypdfium2
import pytest
from pypdf import PdfReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from client.reading_room.record import Record
from client.reading_room.reports.compose import LANGUAGES, compose_clinician, compose_patient
from client.reading_room.reports.content import Report, Table
from client.reading_room.reports.html import Around, to_html
from client.reading_room.reports.pdf import MARGIN, WIDTH, to_pdf
from client.reading_room.reports.pdf_blocks import PAD
from client.reading_room.reports.pdf_style import BOLD, FONT, Look
from client.reading_room.reports.pdf_text import broken
from client.reading_room.room import Room

AROUND = Around(case="/studies/0", pdf="/p", languages=(("en", "/"),))
Composer = Callable[[Room, Record, str], Report]
KINDS: dict[str, Composer] = {"clinician": lambda *given: compose_clinician(*given, None), "patient": compose_patient}


def squeezed(text: str) -> str:
    """A text without white space, of which a PDF keeps little."""
    return re.sub(r"\s+", "", text)


def page_text(report: Report) -> str:
    """What the HTML page shows."""
    page = to_html(report, AROUND)
    body = re.sub(r"(?s)<nav.*?</nav>|<svg.*?</svg>|<[^>]+>", " ", page.split("<main>")[1].split("</main>")[0])
    return html.unescape(body)


@pytest.fixture(params=[(kind, language) for kind in KINDS for language in LANGUAGES], ids="-".join)
def report(request: pytest.FixtureRequest, opened: tuple[Room, Record], record: Record) -> Report:
    """Either report in each language."""
    kind, language = request.param
    return KINDS[kind](opened[0], record, language)


def test_page_and_pdf_say_the_same(report: Report) -> None:
    pages = [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(to_pdf(report))).pages]
    written = "".join(pages)
    told = page_text(report)
    numbers = set(re.findall(r"\d+(?:[.,]\d+)?", told))
    assert len(numbers) > 5
    assert {number for number in numbers if number not in written} == set()
    for line in told.splitlines():
        for word in line.split():
            assert squeezed(word) in written, word


def test_every_page_says_what_it_is_not_and_its_number(report: Report) -> None:
    pages = [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(to_pdf(report))).pages]
    for number, page in enumerate(pages, start=1):
        assert squeezed(report.disclaimer) in page
        assert squeezed("Research use only. Not a medical device.") in page
        assert squeezed(report.page_words.format(page=number, pages=len(pages))) in page


def test_fonts_are_embedded_and_the_document_has_title_language_and_bookmarks(report: Report) -> None:
    reader = PdfReader(io.BytesIO(to_pdf(report)))
    fonts = {}
    for page in reader.pages:
        fonts |= {
            str(font.get_object()["/BaseFont"]): font.get_object() for font in page["/Resources"]["/Font"].values()
        }
    used = {name: font for name, font in fonts.items() if "NotoSansSC" in name}
    assert len(used) >= 2
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used.values())
    assert reader.metadata is not None
    assert reader.metadata.title == report.title
    assert str(reader.trailer["/Root"]["/Lang"]).startswith(report.language)
    assert [mark.title for mark in reader.outline] == [section.title for section in report.sections]


def test_no_other_font_writes_a_letter(report: Report) -> None:
    document = pypdfium2.PdfDocument(to_pdf(report))
    for page in document:
        text = page.get_textpage()
        for place in range(text.count_chars()):
            assert text.get_text_range(place, 1) != "\ufffd"
    document.close()


def test_the_same_record_gives_the_same_bytes(report: Report) -> None:
    assert to_pdf(report) == to_pdf(report)


def test_nothing_is_drawn_in_the_margins_and_no_page_is_empty(report: Report) -> None:
    document = pypdfium2.PdfDocument(to_pdf(report))
    scale = 1.0
    edge = int(MARGIN * scale) - 6  # the line beside a notice is 3 points wide, half of it outside
    for page in document:
        grey = np.asarray(page.render(scale=scale, grayscale=True).to_pil())
        assert (grey[:, :edge] > 250).all()
        assert (grey[:, -edge:] > 250).all()
        assert (grey < 128).sum() > 400
    document.close()


def test_a_heading_never_ends_a_page(report: Report) -> None:
    pages = [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(to_pdf(report))).pages]
    for page, _ in pairwise(pages):
        body = page.replace(squeezed(report.disclaimer), "")
        body = re.sub(r"(Page|Seite)\d+(of|von)\d+|第\d+页，共\d+页", "", body)
        assert not any(body.endswith(squeezed(section.title)) for section in report.sections)


def test_no_word_is_wider_than_its_column(report: Report) -> None:
    look = Look.of(report, WIDTH)
    size = look.cell().fontSize
    for section in report.sections:
        for table in (block for block in section.blocks if isinstance(block, Table)):
            total = sum(column.weight for column in table.columns)
            rooms = [WIDTH * column.weight / total - 2 * PAD for column in table.columns]
            cells = [(column.title, room, BOLD) for column, room in zip(table.columns, rooms, strict=True)]
            cells += [(cell, room, FONT) for row in table.rows for cell, room in zip(row, rooms, strict=False)]
            for cell, room, font in cells:
                pieces = broken(cell, font, size, room) if look.cjk else cell.replace("\u00a0", "_").split()
                assert all(stringWidth(piece, font, size) <= room for piece in pieces), (section.id, cell)


def test_chinese_lines_neither_begin_with_a_comma_nor_part_a_number_from_its_unit() -> None:
    an_empty_report()
    words = (
        "整个肿瘤的体积为22\u00a0mL（范围14至29\u00a0mL）。肿瘤核心的体积为14\u00a0mL，强化肿瘤的体积为7\u00a0mL。" * 3
    )
    for room in range(90, 200, 7):
        lines = broken(words, FONT, 9.2, float(room))
        assert "".join(lines) == words
        assert not any(line[0] in "，。；：、）" or line.startswith("mL") for line in lines)
        assert all(stringWidth(line, FONT, 9.2) <= room for line in lines)


def an_empty_report() -> None:
    """An empty report, to have the fonts registered."""
    report = Report(
        language="zh",
        title="-",
        subtitle="-",
        about=(("-", "-"),),
        notices=(),
        sections=(),
        disclaimer="-",
        page_words="-",
    )
    to_pdf(report)


@pytest.mark.slow
def test_long_and_short_cases_are_whole(opened: tuple[Room, Record], record: Record, make: SimpleNamespace) -> None:
    scattered = {
        **record.document,
        "checks": [dict(each, verdict="warn", action="-") for each in record.document["checks"]],
    }
    for case in (make.changed(record, scattered), make.without_tumour(record), make.seen_from(record, ("t1",))):
        report = compose_clinician(opened[0], case, "de", None)
        reader = PdfReader(io.BytesIO(to_pdf(report)))
        written = squeezed("".join(page.extract_text() for page in reader.pages))
        for line in page_text(report).splitlines():
            for word in line.split():
                assert squeezed(word) in written
