"""What clinicians decided: signature, rejection, either withdrawn, and the release of the patient's report.

Every decision names the revision that the clinician saw; when somebody revised the study meanwhile it is refused.
"""

import sqlite3
from dataclasses import dataclass

from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.revisions import newest_revision
from client.reading_room.store.studies import move
from gmmas_core.types import DataError

SIGNED, REJECTED, WITHDRAWN, RELEASED = "signed", "rejected", "withdrawn", "released"
MAX_NOTE = 2000


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One line of `decisions`.

    Attributes:
        id: number.
        study: id.
        revision: that was decided on.
        kind: "signed", "rejected", "withdrawn" or "released".
        user: who decided.
        note: why; shown inside the room only.
        at: UTC.
    """

    id: int
    study: str
    revision: int
    kind: str
    user: str
    note: str
    at: str


def sign(connection: sqlite3.Connection, study_id: str, user: str, revision: int) -> None:
    """Sign what was found; call it inside a transaction.

    Raises:
        DataError: the study is not "done", or has a newer revision.
    """
    _require_newest(connection, study_id, revision)
    move(connection, study_id, "signed", user=user)
    _add(connection, study_id, revision, SIGNED, user, "")


def reject(connection: sqlite3.Connection, study_id: str, user: str, revision: int, note: str) -> None:
    """Reject what was found; call it inside a transaction.

    Raises:
        DataError: no reason is given, the study is not "done", or has a newer revision.
    """
    if not note.strip() or len(note) > MAX_NOTE:
        raise DataError(f"reason: found {len(note)} characters; expected 1 to {MAX_NOTE}; say why it is rejected")
    _require_newest(connection, study_id, revision)
    move(connection, study_id, "rejected", user=user, reason=note.strip())
    _add(connection, study_id, revision, REJECTED, user, note.strip())


def withdraw(connection: sqlite3.Connection, study_id: str, user: str) -> None:
    """Open a signed or rejected study again; a release ends with its signature. Call it inside a transaction.

    Raises:
        DataError: nothing stands that could be withdrawn.
    """
    decision = standing(connection, study_id)
    if decision is None:
        raise DataError("study: found no signature and no rejection; expected one; there is nothing to withdraw")
    move(connection, study_id, "done", user=user)
    _add(connection, study_id, decision.revision, WITHDRAWN, user, "")


def release(connection: sqlite3.Connection, study_id: str, user: str, revision: int | None = None) -> None:
    """Release the patient's report of the signed revision; call it inside a transaction.

    Args:
        connection: of `open_database`.
        study_id: of a signed study.
        user: who releases.
        revision: that the user saw; None for whichever is signed.

    Raises:
        DataError: the study is not signed, another revision is, or its report is released already.
    """
    decision = standing(connection, study_id)
    if decision is None or decision.kind != SIGNED:
        raise DataError("patient's report: found a study that is not signed; expected a signature; sign it first")
    if revision not in (None, decision.revision):
        raise DataError(
            f"patient's report: found revision {decision.revision} signed; expected {revision}, the one on your "
            "screen; reload it and read it again"
        )
    if release_of(connection, study_id) is not None:
        raise DataError("patient's report: found it released already; expected a report that is not; nothing to do")
    _add(connection, study_id, decision.revision, RELEASED, user, "")
    audit.add_line(connection, at=now(), user=user, action="released", study=study_id, revision=decision.revision)


def decisions_of(connection: sqlite3.Connection, study_id: str) -> list[Decision]:
    """Everything that was decided, oldest first."""
    rows = connection.execute(
        "SELECT id, study, revision, kind, user, note, at FROM decisions WHERE study = ? ORDER BY id", (study_id,)
    )
    return [Decision(**dict(row)) for row in rows.fetchall()]


def standing(connection: sqlite3.Connection, study_id: str) -> Decision | None:
    """The signature or rejection that stands; None where there is none or it was withdrawn."""
    made = [each for each in decisions_of(connection, study_id) if each.kind != RELEASED]
    return made[-1] if made and made[-1].kind != WITHDRAWN else None


def release_of(connection: sqlite3.Connection, study_id: str) -> Decision | None:
    """The release that stands with the standing signature; results on tissue that come later change what the patient
    reads, so that they end it."""
    decision = standing(connection, study_id)
    after = [each for each in decisions_of(connection, study_id) if decision is not None and each.id > decision.id]
    told = connection.execute("SELECT max(at) FROM pathology WHERE study = ?", (study_id,)).fetchone()[0] or ""
    return next((each for each in after if each.kind == RELEASED and each.at >= told), None)


def _require_newest(connection: sqlite3.Connection, study_id: str, revision: int) -> None:
    newest = newest_revision(connection, study_id)
    if newest is None or newest.number != revision:
        raise DataError(
            f"study: found another revision than {revision} as the newest; expected the one on your screen; reload it"
        )


def _add(connection: sqlite3.Connection, study_id: str, revision: int, kind: str, user: str, note: str) -> None:
    connection.execute(
        "INSERT INTO decisions (study, revision, kind, user, note, at) VALUES (?, ?, ?, ?, ?, ?)",
        (study_id, revision, kind, user, note, now()),
    )
