"""Text of a PDF, broken into lines where the language allows it.

The library breaks Latin text at spaces, which is right. Chinese has none, and the library's own rule for it lets a line
begin with a comma and parts a number from its unit; here lines are broken before they reach it.
"""

import re
from functools import lru_cache
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Paragraph as Text

_LATIN = r"[\u0021-\u024f\u00a0²±−–%µ]+"
_PIECE = re.compile(rf"[（“‘《]*(?:{_LATIN}|[^\s])[，。；：、！？）”’》%]*|\s+")
"""A run of Latin letters, numbers and no-break spaces, or one other character, with the marks that belong to it."""


def text(words: str, style: ParagraphStyle, width: float, lead: tuple[str, str] = ("", ""), mark: str = "") -> Text:
    """A paragraph of the library.

    Args:
        words: plain text.
        style: its `cjk` tells whether lines are broken here.
        width: points that a line may take.
        lead: words before it, and the font they are set in.
        mark: a bullet, or "".
    """
    before, font = lead
    if not getattr(style, "cjk", False):
        marked = f'<font name="{font}">{escape(before)}</font> ' if before else ""
        return Text(marked + escape(words), style, bulletText=mark or None)
    room = width - style.leftIndent - style.rightIndent
    first = stringWidth(before, font, style.fontSize) if before else 0.0
    lines = broken(words, style.fontName, style.fontSize, room, first)
    marked = f'<font name="{font}">{escape(before)}</font>' if before else ""
    return Text(marked + "<br/>".join(escape(line) for line in lines), style, bulletText=mark or None)


@lru_cache(maxsize=4096)
def broken(words: str, font: str, size: float, room: float, first: float = 0.0) -> tuple[str, ...]:
    """Lines that fit; a single piece longer than a line is left to the library.

    Args:
        words: to be broken.
        font: registered name.
        size: of the letters.
        room: width of a line.
        first: width that the first line has lost already.
    """
    lines, line, left = [], "", room - first
    for piece in _PIECE.findall(words):
        if line and stringWidth((line + piece).rstrip(), font, size) > left:
            lines.append(line.rstrip())
            line, left = piece.lstrip(), room
        else:
            line += piece
    return (*lines, line.rstrip())
