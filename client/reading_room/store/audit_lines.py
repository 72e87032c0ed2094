"""Reading the audit: by user, by study, newest first, and as JSON lines that a program can keep elsewhere."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line; see `audit.add_line`."""

    line: int
    at: str
    user: str
    action: str
    study: str
    details: str
    previous: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which lines: of one user and of one study; "" means of all."""

    user: str = ""
    study: str = ""


def newest_lines(connection: sqlite3.Connection, wanted: Filter, *, before: int, limit: int) -> list[Line]:
    """Newest first.

    Args:
        connection: of `open_database`.
        wanted: which.
        before: number of the last line already shown, 0 for the first page.
        limit: most lines.
    """
    rows = connection.execute(
        f"{_SELECT} WHERE {_WANTED} AND (:before = 0 OR line < :before) ORDER BY line DESC LIMIT :limit",
        {**asdict(wanted), "before": before, "limit": limit},
    )
    return [Line(**dict(row)) for row in rows.fetchall()]


def count_lines(connection: sqlite3.Connection, wanted: Filter) -> int:
    """How many lines there are."""
    return int(connection.execute(f"SELECT count(*) FROM audit WHERE {_WANTED}", asdict(wanted)).fetchone()[0])


def as_json_lines(connection: sqlite3.Connection, wanted: Filter) -> Iterator[str]:
    """Every line as JSON, oldest first, each ending in a newline; the hashes are over the details as stored."""
    for row in connection.execute(f"{_SELECT} WHERE {_WANTED} ORDER BY line", asdict(wanted)):
        yield json.dumps(dict(row)) + "\n"


_SELECT = "SELECT line, at, user, action, study, details, previous, sha256 FROM audit"
_WANTED = "(:user = '' OR user = :user) AND (:study = '' OR study = :study)"
