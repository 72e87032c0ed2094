"""Cells of clinical tables as participants.tsv's words: what is not understood stays unknown and is reported.

The words themselves are those of `data/columns.py`. A word that is not among them is never guessed: the label is left
out, and the word is reported once with the number of cells that hold it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from gmmas_core.data.columns import LABEL_COLUMNS, READERS, normal_header, read_label
from gmmas_core.data.importers.found import Skipped
from gmmas_core.data.importers.sheet import Row
from gmmas_core.data.importers.tree import shown
from gmmas_core.types import UNKNOWN

CLASS_WORDS: Mapping[str, tuple[str, str]] = {
    "histology": ("lower_grade", "glioblastoma"),
    "idh": ("wildtype", "mutant"),
    "codel_1p19q": ("intact", "codeleted"),
    "mgmt": ("unmethylated", "methylated"),
}
"""Label column -> the word written for class 0 and for class 1, whatever the data set's own spelling."""

Headers = Mapping[str, Sequence[str]]
"""Column of participants.tsv -> headers of a data set's table that may hold it, best first."""


class Cells:
    """Reads cells of one data set and remembers the words that nobody listed."""

    def __init__(self) -> None:
        self._odd: Counter[tuple[str, str]] = Counter()

    def labels(self, row: Row, headers: Headers) -> dict[str, str]:
        """What a row tells.

        Args:
            row: normalised header -> text.
            headers: which header holds which column; headers that the row lacks are passed over.

        Returns:
            column -> word; a column whose value is unknown is absent.
        """
        read = {column: self._first(column, row, titles) for column, titles in headers.items()}
        return {column: word for column, word in read.items() if word is not None}

    def word(self, column: str, text: str) -> str | None:
        """A cell in participants.tsv's words, or None when it is unknown or not understood."""
        value = read_label(column, text) if column in LABEL_COLUMNS else READERS[column](text)
        if value is None:
            self._odd[column, text] += 1
            return None
        if value in (UNKNOWN, "") or value != value:
            return None
        if column == "who_cns_grade_histologic":
            return _grade(text, value)
        if column in CLASS_WORDS:
            return CLASS_WORDS[column][int(value)]
        # "90+" and ">89" are kept: the bound is part of what is known.
        return text.strip() if column == "age" else f"{value:g}" if isinstance(value, float) else str(value)

    def odd(self) -> tuple[Skipped, ...]:
        """One entry per word that was not understood."""
        return tuple(
            Skipped(
                name=f"{column} {shown(text)}",
                reason=f"{count} {'cell holds' if count == 1 else 'cells hold'} this word, which is not in the "
                "vocabulary; left unknown",
            )
            for (column, text), count in sorted(self._odd.items())
        )

    def _first(self, column: str, row: Row, titles: Sequence[str]) -> str | None:
        for title in titles:
            text = row.get(normal_header(title))
            word = None if text is None else self.word(column, text)
            if word is not None:
                return word
        return None


def agree(sources: Sequence[Mapping[str, str]], notes: list[str]) -> dict[str, str]:
    """Labels of one case from several sources; a contradiction makes a label unknown and is noted."""
    told: dict[str, set[str]] = {}
    for source in sources:
        for column, word in source.items():
            told.setdefault(column, set()).add(word)
    notes += [
        f"{column}: sources contradict each other; left unknown" for column, words in told.items() if len(words) > 1
    ]
    return {column: min(words) for column, words in told.items() if len(words) == 1}


def coherent(labels: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """Labels without a 1p/19q codeletion beside IDH wildtype, which WHO 2021 does not know; the finding is noted."""
    if labels.get("idh") != "wildtype" or labels.get("codel_1p19q") != "codeleted":
        return dict(labels)
    notes.append(
        "IDH wildtype together with 1p/19q codeleted: the codeletion is not used (partial loss or an artefact of the "
        "assay is likely); check both results with pathology"
    )
    return {column: word for column, word in labels.items() if column != "codel_1p19q"}


def _grade(text: str, value: float | str) -> str:
    if value == 1:
        return "4"
    return "3" if "3" in text or "iii" in text.lower() else "2"
