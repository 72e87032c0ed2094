"""Exports over the API: one file per kind, each with a line in the audit that holds its hash."""

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from client.reading_room.access.sessions import Session
from client.reading_room.exports.available import KINDS, file_name, require_possible
from client.reading_room.exports.fhir import fhir_file
from client.reading_room.record import Record, open_record
from client.reading_room.reports.compose import compose_clinician
from client.reading_room.reports.pdf import to_pdf
from client.reading_room.room import Room
from client.reading_room.web.noting import note
from client.reading_room.web.visitor import Database, TheRoom, may

router = APIRouter(prefix="/api/studies", tags=["exports"])
Exporter = Annotated[Session, Depends(may("export"))]
Name = Literal["seg.dcm", "sr.dcm", "fhir.json", "bids.zip", "csv", "json"]


@router.get(
    "/{study_id}/export/{name}",
    response_class=Response,
    responses={200: {"content": {kind.media_type.split(";")[0]: {} for kind in KINDS.values()}}},
)
def get_export(connection: Database, room: TheRoom, session: Exporter, study_id: str, name: Name) -> Response:
    """The newest reading of a study for another system; every kind is marked as research."""
    record = open_record(connection, room, study_id)
    require_possible(record, name)
    content = _with_report(room, record) if name == "fhir.json" else KINDS[name].make(record)
    note(connection, session, record, "exported", kind=name, sha256=hashlib.sha256(content).hexdigest())
    disposition = f'attachment; filename="{file_name(record, name)}"'
    return Response(content, media_type=KINDS[name].media_type, headers={"Content-Disposition": disposition})


def _with_report(room: Room, record: Record) -> bytes:
    """The FHIR bundle with the clinician's report in it."""
    return fhir_file(record, to_pdf(compose_clinician(room, record, "en", None)))
