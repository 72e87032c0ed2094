"""The one queue of the reading room: nothing is lost, nothing is read twice, whoever is killed at whatever moment.

A worker claims the oldest queued job, gives signs of life while it reads and finishes it in the same transaction as
the study. A job whose worker has been silent for SILENT_S goes back into the queue; after MAX_ATTEMPTS silent deaths it
fails, so that one case that kills its reader cannot hold up all others.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from client.reading_room.store.clock import now, text_of
from client.reading_room.store.database import transaction
from client.reading_room.store.studies import move, read_study
from gmmas_core.types import DataError

SILENT_S = 60.0
MAX_ATTEMPTS = 3
MAX_QUEUED = 1000

SYSTEM = "system"
"""Who acts in the audit when nobody asked for it."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One reading.

    Attributes:
        id: number.
        study: id.
        state: "queued", "running", "done" or "failed".
        attempts: how often a worker has begun it.
        step, done_steps, total_steps: what the worker is at; total 0 while that is not known.
        queued_at: when it was asked for.
    """

    id: int
    study: str
    state: str
    attempts: int
    step: str
    done_steps: int
    total_steps: int
    queued_at: str


def enqueue(connection: sqlite3.Connection, study_id: str, user: str) -> Job:
    """Ask for a reading of a draft, or for another one.

    Raises:
        DataError: no image is named, the study is in another state, or the queue is full.
    """
    with transaction(connection):
        if not read_study(connection, study_id).sequences:
            raise DataError("study: found no file named as a sequence; expected at least one; name them and try again")
        queued = connection.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
        if queued >= MAX_QUEUED:
            raise DataError(f"queue: found {queued} studies waiting; expected fewer than {MAX_QUEUED}; try again later")
        move(connection, study_id, "queued", user=user)
        cursor = connection.execute(
            "INSERT INTO jobs (study, state, queued_at) VALUES (?, 'queued', ?)", (study_id, now())
        )
        return _job(connection.execute(f"{_SELECT} WHERE id = ?", (cursor.lastrowid,)).fetchone())


def claim(connection: sqlite3.Connection, worker: str) -> Job | None:
    """The oldest queued job, which is this worker's from now on; None when there is none."""
    with transaction(connection):
        row = connection.execute(f"{_SELECT} WHERE state = 'queued' ORDER BY id LIMIT 1").fetchone()
        if row is None:
            return None
        connection.execute(
            "UPDATE jobs SET state = 'running', worker = ?, beat_at = ?, attempts = attempts + 1, "
            "step = '', done_steps = 0, total_steps = 0 WHERE id = ?",
            (worker, now(), row["id"]),
        )
        move(connection, row["study"], "running", user=SYSTEM)
        return _job(connection.execute(f"{_SELECT} WHERE id = ?", (row["id"],)).fetchone())


def beat(connection: sqlite3.Connection, job: Job, worker: str, step: str, done: int, total: int) -> bool:
    """A sign of life with the progress made; False when the job is no longer this worker's, who then must stop."""
    with transaction(connection):
        cursor = connection.execute(
            "UPDATE jobs SET beat_at = ?, step = ?, done_steps = ?, total_steps = ? "
            "WHERE id = ? AND worker = ? AND state = 'running'",
            (now(), step, done, total, job.id, worker),
        )
        return cursor.rowcount == 1


def require_own(connection: sqlite3.Connection, job: Job, worker: str) -> None:
    """Refuse to go on with a job that is no longer this worker's; call it inside a transaction.

    Raises:
        DataError: it is not.
    """
    own = "SELECT 1 FROM jobs WHERE id = ? AND worker = ? AND state = 'running'"
    if connection.execute(own, (job.id, worker)).fetchone() is None:
        raise DataError("job: found it with another worker; expected it still here; this reading is given up")


def finish(connection: sqlite3.Connection, job: Job, worker: str, state: str, *, reason: str = "") -> None:
    """End a job as "done" or "failed", the study with it; call it inside the transaction that stores the findings.

    Raises:
        DataError: the job is no longer this worker's; nothing of the transaction may remain.
    """
    require_own(connection, job, worker)
    connection.execute("UPDATE jobs SET state = ?, ended_at = ? WHERE id = ?", (state, now(), job.id))
    move(connection, job.study, state, user=SYSTEM, reason=reason)


def give_back(connection: sqlite3.Connection, job: Job, worker: str) -> None:
    """Queue a job again that its worker stops reading of its own accord; nothing happens when it is another's by now.

    It keeps its place, and the attempt does not count.
    """
    with transaction(connection):
        cursor = connection.execute(
            "UPDATE jobs SET state = 'queued', worker = NULL, attempts = attempts - 1 "
            "WHERE id = ? AND worker = ? AND state = 'running'",
            (job.id, worker),
        )
        if cursor.rowcount == 1:
            move(connection, job.study, "queued", user=SYSTEM)


def take_back_silent(connection: sqlite3.Connection, silent_s: float = SILENT_S) -> list[int]:
    """Queue the jobs again whose worker has been silent; those that silenced MAX_ATTEMPTS workers fail.

    Returns:
        Numbers of the jobs taken back.
    """
    limit = text_of(datetime.now(UTC) - timedelta(seconds=silent_s))
    with transaction(connection):
        rows = connection.execute(f"{_SELECT} WHERE state = 'running' AND beat_at < ? ORDER BY id", (limit,)).fetchall()
        for row in rows:
            given_up = row["attempts"] >= MAX_ATTEMPTS
            state = "failed" if given_up else "queued"
            connection.execute(
                "UPDATE jobs SET state = ?, worker = NULL, ended_at = ? WHERE id = ?",
                (state, now() if given_up else None, row["id"]),
            )
            move(connection, row["study"], state, user=SYSTEM, reason=_GIVEN_UP if given_up else "")
    return [row["id"] for row in rows]


def open_jobs(connection: sqlite3.Connection) -> Sequence[Job]:
    """What is queued or being read, in the order in which it will be."""
    rows = connection.execute(f"{_SELECT} WHERE state IN ('running', 'queued') ORDER BY state = 'queued', id")
    return [_job(row) for row in rows.fetchall()]


_GIVEN_UP = f"reading ended {MAX_ATTEMPTS} times without a word; the machine may lack memory"

_SELECT = "SELECT id, study, state, attempts, step, done_steps, total_steps, queued_at FROM jobs"


def _job(row: sqlite3.Row) -> Job:
    return Job(**dict(row))
