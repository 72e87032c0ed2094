"""Studies uploaded as DICOM in every orientation, each with a mask that its own voxel values decide."""

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from client.reading_room.record import FINDINGS, IMAGES, MASK, REVISIONS, Record
from client.reading_room.store.database import transaction
from client.reading_room.store.revisions import MODEL, add_revision
from client.reading_room.store.studies import Study, read_study
from client.reading_room.uploads.desk import UploadDesk
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import look_through
from client.result_files import nifti_bytes
from gmmas_core.data.nifti import load_volume
from gmmas_core.diagnosis import Findings, integrate
from gmmas_core.types import DISCLAIMER

SIZE_XYZ = (14, 11, 9)
SPACING_RC = (2.0, 1.5)
GAP_MM = 3.0
BY_VALUE = ((0, 2400, 0), (2400, 2900, 1), (2900, 3500, 2), (3500, 4000, 3))
"""Voxel values from (inclusive) and to (exclusive) -> label: whoever has a voxel's value knows its label."""


def label_of(values: NDArray[Any]) -> NDArray[np.uint8]:
    labels = np.zeros(values.shape, np.uint8)
    for low, high, label in BY_VALUE:
        labels[(values >= low) & (values < high)] = label
    return labels


@pytest.fixture(scope="session")
def labels_of() -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """Values of an image -> their labels."""
    return label_of


def turned(files: Sequence[Path], directions_33: NDArray[np.float64], *, reverse: bool = False) -> list[Path]:
    """Give a series another place in the patient.

    Args:
        files: of `write_series`, slice after slice.
        directions_33: columns are the directions along a row, along a column and from slice to slice, in LPS.
        reverse: number the slices from the other end and hand the files over in a third order.
    """
    along_row, along_column, normal = directions_33.T
    for number, file in enumerate(files):
        header = pydicom.dcmread(file)
        header.PixelSpacing = list(SPACING_RC)
        header.ImageOrientationPatient = [float(f"{each:.10g}") for each in (*along_row, *along_column)]
        header.ImagePositionPatient = [
            float(f"{each:.10g}") for each in np.array([-31.0, 17.0, 5.0]) + number * GAP_MM * normal
        ]
        if reverse:
            header.InstanceNumber = str(len(files) - number)
        header.save_as(file)
    return list(np.random.default_rng(3).permutation(np.array(files, dtype=object))) if reverse else list(files)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def uploaded(room: sqlite3.Connection, studies: Path, files: Sequence[Path]) -> Study:
    """A draft, by the way that every upload takes."""
    desk = UploadDesk(studies)
    number = desk.begin("anna")
    for file in files:
        asyncio.run(desk.receive(number, "anna", file.name, _whole(file.read_bytes())))
    with desk.taken(number, "anna") as (place, received):
        sender = Sender(user="anna", patient="p1", study_date=None)
        return take_in(room, studies, look_through(received, place), sender)


def revised(
    room: sqlite3.Connection,
    studies: Path,
    study_id: str,
    mask_XYZ: NDArray[np.uint8],
    affine_44: NDArray[np.float64],
    document: Mapping[str, Any] | None = None,
) -> Record:
    """A record with a mask and what the exports of masks need of a document."""
    folder = studies / study_id / REVISIONS / "0001"
    folder.mkdir(parents=True)
    content = nifti_bytes(mask_XYZ, affine_44)
    (folder / MASK).write_bytes(content)
    whole = {
        "disclaimer": DISCLAIMER,
        "not_assessable": {},
        "segmentation": {"file": MASK, "sha256": hashlib.sha256(content).hexdigest()},
        **(document or {}),
    }
    text = json.dumps(whole).encode()
    (folder / FINDINGS).write_bytes(text)
    with transaction(room):
        revision = add_revision(
            room,
            study_id=study_id,
            author=MODEL,
            model_id="tiny-0123456789ab",
            folder="0001",
            sha256=hashlib.sha256(text).hexdigest(),
        )
    study = read_study(room, study_id)
    home = studies / study_id
    return Record(
        study=study,
        revision=revision,
        document=whole,
        folder=folder,
        images={image.sequence: home / IMAGES / image.file for image in study.images if image.sequence},
        decision=None,
        release=None,
        pathology={},
        diagnosis=integrate(Findings()),
    )


@pytest.fixture
def read_dicom(
    room: sqlite3.Connection, tmp_path: Path, write_series: Callable[..., list[Path]]
) -> Callable[..., tuple[Record, list[Path]]]:
    """Uploads one T1c series of random values in a given place; its mask is what the NIfTI's values say."""

    def make(
        directions_33: NDArray[np.float64],
        *,
        reverse: bool = False,
        document: Mapping[str, Any] | None = None,
        **tags: Any,
    ) -> tuple[Record, list[Path]]:
        values_XYZ = np.random.default_rng(1).integers(1, 4000, SIZE_XYZ).astype(np.uint16)
        tags = {"RepetitionTime": 500, "EchoTime": 10, "ContrastBolusAgent": "Gd"} | tags
        files = turned(write_series(tmp_path / "in", values_XYZ, "T1 post", **tags), directions_33, reverse=reverse)
        study = uploaded(room, tmp_path / "studies", files)
        volume = load_volume(tmp_path / "studies" / study.id / IMAGES / study.images[0].file)
        labels_XYZ = label_of(np.rint(volume.data))
        record = revised(room, tmp_path / "studies", study.id, labels_XYZ, volume.affine_44, document)
        return record, files

    return make
