"""Reports as pages and as PDF: who may have which, with a line in the audit for each view and each download."""

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse, Response

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.record import Record, open_record
from client.reading_room.reports.compose import LANGUAGES, compose_clinician, compose_patient
from client.reading_room.reports.content import Report
from client.reading_room.reports.earlier import earlier_of
from client.reading_room.reports.fonts import path_of
from client.reading_room.reports.html import Around, to_html
from client.reading_room.reports.patient import require_released
from client.reading_room.reports.pdf import to_pdf
from client.reading_room.web.noting import note
from client.reading_room.web.visitor import Database, TheRoom, may
from gmmas_core.diagnosis import Requester
from gmmas_core.types import DataError

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Session, Depends(may("view"))]
Language = Annotated[Literal["en", "de", "zh"], Query()]
Figures = Annotated[Literal["", "clinician", "patient_through_clinician"], Query()]


@router.get("/report-fonts/{name}.ttf")
def report_font(name: Literal["regular", "bold"]) -> FileResponse:
    """A font of the reports."""
    return FileResponse(path_of(name), media_type="font/ttf", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/studies/{study_id}/report/clinician", response_class=HTMLResponse)
def clinician_page(
    connection: Database,
    room: TheRoom,
    session: Viewer,
    study_id: str,
    language: Language = "en",
    figures: Figures = "",
) -> str:
    """The clinician's report as a page."""
    record = _whole(connection, room, study_id)
    report = _clinician(connection, room, record, session, language, figures)
    note(connection, session, record, "viewed report", report="clinician", language=language, figures=figures)
    return to_html(report, _around(study_id, "clinician", language, figures))


@router.get("/studies/{study_id}/report/clinician.pdf")
def clinician_pdf(
    connection: Database,
    room: TheRoom,
    session: Viewer,
    study_id: str,
    language: Language = "en",
    figures: Figures = "",
) -> Response:
    """The clinician's report as PDF."""
    record = _whole(connection, room, study_id)
    report = _clinician(connection, room, record, session, language, figures)
    content = to_pdf(report)
    _note_download(connection, session, record, content, report="clinician", language=language, figures=figures)
    return _download(content, "clinician", language)


@router.get("/studies/{study_id}/report/patient", response_class=HTMLResponse)
def patient_page(connection: Database, room: TheRoom, session: Viewer, study_id: str, language: Language = "en") -> str:
    """The patient's report as a page; before its release only for clinicians, and marked."""
    record = _whole(connection, room, study_id)
    report, is_released = _patient(room, record, session, language)
    note(connection, session, record, "viewed report", report="patient", language=language, released=is_released)
    return to_html(report, _around(study_id, "patient", language, ""))


@router.get("/studies/{study_id}/report/patient.pdf")
def patient_pdf(
    connection: Database, room: TheRoom, session: Viewer, study_id: str, language: Language = "en"
) -> Response:
    """The patient's report as PDF; before its release only for clinicians, and marked."""
    record = _whole(connection, room, study_id)
    report, is_released = _patient(room, record, session, language)
    content = to_pdf(report)
    _note_download(connection, session, record, content, report="patient", language=language, released=is_released)
    return _download(content, "patient", language)


def _whole(connection: Database, room: TheRoom, study_id: str) -> Record:
    """A study of which there is more than a first look: a report that lacks what still runs would not say so.

    Raises:
        DataError: there is no more, or nothing yet.
    """
    record = open_record(connection, room, study_id)
    if record.document["preliminary"]:
        raise DataError("report: found a first look of a reading that still runs; expected the whole reading; wait")
    return record


def _clinician(
    connection: Database, room: TheRoom, record: Record, session: Session, language: str, figures: str
) -> Report:
    earlier = earlier_of(connection, room, record)
    return compose_clinician(room, record, language, _requester(session, figures), earlier)


def _requester(session: Session, figures: str) -> Requester | None:
    """Who asked for published figures.

    Raises:
        HTTPException: 403, somebody who is no clinician asked.
    """
    if not figures:
        return None
    if session.user.role not in MAY["sign"]:
        raise HTTPException(403, "figures: found a role that may not ask for them; expected a clinician; ask one")
    return Requester(figures)


def _patient(room: TheRoom, record: Record, session: Session, language: str) -> tuple[Report, bool]:
    """The report, and whether it was released.

    Raises:
        HTTPException: 403, it was not, and the reader is no clinician.
    """
    try:
        require_released(record)
    except DataError as error:
        if session.user.role not in MAY["release"]:
            raise HTTPException(403, str(error)) from None
        return compose_patient(room, record, language), False
    return compose_patient(room, record, language), True


def _around(study_id: str, kind: str, language: str, figures: str) -> Around:
    asked = f"&figures={figures}" if figures else ""
    base = f"/studies/{study_id}/report/{kind}"
    return Around(
        case=f"/studies/{study_id}",
        pdf=f"{base}.pdf?language={language}{asked}",
        languages=tuple((each, f"{base}?language={each}{asked}") for each in LANGUAGES),
    )


def _note_download(connection: Database, session: Session, record: Record, content: bytes, **details: object) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    note(connection, session, record, "downloaded report", sha256=sha256, **details)


def _download(content: bytes, kind: str, language: str) -> Response:
    """A PDF under a name that says nothing of the study."""
    headers = {"Content-Disposition": f'attachment; filename="report-{kind}-{language}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
