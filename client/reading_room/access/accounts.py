"""Users of the reading room: names, roles and passwords, hashed with argon2id.

A wrong name costs as much time as a wrong password, so that nobody learns from the clock who works here.
"""

import re
import sqlite3
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from client.reading_room.access.roles import ROLES
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from gmmas_core.types import DataError

MIN_PASSWORD, MAX_PASSWORD = 12, 200
"""Characters; length is what makes a password strong (NIST SP 800-63B, 2024: no rules of composition)."""

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
RESERVED = ("system", "model")
"""Names that the audit and the findings use for programs."""


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who may come in."""

    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """One row of the list of accounts; `disabled_at` is None while it is in use."""

    name: str
    role: str
    created_at: str
    disabled_at: str | None


def add_user(connection: sqlite3.Connection, name: str, role: str, password: str, *, by: str) -> User:
    """Make an account; call it inside a transaction.

    Raises:
        DataError: everything wrong with name, role and password, or the name is taken.
    """
    problems = [*_name_problems(name), *_password_problems(password, name)]
    if role not in ROLES:
        problems.append(f"role: found {role!r}; expected one of {', '.join(ROLES)}; choose one")
    if not problems and connection.execute("SELECT 1 FROM users WHERE name = ?", (name,)).fetchone():
        problems.append(f"user name: found {name} taken; expected a new one; choose another")
    if problems:
        raise DataError("\n".join(problems))
    at = now()
    connection.execute(
        "INSERT INTO users (name, role, password_hash, created_at) VALUES (?, ?, ?, ?)",
        (name, role, _hasher().hash(password), at),
    )
    audit.add_line(connection, at=at, user=by, action="added user", name=name, role=role)
    return User(name=name, role=role)


def count_users(connection: sqlite3.Connection) -> int:
    """How many accounts are in use."""
    return int(connection.execute("SELECT count(*) FROM users WHERE disabled_at IS NULL").fetchone()[0])


def check_password(connection: sqlite3.Connection, name: str, password: str) -> User | None:
    """The user, when the password is right and the account is in use; else None, after the same time."""
    row = connection.execute(
        "SELECT name, role, password_hash FROM users WHERE name = ? AND disabled_at IS NULL", (name,)
    ).fetchone()
    stored = _nobody() if row is None else str(row["password_hash"])
    try:
        _hasher().verify(stored, password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return None
    return None if row is None else User(name=row["name"], role=row["role"])


def change_password(connection: sqlite3.Connection, name: str, password: str, *, by: str) -> None:
    """Set another password and end the user's sessions; call it inside a transaction.

    Raises:
        DataError: a password that is too short or too long, or no such user.
    """
    problems = _password_problems(password, name)
    if problems:
        raise DataError("\n".join(problems))
    _update(connection, name, "password_hash", _hasher().hash(password))
    audit.add_line(connection, at=now(), user=by, action="changed password", name=name)


def disable_user(connection: sqlite3.Connection, name: str, *, by: str) -> None:
    """Close an account for good and end its sessions; what its owner signed stays. Call it inside a transaction.

    Raises:
        DataError: no such user, or the last administrator.
    """
    _require_other_admin(connection, name)
    _update(connection, name, "disabled_at", now())
    audit.add_line(connection, at=now(), user=by, action="disabled user", name=name)


def change_role(connection: sqlite3.Connection, name: str, role: str, *, by: str) -> None:
    """Give a user another role and end the user's sessions; call it inside a transaction.

    Raises:
        DataError: no such role or user, or the last administrator would be none.
    """
    if role not in ROLES:
        raise DataError(f"role: found another word; expected one of {', '.join(ROLES)}; choose one")
    if role != "admin":
        _require_other_admin(connection, name)
    _update(connection, name, "role", role)
    audit.add_line(connection, at=now(), user=by, action="changed role", name=name, role=role)


def accounts(connection: sqlite3.Connection) -> list[Account]:
    """All that ever were, those in use first, by name."""
    rows = connection.execute(
        "SELECT name, role, created_at, disabled_at FROM users ORDER BY disabled_at IS NOT NULL, name"
    )
    return [Account(**dict(row)) for row in rows.fetchall()]


def users(connection: sqlite3.Connection) -> list[User]:
    """Those who may come in, by name."""
    rows = connection.execute("SELECT name, role FROM users WHERE disabled_at IS NULL ORDER BY name")
    return [User(**dict(row)) for row in rows.fetchall()]


def _require_other_admin(connection: sqlite3.Connection, name: str) -> None:
    others = connection.execute(
        "SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL AND name != ?", (name,)
    ).fetchone()[0]
    if not others:
        raise DataError("user: found no other administrator; expected one to stay; add another first")


def _update(connection: sqlite3.Connection, name: str, column: str, value: str) -> None:
    changed = connection.execute(
        f"UPDATE users SET {column} = ? WHERE name = ? AND disabled_at IS NULL", (value, name)
    ).rowcount
    if changed != 1:
        raise DataError("user: found none of this name; expected one of the list; reload the page")
    connection.execute("DELETE FROM sessions WHERE user = ?", (name,))


def _name_problems(name: str) -> list[str]:
    if _NAME.fullmatch(name) and name not in RESERVED:
        return []
    return [
        "user name: found one that cannot be used; expected 2 to 32 small letters, digits, dots or dashes, and not "
        f"{' or '.join(RESERVED)}; choose another"
    ]


def _password_problems(password: str, name: str) -> list[str]:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return [
            f"password: found {len(password)} characters; expected {MIN_PASSWORD} to {MAX_PASSWORD}; take several words"
        ]
    if len(set(password)) < 5 or name in password.lower():
        return ["password: found one that is easily guessed; expected no repetition and no name; take several words"]
    return []


@cache
def _hasher() -> PasswordHasher:
    """argon2id with the library's own parameters, which follow RFC 9106."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")
