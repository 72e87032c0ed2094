"""Tables of public data sets as rows of text: CSV, TSV and xlsx with BOM, CRLF, titles above the header, blank cells.

Cells stay text and blank cells stay "": what means unknown is decided by the column's reader, never here.
"""

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gmmas_core.data.columns import normal_header
from gmmas_core.types import DataError

MAX_BYTES = 64 * 2**20
MAX_UNPACKED = 512 * 2**20
MAX_ROWS = 100_000
_MAX_COLUMNS = 500
_TITLE_ROWS = 20

Row = Mapping[str, str]
"""Normalised header (`columns.normal_header`) -> stripped cell text, "" where blank or missing."""


def read_rows(path: Path, needs: Sequence[str], sheet: str | None = None) -> tuple[Row, ...]:
    """Rows of a table, under the first line (of the first 20) that holds all needed headers.

    Args:
        path: .csv, .tsv, .txt or .xlsx.
        needs: headers that must be there, compared by `normal_header`.
        sheet: of an xlsx; else the first sheet that holds the headers.

    Returns:
        Non-blank rows in file order.

    Raises:
        DataError: no such file, too large, not text, no line with the needed headers, or a row with more or fewer
            cells than these: its cells may belong to other columns.
    """
    return read_kind(path, {"": needs}, sheet)[1]


def read_kind(path: Path, kinds: Mapping[str, Sequence[str]], sheet: str | None = None) -> tuple[str, tuple[Row, ...]]:
    """Which of several tables a file is, by its headers, and its rows.

    Args:
        path: of the table.
        kinds: name -> headers that it must have; the first that fits counts.
        sheet: see `read_rows`.

    Raises:
        DataError: as `read_rows`; none fits.
    """
    grids = _workbook(path, sheet) if path.suffix.lower() == ".xlsx" else _text_grids(path)
    for kind, needs in kinds.items():
        wanted = set(map(normal_header, needs))
        for grid in grids:
            for line, cells in enumerate(grid[:_TITLE_ROWS]):
                header = [normal_header(cell) for cell in cells]
                if wanted <= set(header):
                    return kind, _rows(path, header, grid[line + 1 :])
    needed = ", ".join(next(iter(kinds.values())))
    raise DataError(
        f"{path.name}: found no header line with {needed}, or a quote that does not end; expected the table as its "
        "makers publish it; check --table"
    )


def table_hash(path: Path) -> str:
    """SHA-256 of the file, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rows(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    twice = {title for title in header if title and header.count(title) > 1}
    if twice:
        raise DataError(
            f"{path.name}: found the column {sorted(twice)[0]} twice; expected each column once; remove one of them"
        )
    filled = [cells for cells in lines if any(cells)]
    # A comma that nobody quoted moves every later cell into its neighbour's column.
    torn = [cells for cells in filled if len(cells) < len(header) or any(cells[len(header) :])]
    if torn:
        raise DataError(
            f"{path.name}: found {len(torn)} rows with more or fewer cells than the header, the first with "
            f"{len(torn[0])}; expected {len(header)}; quote cells that hold the delimiter, or save the table again"
        )
    return tuple({title: cell for title, cell in zip(header, cells) if title} for cells in filled)


def _checked_bytes(path: Path) -> bytes:
    if not os.path.isfile(path):
        raise DataError(f"{path.name}: found no such table; expected a file; check --table")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path.name}: found more than 64 MB; expected a clinical table; check --table")
    return path.read_bytes()


def _text_grids(path: Path) -> list[list[list[str]]]:
    """The file's cells by tab, comma and semicolon; which of them is meant shows in the header."""
    data = _checked_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f"{path.name}: found bytes that are not UTF-8 text; expected CSV, TSV or xlsx; save it again")
    grids = []
    for delimiter in "\t,;":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        with suppress(csv.Error):
            lines = [[cell.strip() for cell in row] for row in reader]
            # A quote that does not end makes one cell of several rows.
            if not any(delimiter in cell and len(cell.splitlines()) > 1 for row in lines for cell in row):
                grids.append(_bounded(path, lines))
    if not grids:
        raise DataError(f"{path.name}: found a broken line; expected closed quotes; mend the table")
    return grids


def _workbook(path: Path, sheet: str | None) -> list[list[list[str]]]:
    data = _checked_bytes(path)
    try:
        import openpyxl
    except ImportError as error:
        raise DataError(
            f"{path.name}: found no openpyxl to read xlsx; expected it; run pip install 'gmmas-fed[onboarding]', "
            "or save the sheet as CSV"
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MAX_UNPACKED:
            raise DataError(f"{path.name}: found a workbook of more than 512 MB; expected a table; check --table")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        names = [name for name in book.sheetnames if sheet is None or name.strip() == sheet]
        return [_bounded(path, _cells(book[name])) for name in names]
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its zip and XML readers do
        raise DataError(f"{path.name}: found no readable workbook; expected xlsx; save it again") from error


def _cells(sheet: Any) -> list[list[str]]:
    rows = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=_MAX_COLUMNS, values_only=True)
    return [[_text(cell) for cell in row] for row in rows]


def _bounded(path: Path, lines: list[list[str]]) -> list[list[str]]:
    if len(lines) > MAX_ROWS:
        raise DataError(f"{path.name}: found {len(lines)} rows; expected at most {MAX_ROWS}; check --table")
    return lines


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a spreadsheet stores whole numbers as floats
    return str(cell).strip()
