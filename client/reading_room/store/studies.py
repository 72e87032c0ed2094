"""Studies of the worklist: one scan of one person, from what was uploaded to what a clinician signed.

    draft --queue--> queued --claim--> running --finish--> done --sign--> signed
                       ^                  |                  |
                       +---- asked again -+--fail--> failed  +--reject--> rejected

Only `MOVES` may happen; everything else is refused, whoever asks and however often.
"""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.revisions import newest_revision
from gmmas_core.types import SEQUENCES, DataError

MOVES: Mapping[str, tuple[str, ...]] = {
    "draft": ("queued",),
    "queued": ("running", "draft"),
    "running": ("done", "failed", "queued"),
    "failed": ("queued", "draft"),
    "done": ("signed", "rejected", "queued"),
    "signed": ("done",),
    "rejected": ("done",),
}
"""State -> states that may follow; a signature or rejection that is withdrawn opens the study again."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One file of a study.

    Attributes:
        file: its name within the study's folder.
        label: what the sender called it; shown inside the room, never logged.
        sequence: one of SEQUENCES, or None when it is not used.
        recognized_by: "name", "header", "content" or a user's name.
        sha256: of the file.
        dicom: number of the series among the originals from which it was made; None where it was no DICOM.
    """

    file: str
    label: str
    sequence: str | None
    recognized_by: str
    sha256: str
    dicom: int | None = None


@dataclass(frozen=True, kw_only=True)
class Study:
    """One row of the worklist; see the columns of `studies` in the first migration."""

    id: str
    patient: str
    study_date: str | None
    source: str
    state: str
    reason: str
    created_by: str
    created_at: str
    changed_at: str
    images: tuple[Image, ...]

    @property
    def sequences(self) -> tuple[str, ...]:
        """Those that will be read, in SEQUENCES' order."""
        present = {image.sequence for image in self.images}
        return tuple(sequence for sequence in SEQUENCES if sequence in present)


def new_id() -> str:
    """A name for a study that says nothing about it and cannot be guessed."""
    return secrets.token_hex(12)


def add_study(
    connection: sqlite3.Connection,
    *,
    study_id: str,
    patient: str,
    study_date: str | None,
    source: str,
    images: Sequence[Image],
    user: str,
) -> Study:
    """Put a new draft on the worklist; call it inside a transaction, after its files are in place.

    Args:
        connection: of `open_database`.
        study_id: of `new_id`.
        patient: pseudonym.
        study_date: YYYY-MM-DD, or None.
        source: "nifti", "dicom" or "phantom".
        images: at least one.
        user: who uploaded it.

    Raises:
        DataError: no image, or two for one sequence.
    """
    if not images:
        raise DataError("study: found no image; expected one to four; upload NIfTI files or a DICOM folder")
    _require_one_each({image.file: image.sequence for image in images})
    at = now()
    connection.execute(
        "INSERT INTO studies (id, patient, study_date, source, state, created_by, created_at, changed_at) "
        "VALUES (?, ?, ?, ?, 'draft', ?, ?, ?)",
        (study_id, patient, study_date, source, user, at, at),
    )
    connection.executemany(
        "INSERT INTO images (study, file, label, sequence, recognized_by, sha256, dicom) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(study_id, i.file, i.label, i.sequence, i.recognized_by, i.sha256, i.dicom) for i in images],
    )
    sequences = [image.sequence for image in images]
    audit.add_line(connection, at=at, user=user, action="uploaded", study=study_id, sequences=sequences)
    return read_study(connection, study_id)


def read_study(connection: sqlite3.Connection, study_id: str) -> Study:
    """One study.

    Raises:
        DataError: there is none of this id.
    """
    row = connection.execute("SELECT * FROM studies WHERE id = ?", (study_id,)).fetchone()
    if row is None:
        raise DataError("study: found none of this number; expected one of the worklist; go back to the worklist")
    return _study(connection, row)


def worklist(connection: sqlite3.Connection, *, limit: int = 200, before: str = "") -> list[Study]:
    """Newest change first.

    Args:
        connection: of `open_database`.
        limit: most rows.
        before: `changed_at` of the last row already shown, "" for the first page.
    """
    rows = connection.execute(
        "SELECT * FROM studies WHERE ? = '' OR changed_at < ? ORDER BY changed_at DESC, id LIMIT ?",
        (before, before, limit),
    )
    return [_study(connection, row) for row in rows.fetchall()]


