"""A report as PDF: A4, embedded fonts, bookmarks, and the disclaimer on every page. The same report gives the same
bytes, so that a line of the audit can name them by their hash.
"""

import io
from functools import cache
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from client.reading_room.reports.content import Report
from client.reading_room.reports.fonts import NAMES, path_of
from client.reading_room.reports.pdf_blocks import flowables
from client.reading_room.reports.pdf_style import BOLD, FAINT, FONT, RULE, WARN, Look

MARGIN, HEAD, FOOT = 18 * mm, 14 * mm, 17 * mm
WIDTH = A4[0] - 2 * MARGIN


def to_pdf(report: Report) -> bytes:
    """The report's PDF."""
    _register_fonts()
    content = io.BytesIO()
    document = _Document(content, report)
    frame = Frame(MARGIN, FOOT, WIDTH, A4[1] - HEAD - FOOT, 0, 0, 0, 0, id="text")
    document.addPageTemplates(PageTemplate(id="page", frames=[frame]))
    document.build(flowables(report, Look.of(report, WIDTH)), canvasmaker=_canvas_of(report))
    return content.getvalue()


@cache
def _register_fonts() -> None:
    for name, family in zip(NAMES, (FONT, BOLD), strict=True):
        pdfmetrics.registerFont(TTFont(family, str(path_of(name))))


class _Document(BaseDocTemplate):  # type: ignore[misc]
    """A document whose headings become bookmarks."""

    def __init__(self, content: io.BytesIO, report: Report) -> None:
        super().__init__(
            content,
            pagesize=A4,
            title=report.title,
            subject=report.subtitle,
            author="GMMAS-Fed",
            creator="GMMAS-Fed reading room",
            keywords=report.disclaimer,
            lang={"en": "en-GB", "de": "de-DE", "zh": "zh-CN"}[report.language],
            invariant=1,
            pageCompression=1,
        )

    def afterFlowable(self, flowable: Flowable) -> None:
        """Set a bookmark at every heading."""
        anchor = getattr(flowable, "anchor", None)
        if anchor is not None:
            self.canv.bookmarkPage(anchor)
            self.canv.addOutlineEntry(flowable.heading, anchor, level=0)


def _canvas_of(report: Report) -> type[Canvas]:
    class Numbered(Canvas):  # type: ignore[misc]
        """Keeps the pages until their number is known, then writes head and foot on each."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self._kept, start=1):
                self.__dict__.update(state)
                _frame_page(self, report, number, len(self._kept))
                super().showPage()
            super().save()

    return Numbered


def _frame_page(canvas: Canvas, report: Report, number: int, pages: int) -> None:
    """Title and disclaimer above and below; page "n of m"."""
    right = A4[0] - MARGIN
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, FOOT - 3 * mm, right, FOOT - 3 * mm)
    canvas.setFont(BOLD, 8)
    canvas.setFillColor(WARN)
    canvas.drawString(MARGIN, FOOT - 7.5 * mm, report.disclaimer)
    canvas.setFont(FONT, 8)
    canvas.setFillColor(FAINT)
    canvas.drawRightString(right, FOOT - 7.5 * mm, report.page_words.format(page=number, pages=pages))
    if number > 1:
        canvas.drawString(MARGIN, A4[1] - 9.5 * mm, report.title)
        canvas.drawRightString(right, A4[1] - 9.5 * mm, report.about[0][1])
