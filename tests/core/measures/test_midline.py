"""The midline of phantoms, whose true one is known, and the error that is stated for it; and sides against it."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gmmas_core.data.grid import Volume
from gmmas_core.measures.midline import Midline, estimate_midline
from gmmas_core.measures.sides import Crossing, Side, measure_side
from gmmas_core.measures.values import Missing

Phantom = Callable[..., tuple[dict[str, Volume], Volume]]

PLANE = Midline(offset_mm=0.0, by_y=0.0, by_z=0.0, error_mm=2.0, likeness=0.7)


def tumour_of(seg: Volume) -> Volume:
    return Volume(seg.data > 0, seg.affine_44)


def points_of(mask: Volume) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.argwhere(mask.data) @ mask.affine_44[:3, :3].T + mask.affine_44[:3, 3]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_the_true_midline_lies_within_the_stated_error(seed: int, phantom: Phantom) -> None:
    images, seg = phantom(seed, size=48)
    found = estimate_midline(images, tumour_of(seg))
    assert isinstance(found, Midline)
    where = points_of(tumour_of(seg))
    assert np.abs(found.right_of_mm(where) - where[:, 0]).max() < found.error_mm + 0.5
    assert 2.0 <= found.error_mm < 8


def test_a_head_that_lies_askew_is_followed(phantom: Phantom) -> None:
    images, seg = phantom(2, size=48)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("zy", (9, 6), degrees=True).as_matrix()
    turn[:3, 3] = (11, -20, 5)
    askew = {name: Volume(image.data, turn @ image.affine_44) for name, image in images.items()}
    found = estimate_midline(askew, Volume(seg.data > 0, turn @ seg.affine_44))
    assert isinstance(found, Midline)
    where = points_of(tumour_of(seg))
    moved = where @ turn[:3, :3].T + turn[:3, 3]
    assert np.abs(found.right_of_mm(moved) - where[:, 0]).max() < found.error_mm + 0.5


def test_the_files_orientation_changes_nothing(phantom: Phantom, turns: Callable[[Volume], list[Volume]]) -> None:
    images, seg = phantom(1, size=48)
    chosen = {name: turns(image)[29] for name, image in images.items()}
    first = estimate_midline(images, tumour_of(seg))
    second = estimate_midline(chosen, turns(tumour_of(seg))[29])
    assert isinstance(first, Midline)
    assert isinstance(second, Midline)
    assert second.offset_mm == pytest.approx(first.offset_mm, abs=1e-6)


def test_without_an_image_or_without_a_brain_there_is_no_midline(phantom: Phantom) -> None:
    _, seg = phantom(1, size=48)
    nothing = estimate_midline({}, tumour_of(seg))
    assert isinstance(nothing, Missing)
    noise = np.random.default_rng(0).normal(100, 20, seg.data.shape)
    found = estimate_midline({"t1": Volume(noise, seg.affine_44)}, tumour_of(seg))
    assert isinstance(found, Missing)
    assert "mirror" in found.reason
    empty = estimate_midline({"t1": Volume(np.zeros(seg.data.shape), seg.affine_44)}, tumour_of(seg))
    assert isinstance(empty, Missing)


def slab(first_mm: int, last_mm: int) -> Volume:
    """A bar of 10 x 10 mm along X; its voxels' centres run from one place to the other."""
    affine_44 = np.eye(4)
    affine_44[:3, 3] = (first_mm, 0, 0)
    return Volume(np.ones((last_mm - first_mm + 1, 10, 10), dtype=bool), affine_44)


@pytest.mark.parametrize(
    ("first", "last", "side", "crossing"),
    [
        (5, 30, Side.RIGHT, Crossing.NO),
        (-30, -5, Side.LEFT, Crossing.NO),
        (-30, 30, Side.BOTH, Crossing.YES),
        (-10, 40, Side.RIGHT, Crossing.YES),
        (1, 30, Side.RIGHT, Crossing.OPEN),
        (-2, 30, Side.RIGHT, Crossing.OPEN),
        (-1, 1, Side.MIDLINE, Crossing.OPEN),
    ],
)
def test_sides_and_crossing_respect_the_midlines_error(first: int, last: int, side: Side, crossing: Crossing) -> None:
    found = measure_side(slab(first, last), PLANE)
    assert (found.side, found.crossing) == (side, crossing)
    assert found.right + found.left + found.undecided == pytest.approx(1)
    assert found.midline_error_mm == 2.0
    assert found.beyond_mm == max(0, min(-first, last))


def test_mirroring_the_patient_swaps_right_and_left() -> None:
    region = slab(-10, 40)
    mirrored = Volume(region.data, np.diag([-1.0, 1, 1, 1]) @ region.affine_44)
    one, other = measure_side(region, PLANE), measure_side(mirrored, PLANE)
    assert (one.right, one.left) == (other.left, other.right)
    assert other.side is Side.LEFT


def test_a_sequence_without_contrast_does_not_hide_the_others(phantom: Phantom) -> None:
    images, seg = phantom(1, size=48)
    flat = {**images, "t1": Volume((images["t1"].data != 0).astype(np.float32), seg.affine_44)}
    tumour = Volume(seg.data > 0, seg.affine_44)
    found, without = (estimate_midline(some, tumour) for some in (flat, {k: v for k, v in images.items() if k != "t1"}))
    assert isinstance(found, Midline)
    assert isinstance(without, Midline)
    assert found.offset_mm == pytest.approx(without.offset_mm, abs=1)
