"""Correcting the outline over the API: a mask as a request's body becomes the next revision, or nothing is kept."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from client.reading_room.access.sessions import Session
from client.reading_room.reading.correct import MAX_MASK_BYTES, Correction, correct_mask
from client.reading_room.room import Room
from client.reading_room.store.revisions import Revision
from client.reading_room.uploads.desk import PREFIX
from client.reading_room.web.visitor import TheRoom, may
from gmmas_core.types import DISCLAIMER, DataError

router = APIRouter(prefix="/api/studies", tags=["corrections"])
Corrector = Annotated[Session, Depends(may("correct"))]
FromRevision = Annotated[int, Query(ge=1, le=1_000_000, description="Newest revision as the user saw it.")]
Note = Annotated[str, Header(alias="X-Note", max_length=6000, description="Why; percent-encoded UTF-8.")]


class RevisionAnswer(BaseModel):
    """The revision that was made."""

    number: int
    author: str
    created_at: str
    notice: str = DISCLAIMER


@router.put(
    "/{study_id}/mask",
    status_code=201,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def put_mask(
    request: Request, room: TheRoom, session: Corrector, study_id: str, from_revision: FromRevision, note: Note = ""
) -> RevisionAnswer:
    """Send a NIfTI file, packed or not, as the body: the grid of the present outline, labels 0 to 3."""
    correction = Correction(user=session.user.name, from_revision=from_revision, note=unquote(note, errors="replace"))
    place = await run_in_threadpool(_place, room)
    try:
        await _receive(request, place / "mask")
        revision = await run_in_threadpool(_correct, room, study_id, place / "mask", correction)
    finally:
        await run_in_threadpool(shutil.rmtree, place, ignore_errors=True)
    return RevisionAnswer(number=revision.number, author=revision.author, created_at=revision.created_at)


def _place(room: Room) -> Path:
    """A folder beside the studies; one that is left by a crash is swept with those of uploads."""
    try:
        room.studies.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Path(tempfile.mkdtemp(dir=room.studies, prefix=PREFIX))
    except OSError as error:
        raise _disk(error) from None


async def _receive(request: Request, path: Path) -> None:
    num_bytes = 0
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                num_bytes += len(piece)
                if num_bytes > MAX_MASK_BYTES:
                    size = f"{MAX_MASK_BYTES // 2**20} MB"
                    raise DataError(f"mask: found more than {size}; expected one mask; send it packed (.nii.gz)")
                file.write(piece)
    except OSError as error:
        raise _disk(error) from None


def _correct(room: Room, study_id: str, mask: Path, correction: Correction) -> Revision:
    with room.database() as connection:
        return correct_mask(connection, room, study_id, mask, correction)


def _disk(error: OSError) -> DataError:
    return DataError(f"mask: cannot be kept ({error.strerror}); expected free space; free some and try again")
