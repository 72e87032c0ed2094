"""sequences.tsv: what every series of every raw study was taken for, and the column in which a person decides.

The table is written anew after every study. What a person wrote into `decided` (a sequence, or `skip`) is kept, even
if it was written meanwhile, and wins. Labels are what the scanner wrote; the table stays in the site folder.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gmmas_core import atomic
from gmmas_core.onboarding.choice import Choice
from gmmas_core.onboarding.recognition import SKIP, Guess, Series
from gmmas_core.types import SEQUENCES, DataError

FILE = "sequences.tsv"
COLUMNS = ("case", "series", "label", "thickest_mm", "sequence", "confidence", "reasons", "used", "decided")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One series of one study; a number that a spreadsheet spoilt is None."""

    case: str
    key: str
    label: str
    thickest_mm: float | None
    sequence: str
    confidence: float | None
    reasons: str
    used: bool
    decided: str

    def cells(self) -> tuple[str, ...]:
        """As they stand in the table."""
        return (
            *(self.case, self.key, self.label, _text(self.thickest_mm), self.sequence, _text(self.confidence)),
            *(self.reasons, "yes" if self.used else "no", self.decided),
        )

    @property
    def place(self) -> tuple[str, str]:
        """Where in the table."""
        return self.case, self.key

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def rows_of(case: str, series: Mapping[str, Series], guesses: Mapping[str, Guess], choice: Choice) -> list[Row]:
    """The rows of one study."""
    return [
        Row(
            case=case,
            key=key,
            label=_plain(series[key].label),
            thickest_mm=series[key].thickest_mm,
            sequence=each.sequence or "",
            confidence=each.confidence,
            reasons=_plain("; ".join([*each.reasons, *([choice.left[key]] if key in choice.left else [])])),
            used=key in choice.chosen.values(),
            decided="" if each.decided_by != "person" else (each.sequence or SKIP),
        )
        for key, each in sorted(guesses.items())
    ]


def update_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Put the rows of some studies into the table, in place of their older ones.

    Raises:
        DataError: a table that is none.
    """
    new, there = list(rows), read_rows(folder)
    said = {row.place: row.decided for row in there}
    cases = {row.case for row in new}
    kept = [row for row in there if row.case not in cases]
    write_rows(folder, [*kept, *(replace(row, decided=said.get(row.place, row.decided)) for row in new)])


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Replace the table."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.cells() for row in sorted(rows, key=lambda row: row.place))
    atomic.write_text(folder / FILE, text.getvalue())


def read_rows(folder: Path) -> list[Row]:
    """The rows of the table; none where there is no table.

    Raises:
        DataError: a table that is none.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        lines = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t")
        return [
            Row(
                case=line["case"],
                key=line["series"],
                label=line["label"],
                thickest_mm=_number(line["thickest_mm"]),
                sequence=line["sequence"],
                confidence=_number(line["confidence"]),
                reasons=line["reasons"],
                used=line["used"] == "yes",
                decided=(line["decided"] or "").strip().lower(),
            )
            for line in lines
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error):
        raise DataError(
            f"{FILE}: found a damaged table; expected the one that prepare --raw wrote; repair or remove it"
        ) from None


def read_decided(folder: Path) -> dict[str, dict[str, str]]:
    """Case -> key of a series -> what a person decided.

    Raises:
        DataError: a table that is none, or a word that is no sequence; every such word is named.
    """
    decided: dict[str, dict[str, str]] = {}
    problems = []
    for number, row in enumerate(read_rows(folder), 2):
        if row.decided in (*SEQUENCES, SKIP):
            decided.setdefault(row.case, {})[row.key] = row.decided
        elif row.decided:
            problems.append(f"{FILE} line {number}: found {row.decided!r}; expected {', '.join(SEQUENCES)} or {SKIP}")
    if problems:
        raise DataError("\n".join(problems))
    return decided


def _plain(text: str) -> str:
    """On one line, and no formula to a spreadsheet."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
