"""A bar chart with whiskers, drawn as lines and text."""

from reportlab.platypus import Flowable

from client.reading_room.reports.content import Bar, Bars
from client.reading_room.reports.pdf_style import ACCENT, FAINT, FONT, INK, RULE, Look
from client.reading_room.reports.pdf_text import text

LABEL, VALUE = 0.42, 0.2
"""Shares of the width for the names and for the numbers; the bars have the rest."""


class BarChart(Flowable):  # type: ignore[misc]
    """Bars from 0 to 1, one below the other."""

    def __init__(self, bars: Bars, look: Look) -> None:
        """Around the chart's numbers.

        Args:
            bars: the chart.
            look: of the report.
        """
        super().__init__()
        self._bars, self._look = bars, look
        self._row, self._axis = 2.9 * look.size, 1.5 * look.size

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """The room it takes."""
        self._width = width
        return width, self._row * len(self._bars.bars) + self._axis

    def draw(self) -> None:
        """Draw it."""
        left, right = self._width * LABEL, self._width * (1 - VALUE)
        top = self._row * len(self._bars.bars) + self._axis
        canvas = self.canv
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = left + part * (right - left)
            canvas.line(x, self._axis, x, top)
        canvas.setFont(FONT, 0.8 * self._look.size)
        canvas.setFillColor(FAINT)
        canvas.drawString(left, 0.3 * self._look.size, self._bars.ends[0])
        canvas.drawRightString(right, 0.3 * self._look.size, self._bars.ends[1])
        for place, bar in enumerate(self._bars.bars, start=1):
            self._draw_bar(bar, top - place * self._row, left, right)

    def _draw_bar(self, bar: Bar, bottom: float, left: float, right: float) -> None:
        canvas, middle, size = self.canv, bottom + self._row / 2, self._look.size
        canvas.setFillColor(ACCENT)
        canvas.rect(left, middle - 0.45 * size, bar.value * (right - left), 0.9 * size, stroke=0, fill=1)
        if bar.interval is not None:
            low, high = (left + end * (right - left) for end in bar.interval)
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(1.1)
            canvas.line(low, middle, high, middle)
            for end in (low, high):
                canvas.line(end, middle - 0.35 * size, end, middle + 0.35 * size)
        self._write(bar.label, 0, left - 8, middle)
        self._write(bar.words, right + 8, self._width - right - 8, middle)

    def _write(self, words: str, x: float, width: float, middle: float) -> None:
        label = text(words, self._look.cell(), width)
        _, height = label.wrap(width, self._row)
        label.drawOn(self.canv, x, middle - height / 2)
