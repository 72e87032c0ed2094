"""How a PDF looks: colours, letters, and paragraph styles for roomy and dense reports."""

from dataclasses import dataclass

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle

from client.reading_room.reports.content import Report, Tone

FONT, BOLD = "NotoSansSC", "NotoSansSC-Bold"

INK, FAINT, RULE, ACCENT = HexColor("#17202b"), HexColor("#56636f"), HexColor("#d5dce4"), HexColor("#0b4f8a")
WARN, STRIPE = HexColor("#854700"), HexColor("#f5f7fa")

TONES: dict[Tone, tuple[Color, Color]] = {
    Tone.GOOD: (HexColor("#116329"), HexColor("#ecf6ee")),
    Tone.PLAIN: (ACCENT, HexColor("#eef4fa")),
    Tone.WARN: (WARN, HexColor("#fff5e2")),
    Tone.BAD: (HexColor("#b31d28"), HexColor("#fdf0f0")),
}
"""Tone -> colour of line and title, and of the paper."""


@dataclass(frozen=True)
class Look:
    """Styles of one report, and the width of its text in points."""

    width: float
    size: float
    cjk: bool

    @classmethod
    def of(cls, report: Report, width: float) -> "Look":
        """The look that a report asks for."""
        return cls(width=width, size=10.6 if report.roomy else 9.2, cjk=report.language == "zh")

    def style(self, name: str, scale: float = 1.0, **more: object) -> ParagraphStyle:
        """A paragraph style.

        Args:
            name: of the style.
            scale: of the letters against running text.
            more: other attributes of the style.
        """
        size = self.size * scale
        settings = {
            "fontName": FONT,
            "fontSize": size,
            "leading": size * (1.55 if self.cjk else 1.38),
            "textColor": INK,
            "splitLongWords": 1,
            "cjk": self.cjk,
            "spaceAfter": 0.35 * size,
            "allowWidows": 0,
            "allowOrphans": 0,
        }
        return ParagraphStyle(name, **(settings | more))

    @property
    def text(self) -> ParagraphStyle:
        """Running text."""
        return self.style("text")

    @property
    def small(self) -> ParagraphStyle:
        """Asides, notes and captions."""
        return self.style("small", 0.88, textColor=FAINT)

    @property
    def title(self) -> ParagraphStyle:
        """The report's title."""
        return self.style("title", 2.0, fontName=BOLD, spaceAfter=2)

    @property
    def heading(self) -> ParagraphStyle:
        """Heading of a section."""
        return self.style("heading", 1.34, fontName=BOLD, textColor=ACCENT, spaceBefore=1.1 * self.size)

    @property
    def caption(self) -> ParagraphStyle:
        """Above a table."""
        return self.style("caption", 0.95, fontName=BOLD, spaceBefore=0.5 * self.size)

    def cell(self, number: bool = False, bold: bool = False, faint: bool = False) -> ParagraphStyle:
        """A cell of a table."""
        more: dict[str, object] = {"spaceAfter": 0, "fontName": BOLD if bold else FONT}
        if number:
            more["alignment"] = TA_RIGHT
        if faint:
            more["textColor"] = FAINT
        return self.style("cell", 0.93, **more)
