"""Real studies through the room's own door: a good one is read; a head with its skull is never silently read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.reading.worker import Worker
from client.reading_room.record import MASK, open_record
from client.reading_room.room import Room
from gmmas_core.data.nifti import load_volume

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

Enter = Callable[..., TestClient]


@pytest.fixture
def quick_room(a_room: Room) -> Room:
    """A room that reads without stochastic passes."""
    return replace(a_room, passes=0)


def read(room: Room, enter: Enter, folder: Path, patient: str) -> tuple[TestClient, str, Any]:
    """Upload a folder's images, correct nothing, read: the browser, the study's number and its record."""
    browser = enter("technician", room)
    upload = browser.post("/api/uploads").json()["id"]
    for file in sorted(folder.glob("*.nii.gz")):
        if "_seg" not in file.name:
            sent = browser.put(
                f"/api/uploads/{upload}/files", headers={"X-File-Name": file.name}, content=file.read_bytes()
            )
            assert sent.status_code == 201, sent.text
    study = browser.post(f"/api/uploads/{upload}/study", json={"patient": patient})
    assert study.status_code == 201, study.text
    number = study.json()["id"]
    assert {image["sequence"] for image in study.json()["images"]} == {"t1", "t1c", "t2", "flair"}
    assert browser.post(f"/api/studies/{number}/readings").status_code == 202
    assert Worker(room).read_next()
    with room.database() as connection:
        return browser, number, open_record(connection, room, number)


def test_a_head_with_its_skull_on_four_grids_is_flagged(quick_room: Room, enter: Enter, real_data: Path) -> None:
    browser = enter("technician", quick_room)
    folder = real_data / "raw" / "TCGA-FG-6692"
    upload = browser.post("/api/uploads").json()["id"]
    for file in sorted(folder.glob("*.nii.gz")):
        browser.put(f"/api/uploads/{upload}/files", headers={"X-File-Name": file.name}, content=file.read_bytes())
    number = browser.post(f"/api/uploads/{upload}/study", json={"patient": "raw"}).json()["id"]
    browser.post(f"/api/studies/{number}/readings")
    assert Worker(quick_room).read_next()
    study = browser.get(f"/api/studies/{number}").json()
    assert study["state"] == "failed"
    assert "grid" in study["reason"]
    # One of its sequences alone has one grid: it is read, and the skull is what the page says first.
    only = {image["file"]: image["sequence"] if image["sequence"] == "flair" else None for image in study["images"]}
    assert browser.put(f"/api/studies/{number}/sequences", json=only).status_code == 200
    browser.post(f"/api/studies/{number}/readings")
    assert Worker(quick_room).read_next()
    with quick_room.database() as connection:
        document = open_record(connection, quick_room, number).document
    assert document["verdict"] == "fail"
    failed = {check["id"] for check in document["checks"] if check["verdict"] == "fail"}
    assert "skull" in failed
    assert document["volume_ml"]["et"] is None


def test_a_metastasis_is_read_and_what_the_checks_say_of_it(quick_room: Room, enter: Enter, real_data: Path) -> None:
    folder = real_data / "ood" / "BraTS-MET-00110-000"
    browser, number, record = read(quick_room, enter, folder, "met")
    assert record.study.state == "done"
    assert load_volume(record.folder / MASK).data.shape == (240, 240, 155)
    assert folder.name not in str(record.document)
    assert browser.get(f"/studies/{number}").status_code == 200
    # An untrained model outlines noise, so the checks of the result speak; those of the images alone find nothing
    # wrong with a good scan of another disease, and the page says so (see client/README.md).
    assert record.document["verdict"] in ("warn", "fail")
