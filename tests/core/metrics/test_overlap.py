"""Dice and HD95 against hand-worked values and against MONAI."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.metrics import overlap

ISOTROPIC = (1.0, 1.0, 1.0)


def _blobs(rng: np.random.Generator, shape: Sequence[int], share: float) -> NDArray[np.bool_]:
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    return smooth > np.quantile(smooth, 1 - share)


def _ball(shape: Sequence[int], centre: Sequence[float], radius: float) -> NDArray[np.bool_]:
    grid = np.ogrid[tuple(slice(edge) for edge in shape)]
    return sum((axis - middle) ** 2 for axis, middle in zip(grid, centre)) <= radius**2


@pytest.mark.parametrize("spacing_mm", [ISOTROPIC, (0.9, 0.9, 5.5), (2.0, 1.0, 0.5)])
@pytest.mark.parametrize("seed", range(4))
def test_hd95_equals_monai(seed: int, spacing_mm: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    pred, ref = _blobs(rng, (30, 41, 22), 0.05), _blobs(rng, (30, 41, 22), 0.2)
    stacked = [torch.from_numpy(mask)[None, None] for mask in (pred, ref)]
    expected = compute_hausdorff_distance(*stacked, include_background=True, percentile=95, spacing=list(spacing_mm))
    assert overlap.hd95(pred, ref, spacing_mm) == pytest.approx(expected.item(), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_hd95_equals_monai_when_masks_are_far_apart(seed: int) -> None:
    """Distances far beyond the first reach of the search, one way, the other, and both."""
    shape, rng = (120, 40, 40), np.random.default_rng(seed)
    near, far = _ball(shape, (12, 20, 20), 8), _ball(shape, (105, 20, 20), 6)
    pairs = [(near, far), (near | far, near), (near, near | far | (rng.random(shape) < 0.001))]
    for pred, ref in pairs:
        stacked = [torch.from_numpy(mask)[None, None] for mask in (pred, ref)]
        expected = compute_hausdorff_distance(*stacked, include_background=True, percentile=95)
        assert overlap.hd95(pred, ref, ISOTROPIC) == pytest.approx(expected.item(), abs=1e-4)


def test_hd95_is_in_millimetres_and_touches_the_border() -> None:
    ref = np.zeros((10, 10, 10), dtype=bool)
    ref[0:4, 0:4, 0:4] = True
    pred = np.roll(ref, 2, axis=2)
    assert overlap.hd95(pred, ref, (1.0, 1.0, 5.0)) == pytest.approx(10.0)
    assert overlap.hd95(ref, pred, (1.0, 1.0, 5.0)) == pytest.approx(10.0)


def test_legacy_conventions_for_empty_masks() -> None:
    empty, full = np.zeros((4, 4, 4), dtype=bool), np.ones((4, 4, 4), dtype=bool)
    assert (overlap.dice(empty, empty), overlap.hd95(empty, empty, ISOTROPIC)) == (1.0, 0.0)
    for pred, ref in ((empty, full), (full, empty)):
        assert overlap.dice(pred, ref) == 0.0
        assert overlap.hd95(pred, ref, ISOTROPIC) == pytest.approx(373.13, abs=0.005)
        with pytest.raises(ValueError, match="found an empty mask"):
            overlap.surface_hd95(pred, ref, ISOTROPIC)


def test_dice_by_hand() -> None:
    pred, ref = np.zeros((2, 3, 4), dtype=bool), np.zeros((2, 3, 4), dtype=bool)
    pred[0, 0, :3] = True  # 3 voxels
    ref[0, 0, 1:] = ref[1, 0, :2] = True  # 5 voxels, 2 in common
    assert overlap.dice(pred, ref) == pytest.approx(2 * 2 / 8)


def test_regions_are_nested_sets_of_labels() -> None:
    seg = np.array([[[0, 1, 2, 3]]], dtype=np.uint8)
    assert overlap.region_mask(seg, "wt").tolist() == [[[False, True, True, True]]]
    assert overlap.region_mask(seg, "tc").tolist() == [[[False, True, False, True]]]
    assert overlap.region_mask(seg, "et").tolist() == [[[False, False, False, True]]]


def test_foreground_box_is_tight_and_stays_inside() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    assert overlap.foreground_box(mask) is None
    mask[1:3, 4, 5:9] = True
    assert overlap.foreground_box(mask) == (slice(1, 3), slice(4, 5), slice(5, 9))
    grown = overlap.foreground_box(mask, (2, 2, 2))
    assert grown is not None
    assert mask[grown].shape == (5, 5, 6)


@pytest.mark.slow
def test_a_brats_sized_case_takes_under_two_seconds() -> None:
    shape = (240, 240, 155)
    ref, pred = _ball(shape, (120, 120, 80), 35), _ball(shape, (124, 121, 78), 33)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        overlap.hd95(pred, ref, ISOTROPIC)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 2
