"""Studies that the model read before pathology was entered, each beside what pathology then found.

Pathology cannot leak in: of each study the model's own last reading from before the first entry counts, whatever was
corrected or read again since. Of each patient the first study that has an answer of pathology counts, by the day of
the scan. Phantoms are kept apart from patients.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from client.reading_room.model_answers import Answers, answers_of
from client.reading_room.record import FINDINGS, REVISIONS, read_document
from client.reading_room.room import Room
from client.reading_room.store.pathology import pathology_of, tissue_findings
from client.reading_room.store.revisions import MODEL, revisions_of
from gmmas_core.diagnosis import Findings
from gmmas_core.types import DataError


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One study with both.

    Attributes:
        study, patient: their names in the room.
        answers: of the model, before pathology was entered.
        tissue: what pathology has said until now.
        is_rejected: whether a clinician rejected the reading.
    """

    study: str
    patient: str
    answers: Answers
    tissue: Findings
    is_rejected: bool


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """All studies with both, the earliest scan first.

    Attributes:
        pairs: studies that count.
        read_late: studies with pathology that the model read only afterwards, or never; they do not count.
        damaged: studies whose stored findings were changed outside of the room; they do not count.
    """

    pairs: Sequence[Pair]
    read_late: int
    damaged: int


def gather(connection: sqlite3.Connection, room: Room, *, phantoms: bool) -> Pairs:
    """Every study of patients, or of phantoms, that has both."""
    pairs: list[Pair] = []
    late = damaged = 0
    for row in connection.execute(_WITH_PATHOLOGY, (phantoms,)).fetchall():
        entries = pathology_of(connection, row["id"])
        if not entries:  # all taken back
            continue
        read = [each for each in revisions_of(connection, row["id"]) if each.author == MODEL]
        before = [each for each in read if each.created_at <= row["entered"]]
        if not before:
            late += 1
            continue
        path = room.studies / row["id"] / REVISIONS / before[-1].folder / FINDINGS
        try:
            answers = _read(path, before[-1].sha256)
        except DataError:
            damaged += 1
            continue
        tissue = tissue_findings(entries)
        is_rejected = row["state"] == "rejected"
        pairs.append(
            Pair(study=row["id"], patient=row["patient"], answers=answers, tissue=tissue, is_rejected=is_rejected)
        )
    return Pairs(pairs=pairs, read_late=late, damaged=damaged)


def first_of_each(pairs: Sequence[Pair], counts: Sequence[bool]) -> Iterator[Pair]:
    """Of each patient the first pair that counts."""
    seen = set()
    for pair, does_count in zip(pairs, counts, strict=True):
        if does_count and pair.patient not in seen:
            seen.add(pair.patient)
            yield pair


_WITH_PATHOLOGY = """
SELECT s.id, s.patient, s.state, min(p.at) AS entered
FROM studies s JOIN pathology p ON p.study = s.id
WHERE (s.source = 'phantom') = ?
GROUP BY s.id ORDER BY s.study_date IS NULL, s.study_date, s.created_at, s.id
"""


@lru_cache(maxsize=4096)
def _read(path: Path, sha256: str) -> Answers:
    """The answers of one stored document; a file that is there with this hash never changes.

    Raises:
        DataError: it is gone or was changed.
    """
    return answers_of(read_document(path, sha256))
