"""What clinicians decide on a study over the API: sign, reject, withdraw, release, label, pathology, contribute."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from client.reading_room.access.sessions import Session
from client.reading_room.contributions.give import contribute, is_given, take_back
from client.reading_room.reading.relabel import relabel
from client.reading_room.record import Record, open_record
from client.reading_room.room import Room
from client.reading_room.store import decisions, pathology
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import MAX_NOTE
from client.reading_room.store.studies import read_study
from client.reading_room.web.studies import StudyAnswer, study_answer
from client.reading_room.web.visitor import Database, TheRoom, may
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DISCLAIMER, DataError, Task

router = APIRouter(prefix="/api/studies/{study_id}", tags=["decisions"])
Signer = Annotated[Session, Depends(may("sign"))]
Releaser = Annotated[Session, Depends(may("release"))]
Corrector = Annotated[Session, Depends(may("correct"))]
Pathologist = Annotated[Session, Depends(may("pathology"))]

Note = Annotated[str, Field(max_length=MAX_NOTE)]
Number = Annotated[int, Field(ge=1, le=2**31)]


class Signature(BaseModel):
    """A clinician stands by what was found."""

    revision: Number = Field(description="The one that the clinician saw.")
    checks_seen: bool = Field(default=False, description="Must be true where checks failed: the clinician saw them.")


class Release(BaseModel):
    """The patient may have the report."""

    revision: Number = Field(description="The one that the clinician saw.")


class Rejection(BaseModel):
    """A clinician does not stand by it."""

    revision: Number
    note: Note = Field(description="Why; shown inside the room only.")


class Labels(BaseModel):
    """A clinician's own classes; a task that is null or absent has none."""

    revision: Number
    labels: dict[Task, Literal[0, 1] | None]
    note: Note = ""


class ContributionAnswer(BaseModel):
    """What was given to the site's training data."""

    revision: int
    mask: str
    labels: dict[str, dict[str, str]]
    notice: str = DISCLAIMER


@router.post("/signature", status_code=201)
def sign(connection: Database, room: TheRoom, session: Signer, study_id: str, signature: Signature) -> StudyAnswer:
    """Sign the newest revision. Where checks failed, say that you have seen them."""
    record = open_record(connection, room, study_id)
    if record.document["verdict"] == "fail" and not signature.checks_seen:
        raise DataError("signature: found checks that failed; expected them to be seen; confirm that, or reject")
    with transaction(connection):
        decisions.sign(connection, study_id, session.user.name, signature.revision)
    return study_answer(read_study(connection, study_id))


@router.post("/rejection", status_code=201)
def reject(connection: Database, session: Signer, study_id: str, rejection: Rejection) -> StudyAnswer:
    """Reject the newest revision, with a reason."""
    with transaction(connection):
        decisions.reject(connection, study_id, session.user.name, rejection.revision, rejection.note)
    return study_answer(read_study(connection, study_id))


@router.post("/withdrawal", status_code=201)
def withdraw(connection: Database, room: TheRoom, session: Signer, study_id: str) -> StudyAnswer:
    """Open a signed or rejected study again. A release ends with it, and so does a contribution."""
    with transaction(connection):
        decisions.withdraw(connection, study_id, session.user.name)
        if is_given(room, read_study(connection, study_id)):
            take_back(connection, room, study_id, session.user.name)
    return study_answer(read_study(connection, study_id))


@router.post("/release", status_code=201)
def release(connection: Database, session: Releaser, study_id: str, seen: Release | None = None) -> StudyAnswer:
    """Release the patient's report of the signed revision; refused where that is another than the one seen."""
    with transaction(connection):
        decisions.release(connection, study_id, session.user.name, seen.revision if seen else None)
    return study_answer(read_study(connection, study_id))


@router.put("/labels")
def set_labels(connection: Database, room: TheRoom, session: Corrector, study_id: str, given: Labels) -> StudyAnswer:
    """Put a clinician's labels beside the model's answers, as a new revision."""
    record = _seen(connection, room, study_id, given.revision)
    labels = {task: int(label) for task, label in given.labels.items() if label is not None}
    relabel(connection, room, record, labels, session.user.name, given.note)
    return study_answer(read_study(connection, study_id))


@router.put("/pathology")
def set_pathology(
    connection: Database, room: TheRoom, session: Pathologist, study_id: str, values: dict[Marker, str]
) -> StudyAnswer:
    """Enter what the pathologist reported; "" takes a result back."""
    with transaction(connection):
        pathology.enter(connection, study_id, values, session.user.name)
    return study_answer(read_study(connection, study_id))


@router.post("/contribution", status_code=201)
def give(connection: Database, room: TheRoom, session: Corrector, study_id: str) -> ContributionAnswer:
    """Make the signed study a training case of this hospital. Nothing leaves the hospital by this."""
    given = contribute(connection, room, open_record(connection, room, study_id), session.user.name)
    return ContributionAnswer(revision=given.revision, mask=given.mask, labels=given.labels)


@router.delete("/contribution", status_code=204)
def take_contribution_back(connection: Database, room: TheRoom, session: Corrector, study_id: str) -> None:
    """Remove the training case again. Models that learnt from it are not undone."""
    with transaction(connection):
        take_back(connection, room, study_id, session.user.name)


def _seen(connection: Database, room: Room, study_id: str, revision: int) -> Record:
    record = open_record(connection, room, study_id)
    if record.revision.number != revision:
        raise DataError("study: found a newer revision than the one on your screen; expected that one; reload it")
    return record
