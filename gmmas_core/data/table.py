"""Read participants.tsv as people really save it: BOM, CRLF, commas, quotes, blank lines. Cells stay text here.

What cannot be read without guessing (other encodings, ragged rows, a column twice) is a problem, not a best effort.
"""

import csv
import difflib
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gmmas_core.data.columns import COLUMN_OF_HEADER, COLUMNS, MISLEADING_HEADERS, normal_header
from gmmas_core.data.problems import TABLE, Problem

MAX_BYTES = 64 * 2**20
MAX_ROWS = 100_000
_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text cells under our own column names; columns we do not know are left out.

    Attributes:
        rows: (line number in the file, column -> text) in file order.
        problems: of the file as a whole and of its header.
    """

    rows: Sequence[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Read the table; every problem is collected, nothing is raised.

    Args:
        path: of participants.tsv.

    Returns:
        Table; without rows when the file cannot be understood.
    """
    text = _decode(path)
    if isinstance(text, Problem):
        return Table(problems=[text])
    problems: list[Problem] = []
    delimiter = delimiter_of(text)
    if delimiter != "\t":
        action = "it was read; save it as tab-separated text"
        problems.append(_problem(f"columns separated by {_DELIMITERS[delimiter]}", "tabs", action, warn=True))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = [(lines.line_num, row) for row in lines if any(cell.strip() for cell in row)]
    except csv.Error:
        where = f"{TABLE} line {lines.line_num}"
        return Table(
            problems=[_problem("a cell that does not end or is too long", "closed quotes", "mend that line", where)]
        )
    if not numbered:
        return Table(
            problems=[
                _problem("an empty table", "a header line and one row per case", "run gmmas-site init or fill it")
            ]
        )
    if len(numbered) > MAX_ROWS:
        return Table(
            problems=[_problem(f"{len(numbered)} rows", f"at most {MAX_ROWS}", "check that this is the right table")]
        )
    header = numbered[0][1]
    columns = _columns(header, problems)
    rows = [(number, _cells(number, row, columns, problems)) for number, row in numbered[1:]]
    return Table(rows=rows, problems=problems)


def _decode(path: Path) -> str | Problem:
    if not os.path.isfile(path):
        return _problem("no such table", "a table with one row per case", "run gmmas-site init", TABLE)
    try:
        if path.stat().st_size > MAX_BYTES:
            return _problem("more than 64 MB", "a table of text", "check that this is the right file")
        data = path.read_bytes()
    except OSError as error:
        return _problem(f"an unreadable file ({error.strerror})", "a readable table", "check its permissions")
    if b"\0" in data:
        return _problem("zero bytes (UTF-16 or a binary file)", "UTF-8 text", "save it again as UTF-8, tab-separated")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"{TABLE} line {line}"
        return _problem("bytes that are not UTF-8", "UTF-8 text", "save it again as UTF-8, tab-separated", where)


def delimiter_of(text: str) -> str:
    """What separates a table's columns: a tab where its first line has one, else a comma, else a semicolon."""
    first = next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")
    return next((mark for mark in _DELIMITERS if mark in first), "\t")


def _columns(header: list[str], problems: list[Problem]) -> list[str | None]:
    """Our column name per position, None for columns that are no concern of ours."""
    columns: list[str | None] = []
    for title in header:
        normal = normal_header(title)
        column = COLUMN_OF_HEADER.get(normal)
        if column is not None and column in columns:
            problems.append(
                _problem(f"column {column} twice", "each column once", "remove one of them", f"{TABLE} header")
            )
            column = None
        elif normal in MISLEADING_HEADERS:
            expected = MISLEADING_HEADERS[normal]
            problems.append(_problem(f"column {normal}", expected, "it is ignored", f"{TABLE} header", warn=True))
        elif column is None and (near := difflib.get_close_matches(normal, COLUMNS, n=1, cutoff=0.8)):
            action = "it is ignored; rename it if this is what is meant"
            problems.append(
                _problem(f"column {normal[:40]}", f"perhaps {near[0]}", action, f"{TABLE} header", warn=True)
            )
        columns.append(column)
    if "participant_id" not in columns:
        action = "add the column, with a pseudonym per patient"
        problems.append(_problem("no column participant_id", "participant_id", action, f"{TABLE} header"))
    return columns


def _cells(number: int, row: list[str], columns: list[str | None], problems: list[Problem]) -> dict[str, str]:
    where = f"{TABLE} line {number}"
    if any(cell.strip() for cell in row[len(columns) :]):
        problems.append(
            _problem(f"{len(row)} cells", f"{len(columns)} as in the header", "remove or quote the extra cells", where)
        )
    elif len(row) < len(columns):
        found = f"{len(row)} cells"
        problems.append(_problem(found, f"{len(columns)} as in the header", "write n/a into the missing cells", where))
    padded = row + [""] * (len(columns) - len(row))
    return {column: cell.strip() for column, cell in zip(columns, padded) if column is not None}


def _problem(found: str, expected: str, action: str, where: str = TABLE, *, warn: bool = False) -> Problem:
    severity = "warning" if warn else "error"
    return Problem(case_id=None, found=found, expected=expected, action=action, severity=severity, where=where)
