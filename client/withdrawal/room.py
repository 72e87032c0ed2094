"""What a reading room has of a patient: studies with images, findings and decisions, and cases it contributed.

A study belongs to the patient where its pseudonym is one of the patient's ids, or where it was contributed under one of
them. Lines of the room's audit stay: they name studies by random numbers, which mean nothing once the study is gone.
"""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.contributions import table
from client.reading_room.contributions.pseudonyms import KEY, names_of
from client.reading_room.room import CONTRIBUTIONS
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import FILE, open_database, transaction
from client.reading_room.store.jobs import SYSTEM
from client.site import SITE_FILE, Site, read_site
from client.withdrawal.search import blacken, is_named
from client.withdrawal.subject import Subject
from gmmas_core.types import DataError

LOGS = ("worker.log", "worker.log.1")


@dataclass(frozen=True, kw_only=True)
class InRoom:
    """The patient as one reading room knows them.

    Attributes:
        folder: of the room.
        studies: their numbers.
        contributed: the patient in the room's folder of contributions, which is a site folder of its own.
    """

    folder: Path
    studies: tuple[str, ...]
    contributed: Subject

    @property
    def contributions(self) -> Site | None:
        """That site; None where nothing was ever contributed."""
        home = self.folder / CONTRIBUTIONS
        return read_site(home) if (home / SITE_FILE).is_file() else None


def look_into(folder: Path, subject: Subject) -> InRoom:
    """Find the patient in a room; nothing is changed.

    Raises:
        DataError: no room, or its database or key is damaged.
    """
    if not (folder / FILE).is_file():
        raise DataError("--room: found no reading room; expected the folder of one, as --data of reading-room names it")
    connection = open_database(folder)
    try:
        rows = connection.execute("SELECT id, patient FROM studies ORDER BY id").fetchall()
    finally:
        connection.close()
    # Without a key nothing was ever contributed, and none is made by looking.
    has_key = (folder / KEY).is_file()
    names = {row["id"]: names_of(folder, row["patient"], row["id"]) for row in rows} if has_key else {}
    ids = subject.patients | subject.cases
    found = {
        row["id"]: row["patient"]
        for row in rows
        if row["patient"] in ids or (has_key and {names[row["id"]].case, names[row["id"]].patient} & ids)
    }
    is_whole = all(row["id"] in found for row in rows if row["patient"] in found.values())
    return InRoom(
        folder=folder,
        studies=tuple(found),
        contributed=Subject(
            patients=frozenset(names[study].patient for study in found if has_key and is_whole),
            cases=frozenset(names[study].case for study in found if has_key),
        ),
    )


def purge_room(found: InRoom, subject: Subject) -> int:
    """Remove the patient's studies and contributed cases; files first, so that a study whose row is gone has none.

    Returns:
        Number of studies removed.

    Raises:
        DataError: the room is in use in a way that keeps the old content, or cannot be written.
    """
    try:
        connection = open_database(found.folder)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            for study in found.studies:
                _remove_study(connection, found, study)
            _forget_old_pages(connection)
        finally:
            connection.close()
        in_logs = Subject(patients=subject.patients, cases=subject.cases | {*found.studies}, folders=subject.folders)
        for name in LOGS:
            path = found.folder / name
            if path.is_file() and is_named(path.read_bytes(), in_logs):
                blacken(path, in_logs)
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            f"reading room: cannot be purged ({error}); expected a folder that can be written and a room at rest; "
            "end the reading room and give the same command again"
        ) from None
    return len(found.studies)


def _remove_study(connection: sqlite3.Connection, found: InRoom, study: str) -> None:
    for case in found.contributed.cases:
        _remove_contribution(found.folder / CONTRIBUTIONS, case)
    home = found.folder / "studies" / study
    if home.exists():
        shutil.rmtree(home)
    with transaction(connection):
        audit.add_line(connection, at=now(), user=SYSTEM, action="patient withdrawn", study=study)
        connection.execute("DELETE FROM studies WHERE id = ?", (study,))


def _remove_contribution(folder: Path, case: str) -> None:
    if folder.is_dir():
        table.drop_row(folder, case)
        if (folder / case).exists():
            shutil.rmtree(folder / case)


def _forget_old_pages(connection: sqlite3.Connection) -> None:
    """Deleted rows leave their bytes in free pages and in the write-ahead log until both are written anew."""
    connection.execute("VACUUM")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("its database is busy")
