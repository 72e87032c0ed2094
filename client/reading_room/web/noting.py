"""The audit's line of whatever somebody is shown or takes along of a study, in a transaction of its own."""

import sqlite3

from client.reading_room.access.sessions import Session
from client.reading_room.record import Record
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction


def note(connection: sqlite3.Connection, session: Session, record: Record, action: str, **details: object) -> None:
    """Write the line before the answer is sent.

    Args:
        connection: of the request.
        session: of who asks.
        record: the study with the revision that is shown.
        action: what is done, e.g. "viewed".
        details: JSON-able; never what a text says, or an identifier of a person.
    """
    with transaction(connection):
        audit.add_line(
            connection,
            at=now(),
            user=session.user.name,
            action=action,
            study=record.study.id,
            revision=record.revision.number,
            **details,
        )
