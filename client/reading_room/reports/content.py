"""What a report says, apart from how it looks: the one content that page and PDF both lay out."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How much a notice should catch the eye."""

    GOOD = "good"
    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Running text.

    Attributes:
        text: one paragraph.
        lead: words set before it in bold, or "".
        small: whether it is an aside.
    """

    text: str
    lead: str = ""
    small: bool = False


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list of short texts, and a title above it or ""."""

    items: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A band that must not be overlooked."""

    text: str
    tone: Tone
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        title: its head; "" in a table without a head.
        weight: share of the width.
        number: whether it is aligned to the right.
    """

    title: str = ""
    weight: float = 1.0
    number: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of texts; the first cell of each names the row.

    Attributes:
        caption: what it shows, also for screen readers.
        columns: at least one; no head is shown where all titles are "".
        rows: as long as `columns`; the last cell of a shorter one goes over the columns that are left.
        note: below it, or "".
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def has_head(self) -> bool:
        """Whether the columns have titles."""
        return any(column.title for column in self.columns)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A raster picture.

    Attributes:
        png: its bytes.
        width, height: pixels.
        alt: what it shows, for those who do not see it.
        caption: below it.
        share: of the text's width.
    """

    png: bytes
    width: int
    height: int
    alt: str
    caption: str
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row of a bar chart; all numbers are shares from 0 to 1.

    Attributes:
        label: its name.
        value: length of the bar.
        interval: ends of the whisker, or None.
        words: value and interval as text.
    """

    label: str
    value: float
    interval: tuple[float, float] | None
    words: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar chart from 0 to 1.

    Attributes:
        caption: what it shows.
        bars: from above.
        ends: words for 0 and 1.
    """

    caption: str
    bars: tuple[Bar, ...]
    ends: tuple[str, str]


Block = Paragraph | Bullets | Notice | Table | Picture | Bars


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it.

    Attributes:
        id: stable name, the same in every language; an anchor of the page.
        title: the heading.
        blocks: in order.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report.

    Attributes:
        language: of all its texts.
        title: the main heading.
        subtitle: below it.
        about: label and value of the head's small table.
        notices: what comes before everything else.
        sections: in order.
        disclaimer: on every page, in the report's language and in English.
        page_words: "Page {page} of {pages}" in the report's language.
        roomy: whether it is set in larger letters.
    """

    language: str
    title: str
    subtitle: str
    about: tuple[tuple[str, str], ...]
    notices: tuple[Notice, ...]
    sections: tuple[Section, ...]
    disclaimer: str
    page_words: str
    roomy: bool = False
