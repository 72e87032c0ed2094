"""An open room, and files as people and scanners make them."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache, partial
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

from client.predicting.result_files import nifti_bytes
from client.reading_room.access import accounts
from client.reading_room.access.roles import ROLES
from client.reading_room.reading.worker import Worker
from client.reading_room.room import Room
from client.reading_room.store import jobs
from client.reading_room.store.database import open_database, transaction
from client.reading_room.uploads.archive import Received
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import Offer, Offers
from client.reading_room.web.app import build_app
from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.sequences import find_sequences
from gmmas_core.model.gmmas import build_model

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


@pytest.fixture(autouse=True, scope="module")
def _cheap_hashes() -> Iterator[None]:
    """The same algorithm with the least work: the real parameters cost a tenth of a second and 64 MB a password."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: cheap)
        yield


TINY = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "evaluation.overlap=0",
    "evaluation.mc_passes=5",
    "notice='Phantoms of nobody'",
)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest whole model, untrained, with a calibration of IDH alone."""
    config = load_config(TINY)
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    folder = tmp_path_factory.mktemp("model") / "model"
    save_model(folder, model, config, {"run_id": "ab12", "rounds": 3}, {"temperature": {"idh": 2.0}})
    return folder


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom's case folder with all four sequences and a mask, 48 voxels of 4 mm."""
    (site,) = write_federation(tmp_path_factory.mktemp("sites"), sites=1, cases=8, size=48, seed=0)
    return next(folder for folder in sorted(site.glob("sub-*")) if len(list(folder.glob("*.nii.gz"))) == 5)


def _upload(room: Room, folder: Path, patient: str, day: str | None, left_out: tuple[str, ...]) -> str:
    """Put a case folder onto the worklist and into the queue; the study's number."""
    studies, target = room.studies, room.folder / "outside"
    studies.mkdir(parents=True, exist_ok=True)
    target.mkdir()
    images = {name: path for name, path in find_sequences(folder).images.items() if name not in left_out}
    offers = []
    for name, path in images.items():
        shutil.copy(path, target / path.name)
        received = Received(path=target / path.name, label=path.name)
        offers.append(Offer(file=received, sequence=name, recognized_by="name"))
    sender = Sender(user="technician", patient=patient, study_date=day)
    with room.database() as connection:
        study = take_in(
            connection, studies, Offers(images=tuple(offers), source="phantom", study_date=None, left_out=()), sender
        )
        jobs.enqueue(connection, study.id, "technician")
    shutil.rmtree(target)
    return study.id


@dataclass(frozen=True)
class Kept:
    """A room with one study that was read, to be copied into a test's own folder."""

    folder: Path
    study: str


@pytest.fixture(scope="session")
def _rooms_read(
    tmp_path_factory: pytest.TempPathFactory, model_folder: Path, phantom_folder: Path
) -> Callable[[tuple[str, ...]], Kept]:
    @cache
    def read(left_out: tuple[str, ...]) -> Kept:
        room = Room(folder=tmp_path_factory.mktemp("kept") / "room", site="north", model=model_folder)
        with room.database() as connection, transaction(connection):
            for role in ROLES:
                accounts.add_user(connection, role, role, PASSWORD, by="system")
        study = _upload(room, phantom_folder, "p-001", "2026-01-31", left_out)
        assert Worker(room, patience_s=float("inf")).read_next()
        return Kept(room.folder, study)

    return read


@pytest.fixture
def a_room(tmp_path: Path, model_folder: Path) -> Room:
    """A new room with one account for each role, named as the role, and the smallest model."""
    room = Room(folder=tmp_path / "room", site="north", model=model_folder)
    with room.database() as connection, transaction(connection):
        for role in ROLES:
            accounts.add_user(connection, role, role, PASSWORD, by="system")
    return room


@pytest.fixture(scope="session")
def copy_study(model_folder: Path, _rooms_read: Callable[[tuple[str, ...]], Kept]) -> Callable[..., tuple[Room, str]]:
    """`copy_study(folder, *left_out)`: a new room there with one phantom that the real worker has read.

    Its patient is p-001, scanned 2026-01-31; sequences may be left out, e.g. `copy_study(folder, "t1c")`.
    """

    def make(folder: Path, *left_out: str) -> tuple[Room, str]:
        kept = _rooms_read(left_out)
        shutil.copytree(kept.folder, folder)
        return Room(folder=folder, site="north", model=model_folder), kept.study

    return make


@pytest.fixture
def read_study(tmp_path: Path, copy_study: Callable[..., tuple[Room, str]]) -> Callable[..., tuple[Room, str]]:
    """`read_study(*left_out)`: as `copy_study`, in the test's own folder."""
    return partial(copy_study, tmp_path / "room")


@pytest.fixture
def upload() -> Callable[..., str]:
    """`upload(room, folder, patient="p-002", day=None, left_out=())`: a case folder, queued; the study's number."""

    def put(
        room: Room, folder: Path, patient: str = "p-002", day: str | None = None, left_out: tuple[str, ...] = ()
    ) -> str:
        return _upload(room, folder, patient, day, left_out)

    return put


@pytest.fixture
def app(a_room: Room) -> FastAPI:
    """The application of a new room with one account for each role, named as the role."""
    return build_app(a_room)


@pytest.fixture
def enter(request: pytest.FixtureRequest) -> Iterator[Callable[..., TestClient]]:
    """`enter(role, room=None)` signs in as a role and returns its browser, which sends the page's token with
    everything; "" stays outside. Without a room it is that of the fixture `app`."""
    with ExitStack() as stack:

        def sign_in(role: str, room: Room | None = None) -> TestClient:
            app = request.getfixturevalue("app") if room is None else build_app(room)
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
