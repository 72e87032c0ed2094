"""A clinician's own labels beside the model's answers: a new revision of the same outline and measures."""

import os
import sqlite3
from collections.abc import Mapping
from typing import Any

from client.reading_room.reading.revise import correctors, discard, drafting, publish
from client.reading_room.record import FINDINGS, Record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import MAX_NOTE
from client.reading_room.store.revisions import Revision, add_revision, newest_revision
from client.reading_room.store.studies import read_study
from gmmas_core.types import DataError, Task


def relabel(
    connection: sqlite3.Connection, room: Room, record: Record, labels: Mapping[Task, int], user: str, note: str = ""
) -> Revision:
    """Add a revision with a clinician's labels; those given before are replaced, the model's probabilities stay.

    Args:
        connection: outside of a transaction.
        room: of the study.
        record: with the revision that the clinician saw.
        labels: task -> class; a task that is absent has no label of a clinician.
        user: who says so.
        note: why.

    Raises:
        DataError: a class that does not exist, nothing that changes, a study that is not open, or a newer revision.
    """
    before = record.document["corrected"]
    corrected = {
        "by": correctors(before, user),
        "mask": bool(before and before["mask"]),
        "labels": _checked(labels, note),
        "from_revision": record.revision.number,
        "note": note.strip(),
    }
    if corrected["labels"] == (before["labels"] if before else {}):
        raise DataError("labels: found the same as before; expected a change; nothing to do")
    _require_open(connection, record)
    with drafting(room.studies, record.study.id) as draft:
        for file in record.folder.iterdir():
            if file.name != FINDINGS:
                os.link(file, draft.folder / file.name)  # no revision's file is ever changed
        is_corrected = corrected["mask"] or corrected["labels"]
        published = publish(draft, {**record.document, "corrected": corrected if is_corrected else None})
    try:
        with transaction(connection):
            _require_open(connection, record)
            return add_revision(
                connection,
                study_id=record.study.id,
                author=user,
                model_id=record.revision.model_id,
                folder=published.folder,
                sha256=published.sha256,
            )
    except BaseException:
        discard(room.studies, record.study.id, published)
        raise


def _checked(labels: Mapping[Task, int], note: str) -> dict[str, int]:
    if any(label not in (0, 1) for label in labels.values()):
        raise DataError("labels: found a class that does not exist; expected 0 or 1; choose one")
    if labels.get(Task.IDH) == 0 and labels.get(Task.CODEL) == 1:
        raise DataError(
            "labels: found IDH wildtype together with 1p/19q codeleted; expected codeletion only with a mutation; "
            "correct one of them"
        )
    if len(note) > MAX_NOTE:
        raise DataError(f"note: found {len(note)} characters; expected at most {MAX_NOTE}; shorten it")
    return {task.value: labels[task] for task in Task if task in labels}


def _require_open(connection: sqlite3.Connection, record: Record) -> None:
    state = read_study(connection, record.study.id).state
    if state != "done":
        raise DataError(f"study: found it {state}; expected it read and undecided; withdraw the decision first")
    newest = newest_revision(connection, record.study.id)
    if newest is None or newest.number != record.revision.number:
        raise DataError("study: found a newer revision than the one on your screen; expected that one; reload it")


def labels_of(document: Mapping[str, Any]) -> dict[Task, int]:
    """The clinician's labels in a document."""
    corrected = document["corrected"]
    return {Task(name): int(label) for name, label in corrected["labels"].items()} if corrected else {}
