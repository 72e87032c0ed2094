"""Who is at the browser: a random token in a cookie, of which only the hash is kept.

A session ends IDLE after the last request, LONGEST after it began, at sign-out, and when its account changes.
"""

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from client.reading_room.access.accounts import User
from client.reading_room.store.clock import text_of

IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Session:
    """Attributes: who; `csrf` must come back with everything that changes something."""

    user: User
    csrf: str

    def owns(self, csrf: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


def begin(connection: sqlite3.Connection, user: User, now: datetime | None = None) -> str:
    """A new session's token, for the cookie; call it inside a transaction."""
    moment = text_of(now or datetime.now(UTC))
    token = secrets.token_urlsafe(32)
    connection.execute(
        "INSERT INTO sessions (token_hash, user, csrf, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
        (_digest(token), user.name, secrets.token_urlsafe(32), moment, moment),
    )
    return token


def find(connection: sqlite3.Connection, token: str, now: datetime | None = None) -> Session | None:
    """The session of a token, which counts as seen now; None when there is none or it has ended."""
    moment = now or datetime.now(UTC)
    row = connection.execute(
        "SELECT s.csrf, u.name, u.role FROM sessions s JOIN users u ON u.name = s.user "
        "WHERE s.token_hash = ? AND u.disabled_at IS NULL AND s.seen_at > ? AND s.created_at > ?",
        (_digest(token), text_of(moment - IDLE), text_of(moment - LONGEST)),
    ).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE sessions SET seen_at = ? WHERE token_hash = ?", (text_of(moment), _digest(token)))
    return Session(user=User(name=row["name"], role=row["role"]), csrf=row["csrf"])


def end(connection: sqlite3.Connection, token: str) -> None:
    """Sign out."""
    connection.execute("DELETE FROM sessions WHERE token_hash = ?", (_digest(token),))


def sweep(connection: sqlite3.Connection, now: datetime | None = None) -> int:
    """Remove the sessions that have ended; how many."""
    moment = now or datetime.now(UTC)
    limits = (text_of(moment - IDLE), text_of(moment - LONGEST))
    return connection.execute("DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ?", limits).rowcount


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
