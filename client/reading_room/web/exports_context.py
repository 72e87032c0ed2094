"""What the case page shows of exports."""

import sqlite3
from typing import Any

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.exports.available import available
from client.reading_room.record import Record
from client.reading_room.room import Room


def exports_context(connection: sqlite3.Connection, room: Room, record: Record, session: Session) -> dict[str, Any]:
    """`exports`: name, title and refusal ("" where possible) of each kind; none for somebody who may not export.

    A link is `/api/studies/{study}/export/{name}`.
    """
    allowed = session.user.role in MAY["export"]
    return {"exports": available(record) if allowed else ()}
