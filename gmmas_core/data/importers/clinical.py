"""Join a data set's clinical table to its case folders: repeated rows, and rows and folders without a partner."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from gmmas_core.data.columns import is_unknown, normal_header
from gmmas_core.data.importers.cells import Headers
from gmmas_core.data.importers.found import FoundCase, Skipped
from gmmas_core.data.importers.sheet import Row, read_rows
from gmmas_core.data.importers.tree import require_cases, skipped
from gmmas_core.types import DataError

NO_ROW = "no row in the table: labels unknown"


def collect(
    folders: Iterable[tuple[Path, str]], build: Callable[[Path, str], FoundCase | None], what: str, left: list[Skipped]
) -> dict[str, FoundCase]:
    """Cases by id, in the folders' order.

    Args:
        folders: (folder, case id).
        build: makes a case of a folder and its id; None when it cannot be taken, with the reason appended to `left`.
        what: kind of folder that was looked for, for the message.
        left: appended to for a second folder of one case.

    Raises:
        DataError: there is no folder at all.
    """
    cases: dict[str, FoundCase] = {}
    seen: set[str] = set()
    for folder, case_id in folders:
        if case_id in seen:
            left.append(skipped(case_id, "the same case lies in two folders; the first was taken"))
            continue
        seen.add(case_id)
        case = build(folder, case_id)
        if case is not None:
            cases[case_id] = case
    require_cases(len(seen), what)
    return cases


def rows_of(table: Path, choices: Sequence[Sequence[str]], sheet: str | None = None) -> tuple[Row, ...]:
    """Rows of a table that has one of several headers.

    Args:
        table: see `sheet.read_rows`.
        choices: sets of headers, best first; the first set that is there is used.
        sheet: see `sheet.read_rows`.

    Raises:
        DataError: none of them is there (the message names the best), or the file cannot be read.
    """
    refused = None
    for needs in choices:
        try:
            return read_rows(table, needs, sheet)
        except DataError as error:
            refused = refused or error
    raise refused or DataError(f"{table.name}: found no header to look for; expected at least one choice")


def by_id(
    rows: Iterable[Row], titles: Sequence[str], key: Callable[[str], str | None], left: list[Skipped]
) -> dict[str, Row]:
    """Rows by case or patient id.

    Rows with one id are merged: a cell on which they differ becomes blank, that is unknown.

    Args:
        rows: normalised header -> text.
        titles: headers in use, that of the id first; other columns are left out.
        key: id as the table writes it -> id as the folders have it, or None when it is none.
        left: appended to for rows without a usable id and for contradictions.
    """
    wanted = [normal_header(title) for title in titles]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = key(row[wanted[0]])
        if name is None:
            left.append(skipped(row[wanted[0]] or "a row", "the table's id is none of this data set"))
        else:
            groups.setdefault(name, []).append(row)
    return {name: _merged(name, group, wanted[1:], left) for name, group in groups.items()}


def _merged(name: str, group: Sequence[Row], titles: Sequence[str], left: list[Skipped]) -> Row:
    known = {title: {row[title] for row in group if not is_unknown(row.get(title, ""))} for title in titles}
    differing = sorted(title for title, texts in known.items() if len(texts) > 1)
    if differing:
        left.append(skipped(name, f"rows of one id that differ in {', '.join(differing)}: left unknown"))
    return {title: min(texts) if len(texts) == 1 else "" for title, texts in known.items() if texts}


def absent_columns(rows: Sequence[Row], headers: Headers) -> tuple[Skipped, ...]:
    """One entry per column that the table does not have under any of its known headers."""
    held = set(rows[0]) if rows else set()
    return tuple(
        Skipped(name=column, reason=f"the table has no column called {' or '.join(titles)}: unknown for every case")
        for column, titles in headers.items()
        if rows and not held & {normal_header(title) for title in titles}
    )


def row_of(rows: Mapping[str, Row], name: str, notes: list[str]) -> Row:
    """The row of a case or patient, {} where there is none, which is noted if there is a table at all."""
    if rows and name not in rows:
        notes.append(NO_ROW)
    return rows.get(name, {})


def without_folder(rows: Collection[str], taken: Collection[str], left: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """One entry per row whose case is not in the tree; those already reported are not repeated."""
    reported = {entry.name for entry in left}
    missing = sorted(name for name in rows if name not in taken and name not in reported)
    return tuple(skipped(name, "a row of the table without a folder") for name in missing)


def no_table(tables: Collection[Path], what: str) -> tuple[Skipped, ...]:
    """The entry that says why labels are unknown when no table was given."""
    return (
        ()
        if tables
        else (Skipped(name="table", reason=f"none given with --table ({what}): what only it tells is unknown"),)
    )


def first_of(row: Row, titles: Sequence[str]) -> str:
    """The first known cell under one of several headers, else ""."""
    return next((text for title in titles if not is_unknown(text := row.get(normal_header(title), ""))), "")


def extra(columns: Mapping[str, str]) -> dict[str, str]:
    """Cells that are kept beside the labels as text, on one line; unknown ones are left out."""
    return {name: " ".join(text.split())[:100] for name, text in columns.items() if not is_unknown(text)}
