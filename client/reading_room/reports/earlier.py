"""The comparison with earlier studies of the same patient, as reports show it."""

import sqlite3
from dataclasses import dataclass

from client.reading_room.record import Record, open_record
from client.reading_room.room import Room
from client.reading_room.store.studies import Study, studies_of
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
    past = _past(connection, record)
    usable, days = [], []
    reasons: list[str] = []
    for study in past:
        try:
            now = measures_from(record.document["measures"])
            measures = measures_from(open_record(connection, room, study.id).document["measures"])
        except DataError:
            continue  # not read yet, changed, or of another release: the study's own page says which
        days.append(study.study_date or "")
        alone = compare([measures], now)
        if isinstance(alone, NotComparable):
            reasons += alone.reasons
        else:
            usable.append((days[-1], measures))
    if usable:
        return Earlier(comparison=compare([measures for _, measures in usable], now), baseline=usable[0][0])
    return Earlier(comparison=NotComparable(tuple(reasons)), baseline=days[0]) if days else None


def _past(connection: sqlite3.Connection, record: Record) -> list[Study]:
    """Studies of the same patient from earlier days, oldest first, without those whose reading was rejected."""
    today = record.study.study_date
    return [
        study
        for study in studies_of(connection, record.study.patient)
        if study.state != "rejected" and today and study.study_date and study.study_date < today
    ]
