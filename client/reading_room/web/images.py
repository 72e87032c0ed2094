"""A study's pictures over the API: its sequences, and outline and map of uncertainty of each revision.

Every file is compared with the hash that was stored before a byte of it is sent: a picture that was changed on the
disk is not shown. Browsers may keep a file and ask whether it is still the one (ETag, the hash). The page that shows
the pictures writes the line in the audit, not each file.
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi import Path as InAddress
from fastapi.responses import FileResponse, Response, StreamingResponse

from client.reading_room.access.sessions import Session
from client.reading_room.record import IMAGES, MASK, REVISIONS, UNCERTAINTY, open_record
from client.reading_room.reports.pictures import first_picture
from client.reading_room.store.studies import read_study
from client.reading_room.uploads.limits import CHUNK
from client.reading_room.web.studies import Sequence
from client.reading_room.web.visitor import Database, TheRoom, may
from gmmas_core.types import DataError

router = APIRouter(prefix="/api/studies", tags=["images"])
Viewer = Annotated[Session, Depends(may("view"))]
Number = Annotated[int, InAddress(ge=1, le=1_000_000)]
Known = Annotated[str, Header(alias="If-None-Match", max_length=1000)]

KEEP = {"Cache-Control": "private, no-cache"}
"""A browser may keep the file but must ask each time whether it still may."""

_GZIP = {"content": {"application/gzip": {}}, "description": "A gzipped NIfTI file."}
_ANSWERS: dict[int | str, dict[str, Any]] = {200: _GZIP, 304: {"description": "The file that the browser has."}}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "Three planes."},
    304: {"description": "The picture that the browser has."},
}


@router.get("/{study_id}/images/{sequence}.nii.gz", response_class=Response, responses=_ANSWERS)
def image(
    connection: Database, room: TheRoom, _: Viewer, study_id: str, sequence: Sequence, known: Known = ""
) -> Response:
    """One sequence as it was uploaded."""
    study = read_study(connection, study_id)
    found = next((each for each in study.images if each.sequence == sequence), None)
    if found is None:
        there = ", ".join(study.sequences) or "none"
        raise DataError(f"image: found no {sequence} in this study; expected one of those that are there ({there})")
    return _answer(room.studies / study.id, Path(IMAGES, found.file), found.sha256, known)


@router.get("/{study_id}/revisions/{number}/seg.nii.gz", response_class=Response, responses=_ANSWERS)
def outline(
    connection: Database, room: TheRoom, _: Viewer, study_id: str, number: Number, known: Known = ""
) -> Response:
    """The outline of one revision: canonical labels on the study's own grid."""
    record = open_record(connection, room, study_id, number)
    place = Path(REVISIONS, record.revision.folder, MASK)
    return _answer(room.studies / record.study.id, place, _sha256_in(record.document, "segmentation"), known)


@router.get("/{study_id}/revisions/{number}/uncertainty.nii.gz", response_class=Response, responses=_ANSWERS)
def uncertainty(
    connection: Database, room: TheRoom, _: Viewer, study_id: str, number: Number, known: Known = ""
) -> Response:
    """The model's predictive entropy of the four classes in every voxel, in nats."""
    record = open_record(connection, room, study_id, number)
    if record.document["uncertainty_map"] is None:
        raise DataError(
            "uncertainty: found no map of this study; expected one; it was read without stochastic passes: "
            "read it again with them"
        )
    place = Path(REVISIONS, record.revision.folder, UNCERTAINTY)
    return _answer(room.studies / record.study.id, place, _sha256_in(record.document, "uncertainty_map"), known)


@router.get("/{study_id}/revisions/{number}/first.png", response_class=Response, responses=_PICTURE)
def first(connection: Database, room: TheRoom, _: Viewer, study_id: str, number: Number, known: Known = "") -> Response:
    """Three planes with the outline, drawn here: something to look at while a viewer loads the whole images."""
    record = open_record(connection, room, study_id, number)
    headers = {**KEEP, "ETag": f'"{record.revision.sha256}"'}
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    return Response(first_picture(record), media_type="image/png", headers=headers)


def stored_file(home: Path, place: Path, sha256: str) -> Path:
    """A file within a study's folder, compared with the hash that was stored.

    Raises:
        DataError: it is missing, lies elsewhere or was changed.
    """
    path = (home / place).resolve()
    if not path.is_relative_to(home.resolve()) or not path.is_file() or _digest(path) != sha256:
        raise DataError(
            "image: found a file that is missing or was changed; expected the one that was stored; restore a backup"
        )
    return path


def _answer(home: Path, place: Path, sha256: str, known: str) -> Response:
    headers = {**KEEP, "ETag": f'"{sha256}"'}
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    path = stored_file(home, place, sha256)
    if path.suffix == ".gz":
        return FileResponse(path, media_type="application/gzip", headers=headers)
    return StreamingResponse(_packed(path), media_type="application/gzip", headers=headers)


def _sha256_in(document: Mapping[str, Any], key: str) -> str:
    return str(document[key]["sha256"])


def _packed(path: Path) -> Iterator[bytes]:
    """Gzip of a file that was uploaded as it is; the fastest level, because somebody waits."""
    packer = zlib.compressobj(level=1, wbits=31)
    for piece in _pieces(path):
        yield packer.compress(piece)
    yield packer.flush()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
