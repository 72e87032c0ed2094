"""Studies uploaded as DICOM in every orientation, each with a mask that its own voxel values decide."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from client.predicting.result_files import nifti_bytes
from client.reading_room.access.accounts import add_user
from client.reading_room.access.roles import ROLES
from client.reading_room.reading.worker import Worker
from client.reading_room.record import FINDINGS, IMAGES, MASK, REVISIONS, Record, open_record
from client.reading_room.room import Room
from client.reading_room.store import jobs
from client.reading_room.store.database import transaction
from client.reading_room.store.revisions import MODEL, add_revision
from client.reading_room.store.studies import Study, read_study
from client.reading_room.uploads.desk import UploadDesk
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import look_through
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.sequences import find_sequences
from gmmas_core.diagnosis import Findings, integrate
from gmmas_core.types import DISCLAIMER

FRAME = generate_uid()
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


def turned(
    files: Sequence[Path],
    directions_33: NDArray[np.float64],
    *,
    reverse: bool = False,
    spacing_RC: tuple[float, float] = SPACING_RC,
    gap_mm: float = GAP_MM,
) -> list[Path]:
    """Give a series another place in the patient.

    Args:
        files: of `write_series`, slice after slice.
        directions_33: columns are the directions along a row, along a column and from slice to slice, in LPS.
        reverse: number the slices from the other end and hand the files over in a third order.
        spacing_RC: between rows and between columns, mm.
        gap_mm: between slices.
    """
    along_row, along_column, normal = directions_33.T
    for number, file in enumerate(files):
        header = pydicom.dcmread(file)
        header.PixelSpacing, header.SliceThickness, header.SpacingBetweenSlices = list(spacing_RC), gap_mm, gap_mm
        header.ImageOrientationPatient = [float(f"{each:.10g}") for each in (*along_row, *along_column)]
        place = np.array([-31.0, 17.0, 5.0]) + number * gap_mm * normal
        header.ImagePositionPatient = [float(f"{each:.10g}") for each in place]
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


@pytest.fixture(scope="session")
def in_place() -> Callable[..., list[Path]]:
    """See `turned`."""
    return turned


@pytest.fixture
def uploaded_record(room: sqlite3.Connection, tmp_path: Path) -> Callable[..., Record]:
    """`uploaded_record(files, document=None)`: one series uploaded; its mask is what the NIfTI's values say."""

    def make(files: Sequence[Path], document: Mapping[str, Any] | None = None) -> Record:
        study = uploaded(room, tmp_path / "studies", files)
        volume = load_volume(tmp_path / "studies" / study.id / IMAGES / study.images[0].file)
        labels_XYZ = label_of(np.rint(volume.data))
        return revised(room, tmp_path / "studies", study.id, labels_XYZ, volume.affine_44, document)

    return make


@pytest.fixture
def read_dicom(
    tmp_path: Path, write_series: Callable[..., list[Path]], uploaded_record: Callable[..., Record]
) -> Callable[..., tuple[Record, list[Path]]]:
    """Uploads one T1c series of random values in a given place."""

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
        return uploaded_record(files, document), files

    return make


SERIES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "t1": ("T1 axial", {"RepetitionTime": 500, "EchoTime": 10}),
    "t1c": ("T1 axial post", {"RepetitionTime": 500, "EchoTime": 10, "ContrastBolusAgent": "Gd"}),
    "t2": ("T2 axial", {"RepetitionTime": 4000, "EchoTime": 90}),
    "flair": ("FLAIR axial", {"RepetitionTime": 9000, "EchoTime": 90, "InversionTime": 2500}),
}
"""Sequence -> description and times of a series that is recognised as it."""


def dicom_of(folder: Path, case: Path, left_out: Sequence[str], write: Callable[..., list[Path]]) -> list[Path]:
    """A phantom's images as a scanner would send them."""
    files: list[Path] = []
    for sequence, path in find_sequences(case).images.items():
        if sequence not in left_out:
            volume = load_volume(path)
            values_XYZ = np.rint(volume.data / volume.data.max() * 4000).astype(np.uint16)
            name, tags = SERIES[sequence]
            edge_mm = volume.grid.spacing_mm
            made = write(folder, values_XYZ, name, FrameOfReferenceUID=FRAME, StudyID="1", AccessionNumber="", **tags)
            files += turned(made, np.eye(3), spacing_RC=edge_mm[:2], gap_mm=edge_mm[2])
    return files


@pytest.fixture(scope="session")
def _dicom_rooms(
    tmp_path_factory: pytest.TempPathFactory,
    model_folder: Path,
    phantom_folder: Path,
    write_series: Callable[..., list[Path]],
) -> Callable[[tuple[str, ...]], tuple[Path, str]]:
    @cache
    def read(left_out: tuple[str, ...]) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("dicom")
        room = Room(folder=folder / "room", site="north", model=model_folder)
        files = dicom_of(folder / "in", phantom_folder, left_out, write_series)
        with room.database() as connection:
            with transaction(connection):
                for role in ROLES:
                    add_user(connection, role, role, "four words make it strong", by="system")
            study = uploaded(connection, room.studies, files)
            jobs.enqueue(connection, study.id, "technician")
        assert Worker(room).read_next()
        return room.folder, study.id

    return read


@pytest.fixture
def read_dicom_study(
    tmp_path: Path, model_folder: Path, _dicom_rooms: Callable[[tuple[str, ...]], tuple[Path, str]]
) -> Callable[..., tuple[Room, str]]:
    """`read_dicom_study(*left_out)`: as `read_study`, but uploaded as DICOM and recognised from its headers."""

    def make(*left_out: str) -> tuple[Room, str]:
        folder, study = _dicom_rooms(left_out)
        shutil.copytree(folder, tmp_path / "room")
        return Room(folder=tmp_path / "room", site="north", model=model_folder), study

    return make


@pytest.fixture
def record_of() -> Callable[[Room, str], Record]:
    """The record of a study."""

    def open_one(room: Room, study: str) -> Record:
        with room.database() as connection:
            return open_record(connection, room, study)

    return open_one
