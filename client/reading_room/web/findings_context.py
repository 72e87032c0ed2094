"""What the findings beside the viewer are rendered from."""

import sqlite3
from typing import Any

from client.reading_room.access.sessions import Session
from client.reading_room.pairs import gather
from client.reading_room.panel.check_rows import checks_of
from client.reading_room.panel.earlier import earlier_of
from client.reading_room.panel.influence import influence_of, tasks_of
from client.reading_room.panel.layers import layers_of
from client.reading_room.panel.model_facts import model_facts_of
from client.reading_room.panel.sizes import sizes_of
from client.reading_room.panel.states import has_tumour, states_of, status_of
from client.reading_room.panel.suggestion import suggestion_of
from client.reading_room.panel.words import FINDING_TITLES, titled
from client.reading_room.record import Record
from client.reading_room.room import Room


def findings_context(connection: sqlite3.Connection, room: Room, record: Record, session: Session) -> dict[str, Any]:
    """One entry, "findings", with everything that the panel shows."""
    document = record.document
    pairs = gather(connection, room, phantoms=record.study.source == "phantom").pairs
    open_ = {**document["not_assessable"], **document["abstained"]}
    return {
        "findings": {
            "status": status_of(record),
            "states": states_of(record),
            "has_tumour": has_tumour(document),
            "suggestion": suggestion_of(record, pairs),
            "layers": layers_of(record),
            "sizes": sizes_of(document["measures"]),
            "influence": influence_of(document),
            "influence_tasks": tasks_of(document),
            "not_assessable": [(titled(FINDING_TITLES, name), reason) for name, reason in open_.items()],
            "checks": checks_of(document["checks"]),
            "earlier": earlier_of(connection, room, record),
            "facts": model_facts_of(room.model, document),
        }
    }
