"""What the forms of decisions, labels, pathology and contribution are rendered from."""

import sqlite3
from typing import Any

from client.reading_room.access.sessions import Session
from client.reading_room.contributions.case_files import content_of
from client.reading_room.contributions.give import Contribution, contribution_of
from client.reading_room.panel.words import CLASS_TITLES, TASK_TITLES
from client.reading_room.reading.relabel import labels_of
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.store.decisions import MAX_NOTE, decisions_of
from client.reading_room.store.pathology import VALUES
from client.reading_room.store.revisions import MODEL, Revision, revisions_of
from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DataError, Task

KINDS = {
    "signed": "signed",
    "rejected": "rejected",
    "withdrawn": "withdrew the decision",
    "released": "released the patient's report",
}


def decisions_context(connection: sqlite3.Connection, room: Room, record: Record, session: Session) -> dict[str, Any]:
    """One entry, "decide", with everything that the forms show."""
    labels, given = labels_of(record.document), contribution_of(room, record.study)
    return {
        "decide": {
            "left_behind": _left_behind(connection, record),
            "checks_failed": record.document["verdict"] == "fail",
            "longest": MAX_NOTE,
            "labels": [
                {
                    "task": task.value,
                    "title": TASK_TITLES[task],
                    "classes": CLASS_TITLES[task],
                    "chosen": labels.get(task),
                }
                for task in Task
            ],
            "markers": [_marker(marker, record) for marker in Marker if marker in VALUES],
            "contribution": given,
            "outdated": given is not None and _is_outdated(record, given),
            "contributed": [] if given is None else _contributed(given),
            "history": _history(connection, record),
        }
    }


def _marker(marker: Marker, record: Record) -> dict[str, Any]:
    entry = record.pathology.get(marker)
    return {
        "id": marker.value,
        "title": text(f"marker.{marker}"),
        "values": [(value, value_words(marker, value)) for value in VALUES[marker]],
        "entry": entry,
        "words": "" if entry is None else value_words(marker, entry.value),
    }


def value_words(marker: Marker, value: str) -> str:
    """A stored value of a marker as the catalogue writes it."""
    if marker is Marker.GRADE:
        return value
    kind = "alteration" if value in ("present", "absent") else marker.value
    return text(f"value.{kind}.{value}")


def _contributed(given: Contribution) -> list[str]:
    """The labels of a contribution, each with its source."""
    return [
        f"{TASK_TITLES[Task(task)]} {label['class'].replace('_', ' ')} ({label['source']})"
        for task, label in given.labels.items()
    ]


def _left_behind(connection: sqlite3.Connection, record: Record) -> Revision | None:
    """The correction that another reading has put aside since."""
    if record.revision.author != MODEL:
        return None
    corrected = [each for each in revisions_of(connection, record.study.id) if each.author != MODEL]
    return corrected[-1] if corrected else None


def _is_outdated(record: Record, given: Contribution) -> bool:
    """Whether results came or went since the case was given."""
    try:
        return content_of(record).labels() != given.labels
    except DataError:  # nothing to learn from is left
        return True


def _history(connection: sqlite3.Connection, record: Record) -> list[dict[str, str]]:
    """Readings, corrections and decisions, the newest first."""
    read = [
        {
            "at": each.created_at,
            "who": each.author,
            "what": f"{'read' if each.author == MODEL else 'corrected'}: revision {each.number}",
            "note": "",
        }
        for each in revisions_of(connection, record.study.id)
    ]
    decided = [
        {"at": each.at, "who": each.user, "what": f"{KINDS[each.kind]}: revision {each.revision}", "note": each.note}
        for each in decisions_of(connection, record.study.id)
    ]
    return sorted([*read, *decided], key=lambda line: line["at"], reverse=True)
