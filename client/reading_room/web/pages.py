"""The pages that a person opens; what they change goes through the API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from client.reading_room.access.sessions import Session
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.store.jobs import open_jobs
from client.reading_room.store.studies import read_study, worklist
from client.reading_room.web import templates
from client.reading_room.web.visitor import Database, may
from gmmas_core.types import SEQUENCES

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Session, Depends(may("view"))]
Before = Annotated[str, Query(max_length=40, description="Change of the last study already shown.")]

PER_PAGE = 200


@router.get("/", response_class=HTMLResponse)
def worklist_page(request: Request, connection: Database, session: Viewer, before: Before = "") -> str:
    """All studies, newest change first."""
    return templates.page("worklist.html", request, session, **_rows(connection, before))


@router.get("/worklist-rows", response_class=HTMLResponse)
def worklist_rows(request: Request, connection: Database, session: Viewer, before: Before = "") -> str:
    """The table alone, for a page that keeps itself current."""
    return templates.page("worklist_rows.html", request, session, **_rows(connection, before))


@router.get("/studies/{study_id}/sequences", response_class=HTMLResponse)
def sequences_page(request: Request, connection: Database, session: Viewer, study_id: str) -> str:
    """Which file is which sequence, before a study is read."""
    study = read_study(connection, study_id)
    with transaction(connection):
        audit.add_line(connection, at=now(), user=session.user.name, action="viewed", study=study_id)
    return templates.page("sequences.html", request, session, study=study, sequences=SEQUENCES)


def _rows(connection: Database, before: str) -> dict[str, object]:
    jobs = {job.study: job for job in open_jobs(connection)}
    found = worklist(connection, limit=PER_PAGE + 1, before=before)
    shown = found[:PER_PAGE]
    return {
        "studies": shown,
        "jobs": jobs,
        "waiting": {study: n for n, study in enumerate(jobs)},
        "before": before,
        "older": shown[-1].changed_at if len(found) > PER_PAGE else "",
    }
