"""Pictures over the API: the bytes that were stored or none, and nothing outside of the study."""

import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from client.reading_room.record import FINDINGS, MASK, UNCERTAINTY, open_record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.revisions import MODEL, add_revision
from client.reading_room.web.viewer_context import legend
from gmmas_core.inference.assessability import not_assessable
from gmmas_core.types import SEQUENCES

Enter = Callable[..., TestClient]
ReadStudy = Callable[..., tuple[Room, str]]


def folder_of(room: Room, study: str) -> Path:
    with room.database() as connection:
        return open_record(connection, room, study).folder


def test_every_picture_of_a_study_is_sent_as_it_was_stored(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    client, folder = enter("viewer", room), folder_of(room, study)
    expected = {"revisions/1/seg.nii.gz": folder / MASK, "revisions/1/uncertainty.nii.gz": folder / UNCERTAINTY}
    with room.database() as connection:
        images = open_record(connection, room, study).images
    expected |= {f"images/{name}.nii.gz": path for name, path in images.items()}
    for address, path in expected.items():
        answer = client.get(f"/api/studies/{study}/{address}")
        assert answer.status_code == 200, answer.text
        assert answer.content == path.read_bytes()
        assert answer.headers["ETag"] == f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"'
        assert answer.headers["Cache-Control"] == "private, no-cache"
        again = client.get(f"/api/studies/{study}/{address}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = client.get(f"/api/studies/{study}/{address}", headers={"If-None-Match": '"0"'})
        assert other.status_code == 200


def test_a_file_that_was_uploaded_unpacked_is_packed_on_its_way(enter: Enter, nifti: bytes) -> None:
    client, plain = enter("technician"), gzip.decompress(nifti)
    number = client.post("/api/uploads").json()["id"]
    client.put(f"/api/uploads/{number}/files", headers={"X-File-Name": "x_t1.nii"}, content=plain)
    study = client.post(f"/api/uploads/{number}/study", json={"patient": "p"}).json()["id"]
    answer = client.get(f"/api/studies/{study}/images/t1.nii.gz")
    assert gzip.decompress(answer.content) == plain
    assert answer.headers["ETag"] == f'"{hashlib.sha256(plain).hexdigest()}"'


@pytest.mark.parametrize("what", ["images/t1c.nii.gz", "revisions/1/seg.nii.gz", "revisions/1/uncertainty.nii.gz"])
@pytest.mark.parametrize("harm", ["changed", "gone", "a link out of the study"])
def test_a_picture_that_is_not_the_stored_one_is_not_shown(
    read_study: ReadStudy, enter: Enter, tmp_path: Path, what: str, harm: str
) -> None:
    room, study = read_study()
    with room.database() as connection:
        image = open_record(connection, room, study).images["t1c"]
    path = image if what.startswith("images") else folder_of(room, study) / what.rpartition("/")[2]
    if harm == "a link out of the study":
        shutil.move(path, tmp_path / "outside")
        path.symlink_to(tmp_path / "outside")
    elif harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"\0")
    answer = enter("viewer", room).get(f"/api/studies/{study}/{what}")
    assert answer.status_code == 422
    assert "missing or was changed" in answer.json()["error"]
    assert str(tmp_path) not in answer.text


def test_changed_findings_close_the_outline_too(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    path = folder_of(room, study) / FINDINGS
    path.write_text(path.read_text().replace('"pass"', '"fail"', 1))
    assert enter("viewer", room).get(f"/api/studies/{study}/revisions/1/seg.nii.gz").status_code == 422


@pytest.mark.parametrize(
    "address",
    [
        "images/t9.nii.gz",
        "images/..%2f..%2froom.db.nii.gz",
        "images/../../room.db",
        "images/01.nii.gz",
        "images/t1.nii",
        "images/t1%00.nii.gz",
        "revisions/0/seg.nii.gz",
        "revisions/2/seg.nii.gz",
        "revisions/-1/seg.nii.gz",
        "revisions/99999999999999999999/seg.nii.gz",
        "revisions/1/findings.json",
        "revisions/1/..%2f..%2fimages%2f01.nii.gz",
        "revisions/%2e%2e/seg.nii.gz",
    ],
)
def test_nothing_else_can_be_asked_for(read_study: ReadStudy, enter: Enter, address: str) -> None:
    room, study = read_study()
    client = enter("viewer", room)
    for number in (study, "..", "%2e%2e", "0" * 24, f"..%2f{study}"):
        answer = client.get(f"/api/studies/{number}/{address}")
        assert answer.status_code in (404, 422)
        assert "gzip" not in answer.headers["Content-Type"]
        assert b"SQLite" not in answer.content


def test_the_first_picture_shows_three_planes_and_changes_with_the_revision(
    read_study: ReadStudy, enter: Enter
) -> None:
    room, study = read_study()
    browser = enter("viewer", room)
    address = f"/api/studies/{study}/revisions/1/first.png"
    answer = browser.get(address)
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.width > 2 * picture.height, "three planes in a row"
    assert np.ptp(np.asarray(picture.convert("L"))) > 100
    assert browser.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert browser.get(address.replace("/1/", "/2/")).status_code == 422


def test_a_sequence_that_is_missing_is_said_to_be(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study("t1c")
    answer = enter("viewer", room).get(f"/api/studies/{study}/images/t1c.nii.gz")
    assert answer.json()["error"].startswith("image: found no t1c in this study; expected one of those that are there")


def test_a_reading_without_passes_has_no_map(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    folder = folder_of(room, study)
    other = shutil.copytree(folder, folder.with_name("other"))
    document = json.loads((other / FINDINGS).read_text()) | {"uncertainty_map": None}
    (other / FINDINGS).write_text(json.dumps(document))
    digest = hashlib.sha256((other / FINDINGS).read_bytes()).hexdigest()
    with room.database() as connection, transaction(connection):
        add_revision(connection, study_id=study, author=MODEL, model_id="m", folder="other", sha256=digest)
    client = enter("viewer", room)
    assert "no map of this study" in client.get(f"/api/studies/{study}/revisions/2/uncertainty.nii.gz").json()["error"]
    assert client.get(f"/api/studies/{study}/revisions/1/uncertainty.nii.gz").status_code == 200
    assert "read without stochastic passes" in client.get(f"/studies/{study}").text


def test_what_cannot_be_told_apart_is_drawn_as_one_and_what_cannot_be_seen_not_at_all() -> None:
    def drawn(*sequences: str) -> dict[str, list[int]]:
        return {row["id"]: row["labels"] for row in legend(not_assessable(sequences))}

    assert drawn(*SEQUENCES) == {"et": [3], "necrosis": [1], "edema": [2]}
    assert drawn("t1", "t2", "flair") == {"wt": [1, 2, 3], "et": [], "necrosis": [], "edema": []}
    assert drawn("t1", "t1c") == {"et": [3], "necrosis": [1], "edema": []}
    assert drawn("t1") == {"wt": [], "et": [], "necrosis": [], "edema": []}
    assert all(bool(row["reason"]) == (not row["labels"]) for row in legend(not_assessable(["t2"])))
    assert "no t1c" in next(row["reason"] for row in legend(not_assessable(["t2"])) if row["id"] == "et")
