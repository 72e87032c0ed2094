"""An open room, and files as people and scanners make them."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from client.reading_room.access import accounts
from client.reading_room.access.roles import ROLES
from client.reading_room.room import Room
from client.reading_room.store.database import open_database, transaction
from client.reading_room.web.app import build_app
from client.result_files import nifti_bytes

STUDY = generate_uid()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a new reading room."""
    with closing(open_database(tmp_path / "room")) as connection:
        yield connection


@pytest.fixture(scope="session")
def nifti() -> bytes:
    """A small .nii.gz with signal."""
    values_XYZ = np.random.default_rng(0).random((8, 9, 10), dtype=np.float32)
    return nifti_bytes(values_XYZ, np.diag([1.0, 1.0, 2.0, 1.0]))


def _write_series(folder: Path, values_XYZ: NDArray[np.uint16], description: str, **tags: Any) -> list[Path]:
    """One axial series, slices from below, X to the patient's left and Y to the back, as DICOM has it.

    Args:
        folder: for `description-N.dcm`.
        values_XYZ: columns, rows, slices.
        description: Series Description.
        tags: further attributes, by keyword; StudyInstanceUID and others can be replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, frame = generate_uid(), generate_uid()
    paths = []
    for number in range(values_XYZ.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_ = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        slice_.SOPClassUID, slice_.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = STUDY, series, frame
        slice_.PatientName, slice_.PatientID, slice_.PatientBirthDate = "Secret^Person", "4711", "19500101"
        slice_.StudyDate, slice_.StudyTime, slice_.Modality = "20260131", "120000", "MR"
        slice_.Manufacturer, slice_.SeriesDescription, slice_.ImageType = (
            "SIEMENS",
            description,
            ["ORIGINAL", "PRIMARY"],
        )
        slice_.SeriesNumber, slice_.InstanceNumber, slice_.MagneticFieldStrength = "1", str(number + 1), "3"
        slice_.Rows, slice_.Columns = values_XYZ.shape[1], values_XYZ.shape[0]
        slice_.PixelSpacing, slice_.SliceThickness = [2.0, 2.0], 3.0
        slice_.SpacingBetweenSlices = 3.0
        slice_.ImageOrientationPatient, slice_.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, number * 3.0]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 12, 11, 0
        for keyword, value in tags.items():
            setattr(slice_, keyword, value)
        slice_.PixelData = np.ascontiguousarray(values_XYZ[:, :, number].T).tobytes()
        path = folder / f"{description}-{number}.dcm"
        slice_.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def write_series() -> Callable[..., list[Path]]:
    """Writes one axial series of 2 x 2 x 3 mm voxels; see `_write_series`."""
    return _write_series


PASSWORD = "four words make it strong"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with the least work: the real parameters cost a tenth of a second and 64 MB a password."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: cheap)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """The application of a new room with one account for each role, named as the role."""
    room = Room(folder=tmp_path / "room", site="north", model=tmp_path / "model")
    with room.database() as connection, transaction(connection):
        for role in ROLES:
            accounts.add_user(connection, role, role, PASSWORD, by="system")
    return build_app(room)


@pytest.fixture
def enter(app: FastAPI) -> Iterator[Callable[[str], TestClient]]:
    """Signs in as a role and returns its browser, which sends the page's token with everything; "" stays outside."""
    with ExitStack() as stack:

        def sign_in(role: str) -> TestClient:
            client = TestClient(app, base_url="http://127.0.0.1:8001", follow_redirects=False)
            stack.enter_context(client)
            if role:
                answer = client.post("/sign-in", data={"name": role, "password": PASSWORD})
                assert answer.status_code == 303, answer.text
                token = re.search('name="csrf" content="([^"]+)"', client.get("/").text)
                assert token is not None
                client.headers["X-CSRF-Token"] = token[1]
            return client

        yield sign_in
