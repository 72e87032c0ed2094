"""What the documents card of a study's page shows: reports by language, and whether the patient's is out."""

import sqlite3
from typing import Any

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.record import Record
from client.reading_room.reports.compose import LANGUAGES
from client.reading_room.reports.html import LANGUAGE_NAMES
from client.reading_room.reports.patient import require_released
from client.reading_room.room import Room
from gmmas_core.diagnosis import Requester, population_figures
from gmmas_core.types import DataError


def documents_context(_connection: sqlite3.Connection, _room: Room, record: Record, session: Session) -> dict[str, Any]:
    """What `case_documents.html` shows, under the one name `documents`."""
    is_released = _is_released(record)
    role, study = session.user.role, record.study.id
    figures = population_figures(record.diagnosis, requested_by=Requester.CLINICIAN) if role in MAY["sign"] else ()
    return {
        "documents": {
            "languages": [(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
            "clinician": f"/studies/{study}/report/clinician",
            "patient": f"/studies/{study}/report/patient",
            "is_released": is_released,
            "release": record.release if is_released else None,
            "may_preview": role in MAY["release"],
            "has_figures": bool(figures),
        }
    }


def _is_released(record: Record) -> bool:
    try:
        require_released(record)
    except DataError:
        return False
    return True
