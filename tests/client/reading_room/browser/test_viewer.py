"""The viewer as a clinician meets it: the pixels show what the files hold, and what is painted is what is kept."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from client.predicting.result_files import nifti_bytes
from client.reading_room.reading.correct import Correction, correct_mask
from client.reading_room.record import MASK, UNCERTAINTY, open_record
from client.reading_room.room import Room
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import DISCLAIMER

pytestmark = pytest.mark.slow

Visit = Callable[..., Page]
ReadStudy = Callable[..., tuple[Room, str]]
Pixels = NDArray[np.int16]
Case = tuple[Page, Room, str]

PATIENCE_S = 60.0

ENHANCING_RGB, CORE_RGB, EDEMA_RGB = (213, 94, 0), (240, 228, 66), (86, 180, 233)


def outline_of(room: Room, study: str) -> Volume:
    with room.database() as connection:
        return load_volume(open_record(connection, room, study).folder / MASK)


def outlined(room: Room, study: str, tmp_path: Path) -> Volume:
    """The study with a block of each label as its outline, on the patient's right and in front.

    48 voxels of 4 mm whose first axes run left and back: low indices lie right and in front.
    """
    seg = outline_of(room, study)
    labels = np.zeros_like(seg.data)
    labels[14:20, 14:20, 24:30] = 2
    labels[15:19, 15:19, 25:29] = 1
    labels[17:19, 15:19, 25:29] = 3
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(nifti_bytes(labels, seg.affine_44))
    with room.database() as connection:
        correct_mask(connection, room, study, path, Correction(user="clinician", from_revision=1, note=""))
    return Volume(labels, seg.affine_44)


def outlined_case(room: Room, study: str, visit: Visit, folder: Path) -> Case:
    """The page of a study with a known outline, its pictures all loaded, one axial slice shown."""
    outlined(room, study, folder)
    page = visit(room)
    opened(page, study)
    page.select_option("#v-view", "axial")
    return page, room, study


@pytest.fixture
def case(read_study: ReadStudy, visit: Visit, tmp_path: Path) -> Case:
    """A case of the test's own, for those who move the crosshair or save."""
    return outlined_case(*read_study(), visit, tmp_path)


