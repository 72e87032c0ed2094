"""Texts on a case over the API: a narrative for clinician or patient, and answers to questions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.record import Record, open_record
from client.reading_room.reports.patient import require_released
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.web.narrative_context import NarrativeAnswer, shown
from client.reading_room.web.noting import note
from client.reading_room.web.visitor import Database, TheRoom, may
from client.reading_room.writer.attempts import Attempt, Log
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.questions import LONGEST_QUESTION, answer_question
from client.reading_room.writer.write import write_narrative
from gmmas_core.types import DataError

router = APIRouter(prefix="/api/studies", tags=["texts"])
Viewer = Annotated[Session, Depends(may("view"))]
Audience = Literal["clinician", "patient"]
Language = Literal["en", "de", "zh"]

PENS = 2
"""Texts that a model writes at once; each keeps a thread waiting, and the pages need some too."""


class NarrativeWanted(BaseModel):
    """Which text is wanted."""

    audience: Audience = "clinician"
    language: Language = "en"
    by: Literal["template", "model"] = Field(default="template", description="Who shall try to write it.")


class QuestionAsked(BaseModel):
    """A question on a case. Never type a name, a number or a date of a person."""

    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    language: Language = "en"


@router.post("/{study_id}/narrative")
def write(
    request: Request, connection: Database, room: TheRoom, session: Viewer, study_id: str, wanted: NarrativeWanted
) -> NarrativeAnswer:
    """Tell a case; a model's text is shown only when all of it passed the checks, else the template's."""
    record = open_record(connection, room, study_id)
    if wanted.audience == "patient" and session.user.role not in MAY["release"]:
        _require_released(record)
    settings = room.writer if wanted.by == "model" else None
    note(connection, session, record, "viewed text", audience=wanted.audience, language=wanted.language)
    log = _log(connection, session, study_id, f"narrative for the {wanted.audience} in {wanted.language}")
    with _pen(request, is_needed=settings is not None):
        narrative = write_narrative(record, wanted.audience, wanted.language, settings, log)
    return shown(narrative, facts_of(record, wanted.language))


@router.post("/{study_id}/questions")
def ask(
    request: Request, connection: Database, room: TheRoom, session: Viewer, study_id: str, asked: QuestionAsked
) -> NarrativeAnswer:
    """Answer a question from the facts of a case, naming those that were used."""
    record = open_record(connection, room, study_id)
    note(connection, session, record, "asked a question", language=asked.language)
    log = _log(connection, session, study_id, f"answer in {asked.language}")
    with _pen(request, is_needed=room.writer is not None):
        narrative = answer_question(record, asked.question, asked.language, room.writer, log)
    return shown(narrative, facts_of(record, asked.language))


def _require_released(record: Record) -> None:
    try:
        require_released(record)
    except DataError as error:
        raise HTTPException(403, str(error)) from None


def _log(connection: sqlite3.Connection, session: Session, study_id: str, purpose: str) -> Log:
    """Writes each attempt with a model into the audit trail, in a transaction of its own."""

    def log(attempt: Attempt) -> None:
        with transaction(connection):
            audit.add_line(
                connection,
                at=now(),
                user=session.user.name,
                action="asked model",
                study=study_id,
                purpose=purpose,
                **attempt.plain(),
            )

    return log


@contextmanager
def _pen(request: Request, *, is_needed: bool) -> Iterator[None]:
    """One of the few that may wait for a model at a time.

    Raises:
        HTTPException: 429, all are taken.
    """
    if not is_needed:
        yield
        return
    pens = request.app.state.pens
    if not pens.acquire(blocking=False):
        raise HTTPException(429, f"model: found it writing {PENS} texts already; expected fewer; try again soon")
    try:
        yield
    finally:
        pens.release()
