"""The page of one study: viewer, findings, decisions, narrative and documents, each from its own template."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from client.reading_room.access.sessions import Session
from client.reading_room.record import open_record
from client.reading_room.store.revisions import newest_revision
from client.reading_room.store.studies import read_study
from client.reading_room.web import templates
from client.reading_room.web.decisions_context import decisions_context
from client.reading_room.web.documents_context import documents_context
from client.reading_room.web.exports_context import exports_context
from client.reading_room.web.findings_context import findings_context
from client.reading_room.web.narrative_context import narrative_context
from client.reading_room.web.noting import note
from client.reading_room.web.viewer_context import viewer_context
from client.reading_room.web.visitor import Database, TheRoom, may

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Session, Depends(may("view"))]


@router.get("/studies/{study_id}", response_class=HTMLResponse)
def case_page(request: Request, connection: Database, room: TheRoom, session: Viewer, study_id: str) -> Response:
    """A study that has been read; one that has not leads to its sequences."""
    study = read_study(connection, study_id)
    if newest_revision(connection, study_id) is None:
        return RedirectResponse(f"/studies/{study.id}/sequences", status_code=303)
    record = open_record(connection, room, study_id)
    note(connection, session, record, "viewed")
    content = {
        "record": record,
        "study": study,
        "document": record.document,
        **findings_context(connection, room, record, session),
        **decisions_context(connection, room, record, session),
        **exports_context(connection, room, record, session),
        **documents_context(connection, room, record, session),
        **viewer_context(connection, room, record, session),
        **narrative_context(connection, room, record, session),
    }
    return HTMLResponse(templates.page("case.html", request, session, **content))
