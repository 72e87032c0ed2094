"""The comparison with earlier studies of the same patient, as reports show it."""

import sqlite3
from dataclasses import dataclass

from client.reading_room.record import Record, open_record
from client.reading_room.room import Room
from client.reading_room.store.studies import studies_of
from gmmas_core.measures import Comparison, compare, measures_from
from gmmas_core.measures.compare import NotComparable
from gmmas_core.types import DataError


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What changed since earlier studies.

    Attributes:
        comparison: the changes, or every reason why there are none.
        baseline: day of the first study compared, or of the first there is, ISO 8601.
    """

    comparison: Comparison | NotComparable
    baseline: str


def earlier_of(connection: sqlite3.Connection, room: Room, record: Record) -> Earlier | None:
    """The comparison with studies of earlier days that were read and not rejected; None where there is none."""
    today = record.study.study_date
    now = measures_from(record.document["measures"])
    usable, days = [], []
    reasons: list[str] = []
    for study in studies_of(connection, record.study.patient):
        day = study.study_date
        if study.id == record.study.id or study.state == "rejected" or not today or not day or day >= today:
            continue
        try:
            measures = measures_from(open_record(connection, room, study.id).document["measures"])
        except DataError:
            continue  # not read yet, or its files were changed: the study's own page says which
        days.append(day)
        alone = compare([measures], now)
        if isinstance(alone, NotComparable):
            reasons += alone.reasons
        else:
            usable.append((day, measures))
    if usable:
        return Earlier(comparison=compare([measures for _, measures in usable], now), baseline=usable[0][0])
    return Earlier(comparison=NotComparable(tuple(reasons)), baseline=days[0]) if days else None
