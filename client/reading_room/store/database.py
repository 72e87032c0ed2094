"""The reading room's database: one SQLite file, brought up to date by numbered scripts, backed up while in use.

It holds states, names and numbers; images and masks are files beside it. Every change is one transaction. Several
processes may have it open (pages, worker): readers never block, writers wait for each other.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from gmmas_core.atomic import sync_folder
from gmmas_core.types import DataError

FILE = "room.db"
WAIT_S = 30.0
"""How long a writer waits for another."""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open the database in a folder, create it when there is none, and run the migrations that it lacks.

    Args:
        folder: of the reading room's state; made when absent, readable by its owner alone.

    Returns:
        Connection without a transaction of its own: changes go through `transaction`.

    Raises:
        DataError: the file is no database of ours, is damaged, or was written by a newer release.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for setting in ("foreign_keys = ON", "synchronous = FULL", "journal_mode = WAL"):
            connection.execute(f"PRAGMA {setting}")
        _migrate(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DataError(
            f"{FILE}: found a file that cannot be used ({error}); expected the reading room's database; "
            "restore a backup"
        ) from None
    except DataError:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Everything inside happens or nothing; nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Write a consistent copy while the room is in use; an older copy stays whole until the new one is.

    Raises:
        DataError: the disk is full or the target cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(temporary)) as copy:
            connection.backup(copy)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error):
        raise DataError(
            "backup: found a target that cannot be written; expected a folder with free space; choose another"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def migrations() -> list[str]:
    """The scripts in their order; the n-th brings a database from version n - 1 to n."""
    folder = resources.files("client.reading_room.store") / "migrations"
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in scripts]


def _migrate(connection: sqlite3.Connection) -> None:
    scripts = migrations()
    while True:
        with transaction(connection):
            # Asked again inside the transaction: another process may have been faster.
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(scripts):
                raise DataError(
                    f"{FILE}: found version {version} of a newer release; expected at most {len(scripts)}; "
                    "install that release"
                )
            if version == len(scripts):
                return
            for statement in _statements(scripts[version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")


def _statements(script: str) -> Iterator[str]:
    """Single statements; `executescript` would end the transaction before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError("migration: found an unfinished statement; expected a semicolon")
