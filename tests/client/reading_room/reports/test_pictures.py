"""Pictures show the right side on the left, the front above, and the outline where the mask is."""

import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from client.predicting.result_files import nifti_bytes
from client.reading_room.reports.drawing import COLOURS, GAP, TILE, doubts, outlines
from client.reading_room.reports.slices import PLANES, take_slices
from gmmas_core.types import DataError

SHAPE = (40, 50, 30)
TUMOUR = (slice(26, 34), slice(34, 42), slice(18, 24))
"""In RAS+ voxels: to the right, in front and above the middle."""

RAS = np.diag([2.0, 2.0, 3.0, 1.0])


def volumes() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A grey block with a mask in it, RAS+."""
    image_XYZ = np.zeros(SHAPE, dtype=np.float32)
    image_XYZ[5:35, 5:45, 3:27] = np.random.default_rng(0).uniform(50, 100, (30, 40, 24))
    seg_XYZ = np.zeros(SHAPE, dtype=np.uint8)
    seg_XYZ[TUMOUR] = 2
    seg_XYZ[28:32, 36:40, 19:23] = 1
    return image_XYZ, seg_XYZ


def written(folder: Path, orientation: str) -> tuple[dict[str, Path], Path, Path]:
    """The two volumes and a map of doubt, stored in another order of axes."""
    image_XYZ, seg_XYZ = volumes()
    files = {"flair": image_XYZ, "seg": seg_XYZ, "doubt": (seg_XYZ > 0).astype(np.float32)}
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(RAS), nib.orientations.axcodes2ornt(tuple(orientation))
    )
    for name, values in files.items():
        turned = nib.orientations.apply_orientation(values, turn)
        affine_44 = RAS @ nib.orientations.inv_ornt_aff(turn, SHAPE)
        (folder / f"{name}.nii.gz").write_bytes(nifti_bytes(np.ascontiguousarray(turned), affine_44))
    return {"flair": folder / "flair.nii.gz"}, folder / "seg.nii.gz", folder / "doubt.nii.gz"


def drawn(picture: tuple[bytes, int, int]) -> NDArray[np.uint8]:
    png, width, height = picture
    pixels_RC3 = np.asarray(Image.open(io.BytesIO(png)))
    assert pixels_RC3.shape == (height, width, 3)
    return pixels_RC3


def middle_of(pixels_RC3: NDArray[np.uint8], colour: tuple[int, int, int], tile: int) -> tuple[float, float]:
    """Row and column of the middle of a colour within a tile, from 0 to 1."""
    left = tile * (TILE + GAP)
    rows, columns = np.nonzero((pixels_RC3[:, left : left + TILE] == colour).all(axis=2))
    return (rows.min() + rows.max()) / 2 / TILE, (columns.min() + columns.max()) / 2 / TILE


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "ASR", "PIR"])
def test_right_is_left_front_and_top_are_above(tmp_path: Path, orientation: str) -> None:
    sequence, slices = take_slices(*written(tmp_path, orientation))
    assert sequence == "flair"
    assert [each.plane for each in slices] == list(PLANES)
    assert [each.letters for each in slices] == ["RLAP", "RLSI", "APSI"]
    pixels = drawn(outlines(slices))
    assert pixels.shape[1] == 3 * TILE + 2 * GAP
    for tile in range(3):
        row, column = middle_of(pixels, COLOURS["wt"], tile)
        assert row < 0.45  # in front, above, above
        assert column < 0.45  # right, right, front


def test_every_order_of_axes_gives_the_same_picture(tmp_path: Path) -> None:
    pictures = []
    for orientation in ("RAS", "LPS", "SLA"):
        folder = tmp_path / orientation
        folder.mkdir()
        pictures.append(outlines(take_slices(*written(folder, orientation))[1]))
    assert pictures[0] == pictures[1] == pictures[2]


def test_the_line_lies_on_the_mask_s_border(tmp_path: Path) -> None:
    _, slices = take_slices(*written(tmp_path, "RAS"))
    axial = slices[0]
    pixels = drawn(outlines(slices[:1], ("wt",)))
    rows, columns = np.nonzero((pixels == COLOURS["wt"]).all(axis=2))
    scale = TILE / max(n * mm for n, mm in zip(axial.grey_RC.shape, axial.edges_mm, strict=True))
    assert rows.max() - rows.min() + 1 == pytest.approx(8 * 2 * scale, abs=4)
    assert columns.max() - columns.min() + 1 == pytest.approx(8 * 2 * scale, abs=4)


def test_only_the_regions_asked_for_are_drawn(tmp_path: Path) -> None:
    _, slices = take_slices(*written(tmp_path, "RAS"))
    pixels = drawn(outlines(slices, ("wt",)))
    assert not (pixels == COLOURS["tc"]).all(axis=2).any()
    assert (drawn(outlines(slices)) == COLOURS["tc"]).all(axis=2).any()


def test_doubt_is_bright_where_it_is(tmp_path: Path) -> None:
    _, slices = take_slices(*written(tmp_path, "LPS"))
    pixels = drawn(doubts(slices)).astype(int).sum(axis=2)
    row, column = middle_of(drawn(outlines(slices)), COLOURS["wt"], 0)
    assert pixels[int(row * TILE), int(column * TILE)] > 200
    assert pixels[int(0.8 * TILE), int(0.8 * TILE)] < 20


def test_a_case_without_a_tumour_shows_the_middle_of_the_head(tmp_path: Path) -> None:
    images, seg, _ = written(tmp_path, "RAS")
    seg.write_bytes(nifti_bytes(np.zeros(SHAPE, dtype=np.uint8), RAS))
    _, slices = take_slices(images, seg, None)
    assert all(each.grey_RC.any() for each in slices)
    assert slices[0].entropy_RC is None


def test_an_image_on_another_grid_is_not_drawn_on(tmp_path: Path) -> None:
    images, seg, _ = written(tmp_path, "RAS")
    seg.write_bytes(nifti_bytes(np.zeros((8, 8, 8), dtype=np.uint8), RAS))
    with pytest.raises(DataError, match="none on the grid"):
        take_slices(images, seg, None)
