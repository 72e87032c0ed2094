"""Blocks of a report as flowables of reportlab."""

import io
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Image, KeepTogether, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from client.reading_room.reports.content import (
    Block,
    Bullets,
    Notice,
    Paragraph,
    Picture,
    Report,
    Section,
    Table,
)
from client.reading_room.reports.pdf_bars import BarChart
from client.reading_room.reports.pdf_style import BOLD, RULE, STRIPE, TONES, Look
from client.reading_room.reports.pdf_text import text

PAD, ABOUT_GAP, NOTICE_SIDES = 4, 6, 18
"""Points: beside a cell, between the head's pairs, and on both sides of a notice."""

LEAST_BELOW = 55 * mm
"""Room that a long block needs where it begins; with less it goes to the next page."""

MOST_ROWS, MOST_LETTERS = 16, 700
"""Rows of a table and letters of a paragraph that stay in one piece."""


def flowables(report: Report, look: Look) -> list[Flowable]:
    """The whole report in order."""
    parts: list[Flowable] = [
        text(report.title, look.title, look.width),
        text(report.subtitle, look.small, look.width),
        _about(report, look),
    ]
    for notice in report.notices:
        parts += _notice(notice, look)
    for section in report.sections:
        parts += _section(section, look)
    return parts


class Heading(Text):  # type: ignore[misc]
    """A heading that becomes a bookmark."""

    def __init__(self, section: Section, look: Look) -> None:
        super().__init__(escape(section.title), look.heading)
        self.anchor, self.heading = section.id, section.title


def _section(section: Section, look: Look) -> list[Flowable]:
    """Heading and blocks; a short block stays in one piece, and the heading with the first."""
    parts: list[Flowable] = []
    above: list[Flowable] = [Heading(section, look)]
    for block in section.blocks:
        together = [*above, *_block(block, look)]
        if _is_short(block):
            parts.append(KeepTogether(together))
        else:
            parts += [CondPageBreak(LEAST_BELOW if above or isinstance(block, Table) else 0), *together]
        above = []
    return parts


def _is_short(block: Block) -> bool:
    if isinstance(block, Table):
        return len(block.rows) <= MOST_ROWS
    return not isinstance(block, Paragraph) or len(block.text) < MOST_LETTERS


def _block(block: Block, look: Look) -> list[Flowable]:
    if isinstance(block, Paragraph):
        return [_paragraph(block, look)]
    if isinstance(block, Bullets):
        title = [text(block.title, look.caption, look.width)] if block.title else []
        return [*title, *(_bullet(item, look) for item in block.items)]
    if isinstance(block, Notice):
        return _notice(block, look)
    if isinstance(block, Table):
        return _table(block, look)
    if isinstance(block, Picture):
        return _picture(block, look)
    return [text(block.caption, look.caption, look.width), BarChart(block, look), Spacer(0, 6)]


def _paragraph(block: Paragraph, look: Look) -> Flowable:
    return text(block.text, look.small if block.small else look.text, look.width, (block.lead, BOLD))


def _bullet(item: str, look: Look) -> Flowable:
    style = look.style("bullet", leftIndent=1.3 * look.size, bulletIndent=0.2 * look.size)
    return text(item, style, look.width, mark="•")


def _notice(notice: Notice, look: Look) -> list[Flowable]:
    colour, paper = TONES[notice.tone]
    room = look.width - NOTICE_SIDES
    title = text(notice.title, look.style("notice", fontName=BOLD, textColor=colour, spaceAfter=0), room)
    rows = [[title]] if notice.title else []
    if notice.text:
        rows.append([text(notice.text, look.style("notice text", spaceAfter=0), room)])
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), paper),
        ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
        ("LEFTPADDING", (0, 0), (-1, -1), NOTICE_SIDES / 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), NOTICE_SIDES / 2),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, 0), 5),
        ("BOTTOMPADDING", (0, -1), (-1, -1), 6),
    ]
    return [Grid(rows, colWidths=[look.width], style=style), Spacer(0, 5)]


def _about(report: Report, look: Look) -> Flowable:
    """The head's small table, two pairs a row."""
    widths = [look.width * share for share in (0.2, 0.32, 0.18, 0.3)]
    cells = [
        [
            text(label, look.cell(faint=True), widths[2 * (place % 2)] - ABOUT_GAP),
            text(value, look.cell(bold=True), widths[2 * (place % 2) + 1] - ABOUT_GAP),
        ]
        for place, (label, value) in enumerate(report.about)
    ]
    pairs = [
        [*cells[place], *(cells[place + 1] if place + 1 < len(cells) else ["", ""])]
        for place in range(0, len(cells), 2)
    ]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEABOVE", (0, 0), (-1, 0), 0.6, RULE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), ABOUT_GAP),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    return Grid(pairs, colWidths=widths, style=style, spaceBefore=5, spaceAfter=8)


def _table(table: Table, look: Look) -> list[Flowable]:
    total = sum(column.weight for column in table.columns)
    widths = [look.width * column.weight / total for column in table.columns]
    rooms = [width - 2 * PAD for width in widths]
    head = [
        text(column.title, look.cell(number=column.number, bold=True), room)
        for column, room in zip(table.columns, rooms, strict=True)
    ]
    body = [_row(row, table, rooms, look) for row in table.rows]
    rows = [head, *body] if table.has_head else body
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), PAD),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("LINEABOVE", (0, 0), (-1, 0), 0.4, RULE),
    ]
    if table.has_head:
        style.append(("BACKGROUND", (0, 0), (-1, 0), STRIPE))
    first = 1 if table.has_head else 0
    style += [
        ("SPAN", (len(row) - 1, number), (-1, number))
        for number, row in enumerate(table.rows, start=first)
        if len(row) < len(table.columns)
    ]
    grid = Grid(rows, colWidths=widths, style=style, repeatRows=1 if table.has_head else 0, spaceAfter=4)
    note = [text(table.note, look.small, look.width)] if table.note else []
    return [text(table.caption, look.caption, look.width), grid, *note]


def _row(row: tuple[str, ...], table: Table, rooms: list[float], look: Look) -> list[Flowable | str]:
    """Cells of a row; the last of a short one has the room of all that are left."""
    cells: list[Flowable | str] = []
    for place, cell in enumerate(row):
        is_wide = place == len(row) - 1 < len(rooms) - 1
        room = sum(rooms[place:]) + 2 * PAD * (len(rooms) - 1 - place) if is_wide else rooms[place]
        faint = not table.has_head and place == 0
        cells.append(text(cell, look.cell(number=table.columns[place].number and not is_wide, faint=faint), room))
    return cells + [""] * (len(rooms) - len(row))


def _picture(picture: Picture, look: Look) -> list[Flowable]:
    width = look.width * picture.share
    image = Image(io.BytesIO(picture.png), width=width, height=width * picture.height / picture.width, hAlign="LEFT")
    return [Spacer(0, 3), image, Spacer(0, 3), text(picture.caption, look.small, look.width)]
