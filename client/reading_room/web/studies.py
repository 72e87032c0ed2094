"""Studies over the API: list, name sequences, ask for a reading."""

import shutil
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from client.reading_room.access.sessions import Session
from client.reading_room.store import jobs
from client.reading_room.store.database import transaction
from client.reading_room.store.studies import Study, name_sequences, read_study, remove_study, worklist
from client.reading_room.web.visitor import Database, TheRoom, may
from gmmas_core.types import DISCLAIMER

router = APIRouter(prefix="/api/studies", tags=["studies"])
Viewer = Annotated[Session, Depends(may("view"))]
Reader = Annotated[Session, Depends(may("read"))]
Remover = Annotated[Session, Depends(may("remove"))]
Sequence = Literal["t1", "t1c", "t2", "flair"]


class ImageAnswer(BaseModel):
    """One file of a study."""

    file: str
    label: str
    sequence: str | None
    recognized_by: str


class StudyAnswer(BaseModel):
    """One row of the worklist."""

    id: str
    patient: str
    study_date: str | None
    source: str
    state: str
    reason: str
    created_by: str
    created_at: str
    changed_at: str
    images: list[ImageAnswer]
    notice: str = DISCLAIMER


def study_answer(study: Study) -> StudyAnswer:
    """A study as the API gives it."""
    images = [
        ImageAnswer(file=each.file, label=each.label, sequence=each.sequence, recognized_by=each.recognized_by)
        for each in study.images
    ]
    fields = {name: getattr(study, name) for name in StudyAnswer.model_fields if name not in ("images", "notice")}
    return StudyAnswer(**fields, images=images)


@router.get("")
def list_studies(
    connection: Database,
    _: Viewer,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    before: Annotated[str, Query(max_length=40)] = "",
) -> list[StudyAnswer]:
    """The worklist, newest change first."""
    return [study_answer(study) for study in worklist(connection, limit=limit, before=before)]


@router.get("/{study_id}")
def get_study(connection: Database, _: Viewer, study_id: str) -> StudyAnswer:
    """One study."""
    return study_answer(read_study(connection, study_id))


@router.put("/{study_id}/sequences")
def set_sequences(
    connection: Database, session: Reader, study_id: str, sequences: dict[str, Sequence | None]
) -> StudyAnswer:
    """Say which file is which sequence, before the study is read."""
    with transaction(connection):
        return study_answer(name_sequences(connection, study_id, sequences, session.user.name))


@router.post("/{study_id}/readings", status_code=202)
def ask_for_reading(connection: Database, session: Reader, study_id: str) -> StudyAnswer:
    """Put a study into the queue."""
    jobs.enqueue(connection, study_id, session.user.name)
    return study_answer(read_study(connection, study_id))


@router.delete("/{study_id}", status_code=204)
def remove(connection: Database, room: TheRoom, session: Remover, study_id: str) -> None:
    """Remove a study that nobody has signed and that is not being read, with all its files."""
    with transaction(connection):
        remove_study(connection, study_id, session.user.name)
    shutil.rmtree(room.studies / study_id, ignore_errors=True)
