"""Words and numbers of a report in one language."""

from collections.abc import Sequence
from dataclasses import dataclass

from client.reading_room.reports.catalogues import CATALOGUES
from client.reading_room.reports.phrases import translated
from client.reading_room.writer import numbers
from gmmas_core.types import ConfigError

SEQUENCE_NAMES = {"t1": "T1", "t1c": "T1c", "t2": "T2", "flair": "FLAIR"}
DASH = "–"


@dataclass(frozen=True)
class Words:
    """The catalogue of one language and how it writes numbers.

    Raises:
        ConfigError: a language that has no catalogue.
    """

    language: str

    def __post_init__(self) -> None:
        if self.language not in CATALOGUES:
            raise ConfigError(f"language: found {self.language!r}; expected one of {', '.join(CATALOGUES)}; choose one")

    def __call__(self, key: str, **gaps: object) -> str:
        """The words of a key, completed.

        Raises:
            ConfigError: the key is in no catalogue.
        """
        words = CATALOGUES[self.language].get(key)
        if words is None:
            raise ConfigError(f"report: found no words for {key!r}; expected some; add them to the catalogues")
        return words.format(**gaps) if gaps else words

    def named(self, prefix: str, name: str) -> str:
        """The words of `prefix.name`, or the name itself where the catalogue has none."""
        return CATALOGUES[self.language].get(f"{prefix}.{name}", name)

    def said(self, english: str) -> str:
        """A phrase of the findings, which are English, in this language."""
        return translated(english, self.language)

    def listed(self, items: Sequence[str]) -> str:
        """Items after each other; a dash where there is none."""
        return self("list").join(items) if items else DASH

    def together(self, sentences: Sequence[str]) -> str:
        """Sentences after each other."""
        return ("" if self.language == "zh" else " ").join(sentences)

    def sequences(self, names: Sequence[str]) -> str:
        """Names of sequences as people write them."""
        return self.listed([SEQUENCE_NAMES.get(name, name) for name in names])

    def percent(self, share: float) -> str:
        """A share as a whole percent; nothing reads as impossible or certain."""
        return numbers.percent(share, self.language)

    def percents(self, low: float, high: float) -> str:
        """Two of them."""
        return numbers.percent_range(low, high, self.language)

    def points(self, change: float) -> str:
        """A change of a share in percentage points with its sign, without the unit."""
        return numbers.points(change, self.language).partition(numbers.SPACE)[0]

    def quantity(self, value: float, error: float, unit: str) -> str:
        """A measure with its unit, rounded as its error allows."""
        return self("zero") if value <= 0 else numbers.quantity(value, error, unit, self.language)

    def quantities(self, low: float, high: float, error: float, unit: str) -> str:
        """Two of them."""
        return numbers.quantity_range(low, high, error, unit, self.language)

    def number(self, value: float, decimals: int, sign: bool = False) -> str:
        """A bare number."""
        text = f"{value:{'+' if sign else ''}.{decimals}f}".replace("-", "−")
        return text.replace(".", ",") if self.language == "de" else text

    def day(self, iso: str | None) -> str:
        """A day out of the beginning of an ISO 8601 moment."""
        if not iso:
            return self("not_known")
        year, month, day = iso[:10].split("-")
        return self("day", year=year, month=month, day=day)

    def moment(self, iso: str) -> str:
        """A UTC moment to the minute."""
        return self("moment", day=self.day(iso), time=iso[11:16])


def disclaimer(words: Words) -> str:
    """What stands on every page: in the report's language, and in English where that is another."""
    english = Words("en")("disclaimer")
    own = words("disclaimer")
    return own if own == english else f"{own} {english}"
