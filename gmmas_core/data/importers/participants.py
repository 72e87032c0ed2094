"""Rows of participants.tsv for imported cases; rows that are there stay as a person may have edited them."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gmmas_core.atomic import write_text
from gmmas_core.data.columns import COLUMN_OF_HEADER, LABEL_COLUMNS, LEGAL, READERS, normal_header, read_label
from gmmas_core.data.importers.found import FoundCase
from gmmas_core.data.problems import TABLE
from gmmas_core.data.table import delimiter_of, read_table
from gmmas_core.types import DataError

PUBLISHED_GRADE, PUBLISHED_DIAGNOSIS = "published_grade", "published_diagnosis"
"""Columns that keep what a data set says of the tumour as a whole, integrated or not; `read_table` leaves them out."""

_FACTS = ("data_set", "group", "grade_schema", PUBLISHED_GRADE, PUBLISHED_DIAGNOSIS)
COLUMNS = ("participant_id", "case_id", "folder", *LEGAL, *_FACTS)
_UNKNOWN = "n/a"


def row_of(case: FoundCase, data_set: str, grade_schema: str) -> dict[str, str]:
    """A case's row; what nobody knows, or what is no word of the column, is `n/a`.

    What a data set tells beyond our columns (its own grade, say) becomes a column of its own that nothing here reads.

    Args:
        case: to be listed.
        data_set: name of its importer.
        grade_schema: of the data set's grades, "" where it has none.
    """
    labels = {column: case.labels.get(column, _UNKNOWN) for column in LEGAL}
    known = {column: text if is_readable(column, text) else _UNKNOWN for column, text in labels.items()}
    published = {name: _one_line(case.labels.get(name, "")) for name in (PUBLISHED_GRADE, PUBLISHED_DIAGNOSIS)}
    graded = (known["who_cns_grade_histologic"], known["histology"], *published.values())
    schema = grade_schema if any(text not in ("", _UNKNOWN) for text in graded) else ""
    facts = {"data_set": data_set, "group": _one_line(case.group), "grade_schema": schema, **published}
    ids = {"participant_id": case.patient_id, "case_id": case.case_id, "folder": case.case_id}
    more = {_one_line(name): _one_line(text) for name, text in case.labels.items() if name not in LEGAL}
    return {**ids, **known, **{name: text or _UNKNOWN for name, text in {**facts, **more}.items()}}


def is_readable(column: str, text: str) -> bool:
    """Whether a cell is a word that the column's reader knows; words that mean unknown are."""
    return (read_label(column, text) if column in LABEL_COLUMNS else READERS[column](text)) is not None


def listed(folder: Path) -> dict[str, Mapping[str, str]]:
    """Case id -> cells of a site folder's table; {} where there is none.

    Raises:
        DataError: the table cannot be understood, or is a link.
    """
    path = folder / TABLE
    if not os.path.lexists(path):
        return {}
    if os.path.islink(path):
        raise DataError(f"{TABLE}: found a link; expected the folder's own file; import into a new folder")
    table = read_table(path)
    errors = [str(problem) for problem in table.problems if problem.is_error]
    if errors:
        raise DataError(errors[0])
    return {cells.get("case_id", "") or cells.get("participant_id", ""): cells for _, cells in table.rows}


def add_rows(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Append the rows of cases that the table does not list yet; the other lines stay as they are.

    Raises:
        DataError: as `listed`.
    """
    there = listed(folder)
    new = [row for row in rows if row["case_id"] not in there]
    if not new:
        return
    lines = _lines(folder / TABLE)
    header = lines[0] if lines else list(COLUMNS)
    meant = [COLUMN_OF_HEADER.get(normal_header(title), normal_header(title)) for title in header]
    wanted = dict.fromkeys([*COLUMNS, *(column for row in new for column in row)])
    missing = [column for column in wanted if column not in meant]
    padded = [[*line, *[_UNKNOWN] * (len(meant) + len(missing) - len(line))] for line in lines[1:]]
    added = [[row.get(column, _UNKNOWN) for column in [*meant, *missing]] for row in new]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows([[*header, *missing], *padded, *added])
    write_text(folder / TABLE, text.getvalue())


def as_listed(folder: Path, rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Each row as the table has it, which a person may have edited; as given where the table lacks it.

    Raises:
        DataError: as `listed`.
    """
    there = listed(folder)
    return [there.get(row["case_id"], row) for row in rows]


def differing(
    held: Sequence[Mapping[str, str]], rows: Sequence[Mapping[str, str]], columns: Iterable[str] = LEGAL
) -> int:
    """How many rows of the table, out of `as_listed`, say something else in these columns than the data set does."""
    pairs = zip(held, rows, strict=True)
    return sum(any((cells.get(column) or _UNKNOWN) != row[column] for column in columns) for cells, row in pairs)


def _lines(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8-sig")
    return [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)) if any(line)]


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:80]
