"""The participants.tsv of the contributed cases: one row each, rewritten whole, in the order of the case ids.

Labels of pathology stand in the columns that training reads. A clinician's own reading of the images is no pathology:
it stands in columns of its own, which training does not read and would otherwise score itself against.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from gmmas_core.atomic import write_text
from gmmas_core.data.problems import TABLE
from gmmas_core.types import DataError, Task

UNKNOWN_WORD = "n/a"
COLUMN_OF_TASK: Mapping[Task, str] = {
    Task.HISTOLOGY: "histology",
    Task.IDH: "idh",
    Task.CODEL: "codel_1p19q",
    Task.MGMT: "mgmt",
}
COLUMNS = (
    *("participant_id", "case_id", "folder", "split"),
    *COLUMN_OF_TASK.values(),
    "label_source",
    *(f"{column}_reading" for column in COLUMN_OF_TASK.values()),
    "mask_source",
)

Row = Mapping[str, str]


def put_row(folder: Path, row: Row) -> None:
    """Add a case, or replace its row."""
    _write(folder, {**_rows(folder), row["case_id"]: row})


def drop_row(folder: Path, case_id: str) -> None:
    """Take a case out; nothing happens where it is not in."""
    rows = _rows(folder)
    if rows.pop(case_id, None) is not None:
        _write(folder, rows)


def table_text(rows: Mapping[str, Row]) -> str:
    """The whole table."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n", restval=UNKNOWN_WORD)
    writer.writeheader()
    writer.writerows(rows[case_id] for case_id in sorted(rows))
    return text.getvalue()


def _rows(folder: Path) -> dict[str, Row]:
    path = folder / TABLE
    if not path.exists():
        return {}
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), delimiter="\t", strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise DataError(
            f"{TABLE} of the contributions: found other columns; expected those that the reading room writes; "
            "move that folder away, the room makes a new one"
        )
    return {row["case_id"]: {column: row[column] for column in COLUMNS} for row in reader}


def _write(folder: Path, rows: Mapping[str, Row]) -> None:
    write_text(folder / TABLE, table_text(rows))
