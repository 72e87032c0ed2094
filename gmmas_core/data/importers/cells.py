"""Cells of clinical tables as participants.tsv's words, by the vocabulary of `data/columns.py` and nothing else.

Unknown cells are absent. A word that is not in the vocabulary stays as it is: the table of the site folder says n/a for
it and the summary names it (`participants.row_of`, `summary`), so it is neither guessed nor lost.
"""

from collections.abc import Mapping, Sequence

from gmmas_core.data.columns import LABEL_COLUMNS, READERS, is_unknown, normal_header, read_label
from gmmas_core.data.importers.sheet import Row
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


def labels_of(row: Row, headers: Headers) -> dict[str, str]:
    """What a row tells.

    Args:
        row: normalised header -> text.
        headers: which header holds which column; headers that the row lacks are passed over.

    Returns:
        column -> word; a column whose value is unknown is absent, and one whose headers contradict each other has all
        their words, which together are none.
    """
    texts = {column: [row.get(normal_header(title), "") for title in titles] for column, titles in headers.items()}
    read = {column: {word(column, text) for text in cells if not is_unknown(text)} for column, cells in texts.items()}
    return {column: " / ".join(sorted(t or "unknown" for t in told)) for column, told in read.items() if told - {None}}


def cell_of(row: Row, titles: Sequence[str]) -> str:
    """The first known cell under one of several headers, else ""."""
    return next((text for title in titles if not is_unknown(text := row.get(normal_header(title), ""))), "")


def word(column: str, text: str) -> str | None:
    """A cell in participants.tsv's words; None when it is unknown, the text itself when it is no word of the column."""
    value = read_label(column, text) if column in LABEL_COLUMNS else READERS[column](text)
    if value is None:
        return text
    if value in (UNKNOWN, "") or value != value:
        return None
    if column == "who_cns_grade_histologic":
        return "4" if value == 1 else "3" if "3" in text or "iii" in text.lower() else "2"
    if column in CLASS_WORDS:
        return CLASS_WORDS[column][int(value)]
    # "90+" and ">89" are kept: the bound is part of what is known.
    return text.strip() if column == "age" else f"{value:g}" if isinstance(value, float) else str(value)


def agree(sources: Sequence[Mapping[str, str]], notes: list[str]) -> dict[str, str]:
    """Labels of one case from several sources; a contradiction makes a label unknown and is noted."""
    told: dict[str, set[str]] = {}
    for source in sources:
        for column, text in source.items():
            told.setdefault(column, set()).add(text)
    contested = [column for column, texts in told.items() if len(texts) > 1]
    notes += [f"{column}: sources contradict each other; left unknown" for column in contested]
    return {column: min(texts) for column, texts in told.items() if len(texts) == 1}


def coherent(labels: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """Labels without a 1p/19q codeletion beside IDH wildtype, which WHO 2021 does not know; the finding is noted."""
    if labels.get("idh") != "wildtype" or labels.get("codel_1p19q") != "codeleted":
        return dict(labels)
    notes.append(
        "IDH wildtype together with 1p/19q codeleted: the codeletion is not used (partial loss or an artefact of the "
        "assay is likely); check both results with pathology"
    )
    return {column: text for column, text in labels.items() if column != "codel_1p19q"}
