"""Who looked at what and did what: one line per view, decision and release, each holding the hash of the one before.

Lines are added in the transaction of what they speak of, so that nothing happens without its line. An edited, removed
or inserted line breaks the chain; lines cut off the end are found by whoever kept an older head.
"""

import hashlib
import json
import sqlite3
from typing import Any

GENESIS = "0" * 64
"""`previous` of the first line."""

_FIELDS = ("at", "user", "action", "study", "details", "previous")


def add_line(
    connection: sqlite3.Connection, *, at: str, user: str, action: str, study: str = "", **details: Any
) -> str:
    """Add one line; call it inside a transaction.

    Args:
        connection: of `open_database`.
        at: UTC time, ISO 8601.
        user: name in the table of users, or "system".
        action: what was done, e.g. "viewed".
        study: its id, or "".
        details: JSON-able, without identifiers of a person.

    Returns:
        The new head of the chain.
    """
    if not connection.in_transaction:
        raise RuntimeError("audit: found no transaction; expected the one of what the line speaks of")
    text = json.dumps(details, sort_keys=True, separators=(",", ":"), allow_nan=False)
    line = {"at": at, "user": user, "action": action, "study": study, "details": text, "previous": head(connection)}
    digest = _digest(line)
    connection.execute(
        "INSERT INTO audit (at, user, action, study, details, previous, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [*(line[field] for field in _FIELDS), digest],
    )
    return digest


def head(connection: sqlite3.Connection) -> str:
    """Hash of the newest line; GENESIS when there is none."""
    row = connection.execute("SELECT sha256 FROM audit ORDER BY line DESC LIMIT 1").fetchone()
    return GENESIS if row is None else str(row["sha256"])


def verify(connection: sqlite3.Connection, kept_head: str = GENESIS) -> list[str]:
    """What is wrong with the chain, one message for each line; empty when nothing is.

    Args:
        connection: of `open_database`.
        kept_head: a head that somebody kept elsewhere; it must still be in the chain.
    """
    problems, previous, number, heads = [], GENESIS, 0, {GENESIS}
    for row in connection.execute("SELECT * FROM audit ORDER BY line"):
        number += 1
        if row["line"] != number:
            problems.append(f"audit line {number}: found number {row['line']}; expected no gap")
            number = row["line"]
        if row["previous"] != previous:
            problems.append(f"audit line {number}: found another predecessor; expected the line before")
        if row["sha256"] != _digest({field: row[field] for field in _FIELDS}):
            problems.append(f"audit line {number}: found it changed; expected its own hash")
        previous = row["sha256"]
        heads.add(previous)
    if kept_head not in heads:
        problems.append("audit: found no line with the head that was kept; expected it; lines were cut off or replaced")
    return problems


def _digest(line: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps([line[field] for field in _FIELDS]).encode()).hexdigest()