def studies_of(connection: sqlite3.Connection, patient: str) -> list[Study]:
    """All studies of one person, oldest first; those without a date last."""
    rows = connection.execute(
        "SELECT * FROM studies WHERE patient = ? ORDER BY study_date IS NULL, study_date, created_at", (patient,)
    )
    return [_study(connection, row) for row in rows.fetchall()]


def name_sequences(
    connection: sqlite3.Connection, study_id: str, sequences: Mapping[str, str | None], user: str
) -> Study:
    """Correct which file is which sequence, before a study is read; call it inside a transaction.

    Args:
        connection: of `open_database`.
        study_id: a draft or a failed study.
        sequences: file -> sequence, or None for a file that is not to be used.
        user: who says so.

    Raises:
        DataError: another state, an unknown file or sequence, or two files for one sequence.
    """
    study = read_study(connection, study_id)
    if study.state not in ("draft", "failed"):
        raise DataError(f"study: found it {study.state}; expected a draft; sequences are named before a study is read")
    if newest_revision(connection, study_id) is not None:
        # Its revisions would speak of other images than they were made from.
        raise DataError("study: found findings of it already; expected none; upload it anew to name its sequences")
    known = {image.file: image.sequence for image in study.images}
    strange = sorted(set(sequences) - set(known))
    if strange or not set(sequences.values()) <= {None, *SEQUENCES}:
        raise DataError("study: found an unknown file or sequence; expected those of this study; reload the page")
    _require_one_each(known | dict(sequences))
    # Emptied first: exchanging two would break the rule of one file each half-way.
    for file in sequences:
        connection.execute("UPDATE images SET sequence = NULL WHERE study = ? AND file = ?", (study_id, file))
    for file, sequence in sequences.items():
        if sequence != known[file]:
            connection.execute(
                "UPDATE images SET sequence = ?, recognized_by = ? WHERE study = ? AND file = ?",
                (sequence, user, study_id, file),
            )
        else:
            connection.execute(
                "UPDATE images SET sequence = ? WHERE study = ? AND file = ?", (sequence, study_id, file)
            )
    audit.add_line(connection, at=now(), user=user, action="named sequences", study=study_id)
    return read_study(connection, study_id)


def remove_study(connection: sqlite3.Connection, study_id: str, user: str) -> None:
    """Take a study off the worklist; its line in the audit stays. Call it inside a transaction, then remove its folder.

    Raises:
        DataError: it is queued, being read or signed.
    """
    study = read_study(connection, study_id)
    if study.state not in ("draft", "failed", "done", "rejected"):
        raise DataError(f"study: found it {study.state}; expected one that is neither waiting nor signed; leave it")
    connection.execute("DELETE FROM studies WHERE id = ?", (study_id,))
    audit.add_line(connection, at=now(), user=user, action="removed", study=study_id)


def move(connection: sqlite3.Connection, study_id: str, state: str, *, user: str, reason: str = "") -> None:
    """Bring a study into its next state, with a line in the audit; call it inside a transaction.

    Raises:
        DataError: the study is in a state from which it does not go there.
    """
    present = read_study(connection, study_id).state
    if state not in MOVES[present]:
        raise DataError(
            f"study: found it {present}; expected {_those_before(state)}; somebody else may have been faster: reload"
        )
    at = now()
    connection.execute(
        "UPDATE studies SET state = ?, reason = ?, changed_at = ? WHERE id = ?", (state, reason, at, study_id)
    )
    audit.add_line(connection, at=at, user=user, action=state, study=study_id)


def _those_before(state: str) -> str:
    return " or ".join(before for before, after in MOVES.items() if state in after)


def _require_one_each(sequences: Mapping[str, str | None]) -> None:
    used = [sequence for sequence in sequences.values() if sequence is not None]
    twice = sorted({sequence for sequence in used if used.count(sequence) > 1})
    if twice:
        raise DataError(f"study: found {', '.join(twice)} more than once; expected one file each; leave one out")


def _study(connection: sqlite3.Connection, row: sqlite3.Row) -> Study:
    images = connection.execute(
        "SELECT file, label, sequence, recognized_by, sha256, dicom FROM images WHERE study = ? ORDER BY file",
        (row["id"],),
    )
    return Study(**dict(row), images=tuple(Image(**dict(image)) for image in images))
