"""A study's whole way in a real browser, as two people meet it, and files that nobody should have sent."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from client.predicting.result_files import nifti_bytes
from client.reading_room.reading.worker import Worker
from client.reading_room.record import open_record
from client.reading_room.room import Room
from gmmas_core.types import DISCLAIMER

pytestmark = pytest.mark.slow

Visit = Callable[..., Page]


def send(page: Page, files: list[Path], patient: str = "p-007") -> None:
    """Choose files and give the pseudonym, as a person does."""
    page.set_input_files("#files", files)
    expect(page.locator("#about")).to_be_visible()
    page.fill("#patient", patient)
    page.click("#send")


def coloured(page: Page) -> int:
    """Pixels of the viewer that are no grey: crosshair and outline."""
    shot = np.asarray(Image.open(io.BytesIO(page.locator(".v-stage").screenshot())).convert("RGB")).astype(int)
    return int((shot.max(axis=2) - shot.min(axis=2) > 40).sum())


def host_of(address: str) -> str | None:
    """None for what the browser makes itself (data:, blob:)."""
    return urlsplit(address).hostname if address.startswith("http") else None


def answer(page: Page, button: str) -> None:
    page.locator(button).click()
    with page.expect_navigation():
        page.locator("dialog#confirm button[value=yes]").click()


@pytest.fixture(params=["phantom", pytest.param("real", marks=pytest.mark.realdata)])
def case_folder(request: pytest.FixtureRequest, phantom_folder: Path, real_data: Path) -> Path:
    """A case folder with all four sequences and a mask."""
    return phantom_folder if request.param == "phantom" else real_data / "brats2021" / "BraTS2021_00006"


def test_from_the_upload_to_the_patient_s_report(a_room: Room, visit: Visit, case_folder: Path) -> None:
    technician = visit(a_room, "technician")
    asked: set[str] = set()
    technician.on("request", lambda request: asked.add(host_of(request.url)))
    send(technician, [file for file in sorted(case_folder.glob("*.nii.gz")) if "_seg" not in file.name])
    technician.wait_for_url("**/sequences")
    assert technician.eval_on_selector_all("select", "all => all.map((one) => one.value)") == [
        "flair",
        "t1",
        "t1c",
        "t2",
    ]
    technician.click("#read")
    technician.wait_for_url("**/")
    expect(technician.locator("tbody tr")).to_contain_text("queued")
    assert Worker(replace(a_room, passes=0), patience_s=float("inf")).read_next()
    expect(technician.locator("tbody tr")).to_contain_text("done")

    page = visit(a_room, "clinician")
    page.on("request", lambda request: asked.add(host_of(request.url)))
    page.locator("tbody th a").click()
    page.wait_for_selector('#viewer[data-state="ready"]')
    expect(page.get_by_role("heading", name="Imaging-suggested types")).to_be_visible()
    study = page.url.rsplit("/", 1)[-1]
    page.select_option("#v-view", "axial")
    page.locator("#v-fill").fill("100")
    page.wait_for_timeout(300)
    with_outline = coloured(page)
    for box in page.locator("[data-layer]:enabled").all():
        box.uncheck()
    page.wait_for_timeout(300)
    assert coloured(page) < with_outline

    for box in page.locator("[data-layer]:enabled").all():
        box.check()
    page.check('[name="v-label"][value="2"]')
    page.click('[data-tool="brush"]')
    page.locator(".v-stage").click()
    expect(page.locator("#v-changed")).to_contain_text("changed, not saved yet")
    with page.expect_navigation():
        page.click("#v-save")
    with a_room.database() as connection:
        assert open_record(connection, a_room, study).document["corrected"]["by"] == "clinician"

    viewer = visit(a_room, "viewer")
    assert viewer.request.get(f"/studies/{study}/report/patient.pdf").status in (403, 422), "not before a release"
    if page.locator("#sign input[name=checks_seen]").count():
        page.check("#sign input[name=checks_seen]")
    answer(page, "#sign button.primary")
    answer(page, "[data-act=release]")
    for audience in ("clinician", "patient"):
        pdf = page.request.get(f"/studies/{study}/report/{audience}.pdf?language=en")
        assert pdf.status == 200
        for sheet in PdfReader(io.BytesIO(pdf.body())).pages:
            assert DISCLAIMER.split(".")[0].lower() in sheet.extract_text().lower()
    assert viewer.request.get(f"/studies/{study}/report/patient.pdf").status == 200
    assert asked - {None} == {"127.0.0.1"}, "nothing is asked of anybody else"


def hostile(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Name -> content and a word of the answer that a person must read."""
    whole = nifti_bytes(np.ones((8, 8, 8), np.float32) + np.arange(8, dtype=np.float32), np.eye(4))
    moving = nifti_bytes(np.random.default_rng(0).random((8, 8, 8, 3), np.float32), np.eye(4))
    climbing, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../../x_t1.nii.gz", whole)
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_t1.nii", bytes(300_000_000))
    return {
        "cut_t1.nii.gz": (whole[: len(whole) // 2], "found"),
        "moving_t1.nii.gz": (moving, "found"),
        "flat_t1.nii.gz": (nifti_bytes(np.ones((8, 8, 8), np.float32), np.eye(4)), "found"),
        "climbing.zip": (climbing.getvalue(), "leads out"),
        "bomb.zip": (bomb.getvalue(), "found"),
        "letter.pdf": (b"%PDF-1.7 no image", "found"),
    }


def test_files_that_cannot_be_used_are_told_and_leave_nothing(a_room: Room, visit: Visit, tmp_path: Path) -> None:
    page = visit(a_room, "technician")
    for name, (content, word) in hostile(tmp_path).items():
        file = tmp_path / name
        file.write_bytes(content)
        page.goto("/")
        send(page, [file])
        expect(page.locator("#refusal")).to_contain_text(word, timeout=60_000)
        assert str(tmp_path) not in page.locator("#refusal").inner_text()
        assert not [each for each in a_room.studies.iterdir() if each.is_dir()], name
    expect(page.locator("#rows")).to_contain_text("No study yet")
