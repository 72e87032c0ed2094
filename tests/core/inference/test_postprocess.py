"""What each way of post-processing keeps and drops, on masks small enough to count by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.inference.postprocess import POSTPROCESS

SHAPE = (40, 40, 40)
ML = 0.008
"""Millilitres of a 2 mm voxel."""

Labels = NDArray[np.uint8]


def with_cubes(*cubes: tuple[int, int, int]) -> Labels:
    """Cubes (first voxel along every axis, edge, label)."""
    labels = np.zeros(SHAPE, np.uint8)
    for start, edge, label in cubes:
        labels[start : start + edge, start : start + edge, start : start + edge] = label
    return labels


@pytest.mark.parametrize("name", POSTPROCESS)
def test_one_lesion_is_left_alone(name: str) -> None:
    lesion = with_cubes((5, 10, 2), (7, 6, 3), (9, 2, 1))
    before = lesion.copy()
    np.testing.assert_array_equal(POSTPROCESS[name](lesion, ML), before)
    np.testing.assert_array_equal(lesion, before)


@pytest.mark.parametrize("name", POSTPROCESS)
def test_no_tumour_stays_no_tumour(name: str) -> None:
    assert not POSTPROCESS[name](np.zeros(SHAPE, np.uint8), ML).any()


@pytest.mark.parametrize("name", ["paper", "multifocal"])
def test_specks_far_away_are_dropped(name: str) -> None:
    lesion = with_cubes((5, 10, 2))
    specks = lesion.copy()
    specks[35, 35, 35], specks[38, 2, 30], specks[1, 38, 38] = 1, 2, 3
    kept = POSTPROCESS[name](specks, ML)
    np.testing.assert_array_equal(kept, lesion)
    assert kept.dtype == np.uint8


def test_paper_leaves_a_dense_box_alone() -> None:
    near = with_cubes((5, 10, 2))
    near[16, 16, 16] = 2  # 1001 of 12^3 voxels
    np.testing.assert_array_equal(POSTPROCESS["paper"](near, ML), near)


def test_paper_adds_components_until_half_is_kept() -> None:
    # 125 + 64 + 27 + 27 + 27 = 270 voxels in a box of 37^3: 125 is less than half, 189 is enough.
    scattered = with_cubes((0, 5, 2), (34, 3, 1))
    scattered[20:24, 0:4, 30:34] = 3
    scattered[0:3, 34:37, 0:3], scattered[34:37, 0:3, 0:3] = 2, 2
    kept = POSTPROCESS["paper"](scattered, ML)
    assert np.count_nonzero(kept) == 125 + 64
    assert set(np.unique(kept)) == {0, 2, 3}


def test_paper_keeps_exactly_half_alone() -> None:
    halves = with_cubes((0, 2, 2), (38, 2, 1))
    kept = POSTPROCESS["paper"](halves, ML)
    assert np.count_nonzero(kept) == 8
    assert kept[0, 0, 0] == 2


def test_multifocal_keeps_every_lesion_the_paper_would_drop() -> None:
    two = with_cubes((2, 8, 2), (30, 6, 3))
    np.testing.assert_array_equal(POSTPROCESS["multifocal"](two, ML), two)
    assert np.count_nonzero(POSTPROCESS["paper"](two, ML)) == 8**3


@pytest.mark.parametrize(
    ("edge", "voxel_ml", "stays"),
    [
        (3, 0.008, True),  # 27 voxels, 0.216 mL, a lesion of 125 beside it
        (2, 0.008, False),  # 8 voxels, 0.064 mL: too small, and less than a tenth
        (2, 0.064, False),  # 0.512 mL, but less than a tenth of 125 voxels
        (3, 0.003, False),  # more than a tenth, but 0.081 mL
    ],
)
def test_multifocal_needs_a_tenth_and_a_tenth_of_a_millilitre(edge: int, voxel_ml: float, stays: bool) -> None:
    labels = with_cubes((2, 5, 2), (30, edge, 3))
    assert POSTPROCESS["multifocal"](labels, voxel_ml)[30, 30, 30] == (3 if stays else 0)


def test_corners_touch_and_labels_do_not_separate() -> None:
    chain = with_cubes((2, 5, 2), (7, 1, 1), (8, 1, 3))
    np.testing.assert_array_equal(POSTPROCESS["multifocal"](chain, ML), chain)


def test_nothing_but_specks_is_no_tumour() -> None:
    assert not POSTPROCESS["multifocal"](with_cubes((3, 2, 2)), ML).any()
