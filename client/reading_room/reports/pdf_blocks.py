"""Blocks of a report as flowables of reportlab."""

import io
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Image, KeepTogether, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from client.reading_room.reports.content import (
    Bars,
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

PAD = 4
LEAST_BELOW = 42 * mm
"""Room that a heading needs below it; with less it goes to the next page."""


def flowables(report: Report, look: Look) -> list[Flowable]:
    """The whole report in order."""
    parts: list[Flowable] = [
        Text(escape(report.title), look.title),
        Text(escape(report.subtitle), look.small),
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
    blocks = [flowable for block in section.blocks for flowable in _block(block, look)]
    return [CondPageBreak(LEAST_BELOW), Heading(section, look), *blocks]


def _block(block: Block, look: Look) -> list[Flowable]:
    if isinstance(block, Paragraph):
        return [_paragraph(block, look)]
    if isinstance(block, Bullets):
        return [_bullet(item, look) for item in block.items]
    if isinstance(block, Notice):
        return _notice(block, look)
    if isinstance(block, Table):
        return _table(block, look)
    if isinstance(block, Picture):
        return [_picture(block, look)]
    return _bars(block, look)


def _paragraph(block: Paragraph, look: Look) -> Flowable:
    lead = f'<font name="{BOLD}">{escape(block.lead)}</font>' if block.lead else ""
    joint = "" if look.cjk or not (block.lead and block.text) else " "
    style = look.small if block.small else look.text
    if block.lead and not block.text:
        style = look.style("lead", keepWithNext=1)
    return Text(f"{lead}{joint}{escape(block.text)}", style)


def _bullet(item: str, look: Look) -> Flowable:
    style = look.style("bullet", leftIndent=1.3 * look.size, bulletIndent=0.2 * look.size)
    return Text(escape(item), style, bulletText="•")


def _notice(notice: Notice, look: Look) -> list[Flowable]:
    colour, paper = TONES[notice.tone]
    title = Text(escape(notice.title), look.style("notice", fontName=BOLD, textColor=colour, spaceAfter=0))
    rows = [[title]] if notice.title else []
    if notice.text:
        rows.append([Text(escape(notice.text), look.style("notice text", spaceAfter=0))])
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), paper),
        ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
        ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ("RIGHTPADDING", (0, 0), (-1, -1), 8),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, 0), 5),
        ("BOTTOMPADDING", (0, -1), (-1, -1), 6),
    ]
    return [KeepTogether([Grid(rows, colWidths=[look.width], style=style)]), Spacer(0, 5)]


def _about(report: Report, look: Look) -> Flowable:
    """The head's small table, two pairs a row."""
    cells = [
        [Text(escape(label), look.cell(faint=True)), Text(escape(value), look.cell(bold=True))]
        for label, value in report.about
    ]
    pairs = [[*cells[place], *(cells[place + 1] if place + 1 < len(cells) else ["", ""])]
             for place in range(0, len(cells), 2)]
    widths = [look.width * share for share in (0.17, 0.33, 0.17, 0.33)]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEABOVE", (0, 0), (-1, 0), 0.6, RULE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    return Grid(pairs, colWidths=widths, style=style, spaceBefore=5, spaceAfter=8)


def _table(table: Table, look: Look) -> list[Flowable]:
    total = sum(column.weight for column in table.columns)
    widths = [look.width * column.weight / total for column in table.columns]
    head = [Text(escape(column.title), look.cell(number=column.number, bold=True)) for column in table.columns]
    body = [
        [
            Text(escape(cell), look.cell(number=column.number, faint=not table.has_head and place == 0))
            for place, (column, cell) in enumerate(zip(table.columns, row, strict=True))
        ]
        for row in table.rows
    ]
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
    grid = Grid(rows, colWidths=widths, style=style, repeatRows=1 if table.has_head else 0, spaceAfter=4)
    parts: list[Flowable] = [Text(escape(table.caption), look.caption), grid]
    if len(rows) <= 12:
        parts = [KeepTogether(parts)]
    if table.note:
        parts.append(Text(escape(table.note), look.small))
    return parts


def _picture(picture: Picture, look: Look) -> Flowable:
    width = look.width * picture.share
    image = Image(io.BytesIO(picture.png), width=width, height=width * picture.height / picture.width, hAlign="LEFT")
    return KeepTogether([Spacer(0, 3), image, Spacer(0, 3), Text(escape(picture.caption), look.small)])


def _bars(bars: Bars, look: Look) -> list[Flowable]:
    return [KeepTogether([Text(escape(bars.caption), look.caption), BarChart(bars, look), Spacer(0, 6)])]
