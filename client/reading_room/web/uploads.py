"""Uploading over the API: begin, send each file as the body of a request, then make a study of them."""

import re
from datetime import date
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from client.reading_room.access.sessions import Session
from client.reading_room.room import Room
from client.reading_room.uploads.desk import UploadDesk
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import look_through
from client.reading_room.web.studies import StudyAnswer, study_answer
from client.reading_room.web.visitor import TheRoom, may
from gmmas_core.types import DISCLAIMER, DataError

router = APIRouter(prefix="/api/uploads", tags=["uploads"])
Uploader = Annotated[Session, Depends(may("upload"))]
FileName = Annotated[str, Header(alias="X-File-Name", max_length=6000, description="Percent-encoded UTF-8.")]
"""Not in the address: people write names into names of files, and proxies keep addresses."""

PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class UploadAnswer(BaseModel):
    """An upload under way."""

    id: str
    notice: str = DISCLAIMER


class AboutStudy(BaseModel):
    """Whose study it is."""

    patient: str = Field(description="Pseudonym, the same for every study of one person; never a name.")
    study_date: date | None = Field(default=None, description="Day of the scan; else as DICOM headers say.")


class MadeStudy(StudyAnswer):
    """A new draft, and what of the upload was left out."""

    left_out: list[str]


def the_desk(request: Request) -> UploadDesk:
    """The uploads of this application."""
    desk: UploadDesk = request.app.state.desk
    return desk


Desk = Annotated[UploadDesk, Depends(the_desk)]


@router.post("", status_code=201)
def begin(desk: Desk, session: Uploader) -> UploadAnswer:
    """Begin an upload."""
    return UploadAnswer(id=desk.begin(session.user.name))


@router.put("/{upload}/files", status_code=201)
async def send_file(request: Request, desk: Desk, session: Uploader, upload: str, name: FileName) -> UploadAnswer:
    """Send one file as the body: NIfTI, DICOM or a zip of either."""
    await desk.receive(upload, session.user.name, unquote(name, errors="replace"), request.stream())
    return UploadAnswer(id=upload)


@router.post("/{upload}/study", status_code=201)
async def finish(room: TheRoom, desk: Desk, session: Uploader, upload: str, about: AboutStudy) -> MadeStudy:
    """Make a draft of the files sent. When they cannot be used, nothing of them is kept and the upload has ended.

    A pseudonym that cannot be used ends nothing: send another. Neither does a file that is still arriving.
    """
    if not PSEUDONYM.fullmatch(about.patient):
        raise DataError(
            "patient: found no pseudonym; expected up to 40 letters, digits, dots or dashes; give one, and never a name"
        )
    return await run_in_threadpool(_make_study, room, desk, upload, about, session.user.name)


@router.delete("/{upload}", status_code=204)
def give_up(desk: Desk, session: Uploader, upload: str) -> None:
    """Take an upload back."""
    desk.drop(upload, session.user.name)


def _make_study(room: Room, desk: UploadDesk, upload: str, about: AboutStudy, user: str) -> MadeStudy:
    day = about.study_date.isoformat() if about.study_date else None
    sender = Sender(user=user, patient=about.patient, study_date=day)
    with desk.taken(upload, user) as (place, received), room.database() as connection:
        offers = look_through(received, place)
        study = take_in(connection, room.studies, offers, sender)
    return MadeStudy(**study_answer(study).model_dump(), left_out=list(offers.left_out))
