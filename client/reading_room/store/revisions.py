"""What the model or a clinician said of a study, numbered; the newest counts, and none is ever changed."""

import sqlite3
from dataclasses import dataclass

from client.reading_room.store import audit
from client.reading_room.store.clock import now

MODEL = "model"
"""Author of what no person has touched; no user can have this name."""


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One version of a study's findings.

    Attributes:
        study: id.
        number: from 1.
        author: MODEL or a user's name.
        model_id: that read the images.
        folder: its name within the study's folder of revisions.
        sha256: of the findings file in it.
        created_at: UTC.
    """

    study: str
    number: int
    author: str
    model_id: str
    folder: str
    sha256: str
    created_at: str


def add_revision(
    connection: sqlite3.Connection, *, study_id: str, author: str, model_id: str, folder: str, sha256: str
) -> Revision:
    """Add the next version; call it inside a transaction, after its files are in place."""
    newest = newest_revision(connection, study_id)
    revision = Revision(
        study=study_id,
        number=1 if newest is None else newest.number + 1,
        author=author,
        model_id=model_id,
        folder=folder,
        sha256=sha256,
        created_at=now(),
    )
    connection.execute(
        "INSERT INTO revisions (study, number, author, model_id, folder, sha256, created_at) "
        "VALUES (:study, :number, :author, :model_id, :folder, :sha256, :created_at)",
        revision.__dict__,
    )
    audit.add_line(
        connection,
        at=revision.created_at,
        user=author,
        action="revised",
        study=study_id,
        revision=revision.number,
        model_id=model_id,
        findings=sha256,
    )
    return revision


def newest_revision(connection: sqlite3.Connection, study_id: str) -> Revision | None:
    """The version that counts; None before the first reading."""
    return next(iter(revisions_of(connection, study_id)[::-1]), None)


def revisions_of(connection: sqlite3.Connection, study_id: str) -> list[Revision]:
    """All versions, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE study = ? ORDER BY number", (study_id,))
    return [Revision(**dict(row)) for row in rows.fetchall()]


_SELECT = "SELECT study, number, author, model_id, folder, sha256, created_at FROM revisions"
