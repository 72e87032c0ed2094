"""A data set's clinical table by case or patient: repeated rows are merged, rows and folders without a partner told."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.columns import is_unknown, normal_header
from gmmas_core.data.importers.cells import Headers
from gmmas_core.data.importers.found import Skipped
from gmmas_core.data.importers.sheet import Row, read_rows
from gmmas_core.data.importers.tree import skipped

NO_ROW = "no row in the table: labels unknown"


@dataclass(frozen=True, kw_only=True)
class ClinicalTable:
    """Rows by id.

    Attributes:
        rows: id as the folders have it -> row.
        contested: id -> what its rows do not agree on, as a note.
    """

    rows: Mapping[str, Row]
    contested: Mapping[str, str]

    def row(self, name: str, notes: list[str]) -> Row:
        """The row of an id, {} where there is none; `notes` says so, unless there is no table at all."""
        if self.rows and name not in self.rows:
            notes.append(NO_ROW)
        if name in self.contested:
            notes.append(self.contested[name])
        return self.rows.get(name, {})

    def without(self, taken: Collection[str], left: Iterable[Skipped]) -> tuple[Skipped, ...]:
        """One entry per row whose case is neither taken nor reported already."""
        reported = {entry.name for entry in left}
        missing = [name for name in self.rows if name not in taken and name not in reported]
        return tuple(skipped(name, "a row of the table without a folder of images here") for name in missing)


def open_tables(
    tables: Sequence[Path], id_title: str, headers: Headers, key: Callable[[str], str | None], left: list[Skipped]
) -> ClinicalTable:
    """One or more editions of a data set's table as one.

    Args:
        tables: files; none gives an empty table.
        id_title: header of the id.
        headers: column -> headers that may hold it; the first of "idh" must be there.
        key: see `by_id`.
        left: appended to for columns that are not there and rows without a usable id.

    Raises:
        DataError: a table that is not this one.
    """
    rows = [row for table in tables for row in read_rows(table, [id_title, headers["idh"][0]])]
    left += absent_columns(rows, headers)
    return by_id(rows, (id_title, *(title for titles in headers.values() for title in titles)), key, left)


def by_id(
    rows: Iterable[Row], titles: Sequence[str], key: Callable[[str], str | None], left: list[Skipped]
) -> ClinicalTable:
    """Rows by case or patient id.

    Rows with one id are merged: a cell on which they differ becomes blank, that is unknown.

    Args:
        rows: normalised header -> text.
        titles: headers in use, that of the id first; other columns are left out.
        key: id as the table writes it -> id as the folders have it, or None when it is none.
        left: appended to for rows without a usable id.
    """
    wanted = [normal_header(title) for title in titles]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = key(row[wanted[0]])
        if name is None:
            left.append(skipped(row[wanted[0]] or "a row", "a row of the table whose id is none of this data set"))
        else:
            groups.setdefault(name, []).append(row)
    merged = {name: _known(group, wanted[1:]) for name, group in groups.items()}
    contested = {
        name: f"rows of one id differ in {', '.join(differing)}: left unknown"
        for name, known in merged.items()
        if (differing := sorted(title for title, texts in known.items() if len(texts) > 1))
    }
    told = {
        name: {title: min(texts) for title, texts in known.items() if len(texts) == 1} for name, known in merged.items()
    }
    return ClinicalTable(rows=told, contested=contested)


def _known(group: Sequence[Row], titles: Sequence[str]) -> dict[str, set[str]]:
    """Header -> the known cells of rows of one id."""
    return {title: {row[title] for row in group if not is_unknown(row.get(title, ""))} for title in titles}


def absent_columns(rows: Sequence[Row], headers: Headers) -> tuple[Skipped, ...]:
    """One entry per column that the table does not have under any of its known headers."""
    held = {title for row in rows for title in row}
    return tuple(
        Skipped(name=column, reason=f"the table has no column called {' or '.join(titles)}: unknown for every case")
        for column, titles in headers.items()
        if rows and not held & {normal_header(title) for title in titles}
    )
