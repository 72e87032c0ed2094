"""The few forms of Markdown that model cards are written in, as escaped markup: headings, lists, tables, paragraphs."""

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

_HEADING = re.compile(r"(#{1,4}) +(.*)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")
_CELL_END = re.compile(r"(?<!\\)\|")


def markup_of(text: str, top_level: int) -> Markup:
    """A card as markup; everything in it is escaped.

    Args:
        text: Markdown.
        top_level: of the page's headings that a single # becomes.
    """
    return Markup("\n").join(_blocks(text.splitlines(), top_level))


def section_of(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or above; "" where there is none."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        match = _HEADING.fullmatch(line)
        if match and match[2].strip() == heading:
            level = len(match[1])
            rest = lines[start + 1 :]
            ends = [n for n, each in enumerate(rest) if (m := _HEADING.fullmatch(each)) and len(m[1]) <= level]
            return "\n".join(rest[: ends[0]] if ends else rest).strip()
    return ""


def _blocks(lines: Sequence[str], top_level: int) -> Iterator[Markup]:
    kinds = [(_kind(line), line) for line in lines]
    place = 0
    while place < len(kinds):
        kind = kinds[place][0]
        end = place + 1
        while end < len(kinds) and kinds[end][0] == kind and kind in ("item", "row", "text"):
            end += 1
        block = [line for _, line in kinds[place:end]]
        place = end
        if kind == "heading":
            match = _HEADING.fullmatch(block[0])
            assert match is not None
            level = min(top_level + len(match[1]) - 1, 6)
            yield Markup("<h{0}>{1}</h{0}>").format(level, _inline(match[2]))
        elif kind == "item":
            items = Markup("").join(Markup("<li>{}</li>").format(_inline(line[2:])) for line in block)
            yield Markup("<ul>{}</ul>").format(items)
        elif kind == "row":
            yield _table(block)
        elif kind == "text":
            yield Markup("<p>{}</p>").format(Markup("<br>").join(_inline(line) for line in block))


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _HEADING.fullmatch(line):
        return "heading"
    return "item" if line.startswith("- ") else "row" if line.startswith("|") else "text"


def _table(lines: Sequence[str]) -> Markup:
    rows = [[cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip())[1:-1]] for line in lines]
    head, body = rows[0], [row for row in rows[1:] if not all(set(cell) <= {"-", ":"} for cell in row)]
    titles = Markup("").join(Markup("<th>{}</th>").format(_inline(cell)) for cell in head)
    content = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(_inline(cell)) for cell in row))
        for row in body
    )
    frame = '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    return Markup(frame).format(titles, content)


def _inline(text: str) -> Markup:
    """Bold and code; the marks are looked for in text that is escaped already."""
    escaped = str(escape(text))
    return Markup(_CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<b>\1</b>", escaped)))