@pytest.fixture(scope="module")
def shown_once(copy_study: ReadStudy, visit_once: Visit, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The case that `shown` puts in order: drawn in software, a page costs seconds to load."""
    folder = tmp_path_factory.mktemp("shown")
    return outlined_case(*copy_study(folder / "room"), visit_once, folder)


@pytest.fixture
def shown(shown_once: Case) -> Case:
    """A case that is only looked at, as it is when it is opened, but for the sequence."""
    page, _, _ = shown_once
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="light")
    page.select_option("#v-view", "axial")
    page.select_option("#v-revision", "2")
    page.click('[data-tool="crosshair"]')
    for button in ("#v-window-reset", "#v-whole", "#v-clear"):
        page.click(button)
    for box in page.locator("[data-layer]").all():
        box.check()
    page.uncheck("#v-map")
    move_slider(page, "#v-fill", 35)
    page.evaluate("document.activeElement.blur()")  # keys are the viewer's only while no field has them
    return shown_once


def opened(page: Page, study: str) -> None:
    page.goto(f"/studies/{study}")
    page.wait_for_selector('#viewer[data-state="ready"]')


def stage(page: Page) -> Locator:
    return page.locator(".v-stage")


def pixels(place: Locator) -> Pixels:
    """RGB, rows from the top."""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(np.int16)


def coloured(shot: Pixels, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (np.abs(shot - np.array(colour)) <= 6).all(axis=2)
    return near


def wait(page: Page, condition: Callable[[], Any]) -> None:
    """Until something holds; pictures are drawn when the browser finds time."""
    for _ in range(int(PATIENCE_S * 10)):
        if condition():
            return
        page.wait_for_timeout(100)
    assert condition()


def readout(page: Page, name: str) -> str:
    return page.locator(f'[data-readout="{name}"]').inner_text()


def move_slider(page: Page, selector: str, value: int) -> None:
    page.locator(selector).fill(str(value))


def click(page: Page, x: float, y: float) -> None:
    """Click so many pixels from the middle of the pictures, wherever the page is scrolled to."""
    box = stage(page).bounding_box()
    assert box
    stage(page).click(position={"x": box["width"] / 2 + x, "y": box["height"] / 2 + y})


def look_at(page: Page, x: float, y: float) -> tuple[int, ...]:
    """Click with the crosshair; the voxel of the file that is read out there. It must be another than before."""
    before = readout(page, "voxel")
    click(page, x, y)
    wait(page, lambda: readout(page, "voxel") != before)
    return tuple(int(part) for part in readout(page, "voxel").split(","))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], button: Any = "left") -> None:
    """Drag over the pictures, from and to so many pixels from their middle."""
    stage(page).scroll_into_view_if_needed()
    box = stage(page).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + start[0], y + start[1])
    page.mouse.down(button=button)
    page.mouse.move(x + end[0], y + end[1], steps=6)
    page.mouse.up(button=button)


def differ(one: Pixels, other: Pixels, by: int = 40) -> int:
    """How many pixels differ clearly."""
    return int((np.abs(one - other).max(axis=2) > by).sum())


def test_the_outline_is_drawn_where_the_file_has_it_and_goes_with_its_box(shown: Case) -> None:
    page, _, _ = shown
    move_slider(page, "#v-fill", 100)
    wait(page, lambda: coloured(pixels(stage(page)), ENHANCING_RGB).sum() > 200)
    shot = pixels(stage(page))
    rows, columns = np.nonzero(coloured(shot, ENHANCING_RGB))
    assert columns.max() < shot.shape[1] / 2, "the patient's right is on the left of the picture"
    assert rows.max() < shot.shape[0] / 2, "in front is above"
    core = np.nonzero(coloured(shot, CORE_RGB))[1]
    assert core.max() < columns.mean(), "necrosis lies further to the patient's right than enhancement"
    for row, colour in (("et", ENHANCING_RGB), ("necrosis", CORE_RGB), ("edema", EDEMA_RGB)):
        box = page.locator(f'[data-layer="{row}"]')
        assert coloured(pixels(stage(page)), colour).sum() > 100
        box.uncheck()
        wait(page, lambda colour=colour: coloured(pixels(stage(page)), colour).sum() == 0)  # type: ignore[misc]
        box.check()
        wait(page, lambda colour=colour: coloured(pixels(stage(page)), colour).sum() > 100)  # type: ignore[misc]


def test_the_readout_says_what_the_files_hold(case: Case) -> None:
    page, room, study = case
    seen = set()
    for x, y in ((0, 0), (-90, -90), (60, -30), (-120, 20)):
        voxel = look_at(page, x, y)
        seen.add(voxel)
        with room.database() as connection:
            record = open_record(connection, room, study)
        for name, path in record.images.items():
            value = float(np.asarray(nib.load(path).dataobj)[voxel])  # type: ignore[attr-defined]
            assert float(readout(page, name)) == pytest.approx(value, rel=0.006, abs=0.5)
        entropy = float(np.asarray(nib.load(record.folder / UNCERTAINTY).dataobj)[voxel])  # type: ignore[attr-defined]
        assert readout(page, "entropy") == f"{entropy:.2f} nats"
        label = int(load_volume(record.folder / MASK).data[voxel])
        names = ("outside", "necrotic and non-enhancing core", "edema", "enhancing tumour")
        assert readout(page, "label") == names[label]
        place = nib.affines.apply_affine(load_volume(record.folder / MASK).affine_44, voxel)
        side, far = readout(page, "place").split(",")[0].split()
        assert side == ("R" if place[0] > 0 else "L")
        assert abs(float(far) - abs(place[0])) <= 2.1, "within the voxel of 4 mm"
    assert len(seen) == 4


def test_the_map_of_uncertainty_is_drawn_and_goes(shown: Case) -> None:
    page, _, _ = shown
    before = pixels(stage(page))
    page.check("#v-map")
    wait(page, lambda: differ(pixels(stage(page)), before) > 2000)
    page.uncheck("#v-map")
    wait(page, lambda: differ(pixels(stage(page)), before) < 20)
    expect(page.locator(".v-scale")).to_contain_text("1.39 nats")


def test_keys_change_the_sequence_and_only_while_the_viewer_is_meant(shown: Case) -> None:
    page, _, _ = shown
    stage(page).hover()
    shots = {}
    for key, name, title in (("1", "t1", "T1"), ("2", "t1c", "T1c"), ("3", "t2", "T2"), ("4", "flair", "FLAIR")):
        page.keyboard.press(key)
        expect(page.locator(f'[data-sequence="{name}"]')).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".v-pane:visible .v-name")).to_have_text(title)
        shots[name] = hashlib.sha256(pixels(page.locator(".v-pane canvas").first).tobytes()).hexdigest()
    assert len(set(shots.values())) == 4
    page.fill("#v-note", "12")
    expect(page.locator('[data-sequence="flair"]')).to_have_attribute("aria-pressed", "true")
    page.locator(".v-stage canvas").first.focus()
    page.keyboard.press("?")
    expect(page.locator("#v-help")).to_be_visible()
    expect(page.locator("#v-keys tr")).to_have_count(21)


def test_a_stroke_paints_a_disc_that_is_kept_voxel_by_voxel(case: Case) -> None:
    page, room, study = case
    before = outline_of(room, study)
    i, j, k = look_at(page, 60, 40)
    page.check('[name="v-label"][value="1"]')
    move_slider(page, "#v-size", 6)
    expect(page.locator("#v-size-words")).to_have_text("12 mm")
    page.click('[data-tool="brush"]')
    move_slider(page, "#v-fill", 100)
    core = coloured(pixels(stage(page)), CORE_RGB).sum()
    click(page, 60, 40)
    wait(page, lambda: coloured(pixels(stage(page)), CORE_RGB).sum() > core + 300)
    expected = before.data.copy()
    for di in range(-1, 2):
        for dj in range(-1, 2):
            expected[i + di, j + dj, k] = 1  # all nine centres are within 6 mm, the next ones 8 mm away
    expect(page.locator("#v-changed")).to_have_text("9 voxels changed, not saved yet")
    click(page, -90, 110)
    wait(page, lambda: "18 voxels" in page.locator("#v-changed").inner_text())
    page.keyboard.press("Control+z")
    expect(page.locator("#v-changed")).to_have_text("9 voxels changed, not saved yet")
    page.keyboard.press("Control+z")
    expect(page.locator("#v-changed")).to_have_text("Nothing changed yet")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#v-changed")).to_have_text("9 voxels changed, not saved yet")
    page.fill("#v-note", "the rim, dünn")
    with page.expect_navigation():
        page.click("#v-save")
    page.wait_for_selector('#viewer[data-state="ready"]')
    assert np.array_equal(outline_of(room, study).data, expected)
    with room.database() as connection:
        corrected = open_record(connection, room, study).document["corrected"]
    assert (corrected["from_revision"], corrected["note"], corrected["by"]) == (2, "the rim, dünn", "clinician")
    assert page.locator("#v-revision option").all_inner_texts()[0].startswith("3: by clinician, ")


def test_a_sphere_and_the_eraser(case: Case) -> None:
    page, room, study = case
    before = outline_of(room, study)
    inside = np.argwhere(before.data)
    page.click('[data-tool="brush"]')
    page.check('[name="v-label"][value="0"]')
    page.check("#v-sphere")
    move_slider(page, "#v-size", 9)
    move_slider(page, "#v-fill", 100)
    wait(page, lambda: coloured(pixels(stage(page)), CORE_RGB).sum() > 50)
    rows, columns = np.nonzero(coloured(pixels(stage(page)), CORE_RGB))
    stage(page).click(position={"x": float(np.median(columns)), "y": float(np.median(rows))})
    expect(page.locator("#v-changed")).to_contain_text("voxels changed, not saved yet")
    with page.expect_navigation():
        page.click("#v-save")
    page.wait_for_selector('#viewer[data-state="ready"]')
    gone = (before.data != 0) & (outline_of(room, study).data == 0)
    assert not (outline_of(room, study).data[before.data == 0]).any(), "an eraser adds nothing"
    spheres = [((inside - centre) ** 2).sum(axis=1) * 16.0 <= 16.0**2 for centre in inside]
    assert any(sphere.sum() == gone.sum() and gone[tuple(inside[sphere].T)].all() for sphere in spheres)
    assert len(set(np.argwhere(gone)[:, 2])) > 1, "neighbouring slices too"


def test_side_by_side_shows_every_sequence_at_one_place(case: Case) -> None:
    page, _, _ = case
    page.select_option("#v-view", "side-axial")
    names = page.locator(".v-pane:visible .v-name")
    expect(names).to_have_text(["T1", "T1c", "T2", "FLAIR"])
    panes = page.locator(".v-pane:visible")
    move_slider(page, "#v-fill", 100)
    wait(page, lambda: all(coloured(pixels(panes.nth(n)), EDEMA_RGB).sum() > 50 for n in range(4)))
    stage(page).hover(position={"x": 100, "y": 100})
    for _ in range(12):
        page.mouse.wheel(0, 100)
    wait(page, lambda: not any(coloured(pixels(panes.nth(n)), EDEMA_RGB).any() for n in range(4)))


def test_window_and_level_by_numbers_and_back(shown: Case) -> None:
    page, _, _ = shown
    before = pixels(stage(page))
    width = float(page.input_value("#v-window"))
    page.fill("#v-window", str(width / 4))
    wait(page, lambda: differ(pixels(stage(page)), before) > 2000)
    page.fill("#v-window", "-1")
    expect(page.locator("#v-window")).to_have_attribute("aria-invalid", "true")
    page.click("#v-window-reset")
    wait(page, lambda: differ(pixels(stage(page)), before) < 20)
    assert float(page.input_value("#v-window")) == width
    drag(page, (0, 0), (40, 25), button="right")
    wait(page, lambda: float(page.input_value("#v-window")) != width)


def test_zooming_in_and_the_whole_picture_again(shown: Case) -> None:
    page, _, _ = shown
    move_slider(page, "#v-fill", 100)

    def size() -> int:
        return int(coloured(pixels(stage(page)), EDEMA_RGB).sum())

    wait(page, lambda: size() > 100)
    before = size()
    page.click('[data-tool="zoom"]')
    stage(page).hover()
    for _ in range(4):
        page.mouse.wheel(0, -100)
    wait(page, lambda: size() > 1.3 * before)
    page.click("#v-whole")
    wait(page, lambda: abs(size() - before) < 0.1 * before)


def test_a_distance_is_measured_in_millimetres(shown: Case) -> None:
    page, _, _ = shown
    before = pixels(stage(page))
    page.click('[data-tool="distance"]')
    drag(page, (-90, 0), (90, 60))
    wait(page, lambda: coloured(pixels(stage(page)), (255, 217, 51)).sum() > 100)
    page.click("#v-clear")
    wait(page, lambda: differ(pixels(stage(page)), before) < 20)


def test_a_picture_holds_the_notice_and_names_nobody(shown: Case) -> None:
    page, _, study = shown
    with page.expect_download() as event:
        page.click("#v-picture")
    content = Path(event.value.path()).read_bytes()
    assert event.value.suggested_filename == "reading-room-picture.png"
    picture = Image.open(io.BytesIO(content))
    shot = np.asarray(picture.convert("RGB")).astype(np.int16)
    assert picture.info == {} or set(picture.info) <= {"dpi", "srgb", "gamma"}
    assert (shot[:-40].max(axis=2) > 150).sum() > 5000, "the pictures are in it"
    assert (np.abs(shot[-30:] - np.array((255, 207, 112))).max(axis=2) < 40).sum() > 300, "and the words below them"
    assert study.encode() not in content
    assert b"p-001" not in content
    assert DISCLAIMER in page.locator("#viewer").get_attribute("data-viewer")  # type: ignore[operator]


def test_an_older_outline_can_be_looked_at_and_not_corrected(shown: Case) -> None:
    page, _, _ = shown
    move_slider(page, "#v-fill", 100)
    wait(page, lambda: coloured(pixels(stage(page)), EDEMA_RGB).sum() > 100)
    newest = pixels(stage(page))
    page.select_option("#v-revision", "1")
    expect(page.locator("#v-older")).to_contain_text("The outline is that of revision 1")
    wait(page, lambda: differ(pixels(stage(page)), newest) > 200)
    expect(page.locator('[data-tool="brush"]')).to_be_disabled()
    expect(page.locator("#v-save")).to_be_disabled()
    page.select_option("#v-revision", "2")
    wait(page, lambda: differ(pixels(stage(page)), newest) < 20)
    expect(page.locator("#v-older")).to_be_hidden()
    expect(page.locator('[data-tool="brush"]')).to_be_enabled()


def test_a_mask_from_a_file_becomes_a_revision_or_is_refused_in_words(case: Case, tmp_path: Path) -> None:
    page, room, study = case
    seg = outline_of(room, study)
    (tmp_path / "bad.nii.gz").write_bytes(nifti_bytes(seg.data[1:], seg.affine_44))
    page.set_input_files("#v-file", tmp_path / "bad.nii.gz")
    expect(page.locator("#v-refusal")).to_contain_text("mask: found 47x48x48 voxels")
    labels = seg.data.copy()
    labels[20, 20, 20] = 3
    (tmp_path / "good.nii").write_bytes(nib.Nifti1Image(labels, seg.affine_44).to_bytes())
    with page.expect_navigation():
        page.set_input_files("#v-file", tmp_path / "good.nii")
    assert np.array_equal(outline_of(room, study).data, labels)


def test_without_contrast_core_and_enhancement_are_closed_with_the_reason(read_study: ReadStudy, visit: Visit) -> None:
    room, study = read_study("t1c")
    page = visit(room)
    opened(page, study)
    for row in ("et", "necrosis", "edema"):
        expect(page.locator(f'[data-layer="{row}"]')).to_be_disabled()
        expect(page.locator(f"#v-why-{row}")).to_contain_text("Not assessable: no t1c")
    expect(page.locator('[data-sequence="t1c"]')).to_be_disabled()
    assert readout(page, "t1c") == "missing"
    move_slider(page, "#v-fill", 100)
    shot = pixels(stage(page))
    assert not coloured(shot, ENHANCING_RGB).any()
    assert not coloured(shot, CORE_RGB).any()
    assert page.locator('[name="v-label"]').count() == 2


def test_only_clinicians_are_offered_the_brush(read_study: ReadStudy, visit: Visit) -> None:
    room, study = read_study()
    page = visit(room, "viewer")
    opened(page, study)
    assert page.locator('[data-tool="brush"], #v-save, #v-file').count() == 0
    expect(page.locator(".v-correction")).to_contain_text("The outline is corrected by a clinician.")


def test_a_file_that_was_changed_is_said_in_words(read_study: ReadStudy, visit: Visit) -> None:
    room, study = read_study()
    with room.database() as connection:
        path = open_record(connection, room, study).images["t1c"]
    path.write_bytes(path.read_bytes()[:-1])
    page = visit(room)
    page.goto(f"/studies/{study}")
    expect(page.locator(".v-message")).to_contain_text("found a file that is missing or was changed")


def test_a_browser_without_a_graphics_card_is_told(read_study: ReadStudy, blind_page: Callable[[Room], Page]) -> None:
    room, study = read_study()
    page = blind_page(room)
    page.goto(f"/studies/{study}")
    expect(page.locator(".v-message")).to_contain_text("Pictures need WebGL 2")


def test_the_viewer_is_accessible(shown: Case) -> None:
    page, _, _ = shown
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, context="#viewer")
        assert found.violations_count == 0, found.generate_report()
