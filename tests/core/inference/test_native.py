"""Labels on the scanner's own grid: exact where the voxels are the same, smooth where they are not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.inference.native import labels_on_native, same_voxels, values_on_native, volume_ml

ORIENTATIONS = {
    "RAS": np.diag([4.0, 4.0, 4.0, 1.0]),
    "LPS": np.diag([-4.0, -4.0, 4.0, 1.0]),
    "LAS": np.diag([-4.0, 4.0, 4.0, 1.0]),
    "SRA": np.array([[0, 4.0, 0, 3.0], [0, 0, 4.0, -7.0], [4.0, 0, 0, 11.0], [0, 0, 0, 1.0]]),
}


def tilted(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:2, :2] = 4.0 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return affine


def one_hot(labels_XYZ: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(labels_XYZ).long(), 4).movedim(-1, 0).float()


def ball(prepared: Any) -> np.ndarray:
    """A nested tumour in scanner millimetres, evaluated at the brain crop's own voxels."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in prepared.image_CXYZ.shape[1:]), indexing="ij"), -1)
    return tumour_at(
        (index + prepared.crop_start) @ prepared.inside.affine_44[:3, :3].T + prepared.inside.affine_44[:3, 3], prepared
    )


def tumour_at(mm: np.ndarray, prepared: Any) -> np.ndarray:
    grid = prepared.native
    middle = grid.affine_44[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine_44[:3, 3]
    distance = np.linalg.norm(mm - middle - np.array([9.0, -5.0, 7.0]), axis=-1)
    return np.select([distance < 12, distance < 22, distance < 36], [1, 3, 2], 0).astype(np.uint8)


def on_native(prepared: Any) -> np.ndarray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in prepared.native.shape), indexing="ij"), -1)
    return tumour_at(index @ prepared.native.affine_44[:3, :3].T + prepared.native.affine_44[:3, 3], prepared)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_same_voxels_come_back_exactly(make_prepared: Callable[..., Any], orientation: str) -> None:
    prepared = make_prepared(affine_44=ORIENTATIONS[orientation])
    assert same_voxels(prepared)
    probability = one_hot(ball(prepared))
    found = labels_on_native(probability, probability.argmax(0), prepared)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, on_native(prepared))


@pytest.mark.parametrize(
    ("affine_44", "spacing_mm"),
    [(tilted(20), 4.0), (np.diag([3.0, 3.0, 6.0, 1.0]), 4.0), (np.diag([4.0] * 3 + [1]), 3.0)],
)
def test_other_voxels_come_back_closely(
    make_prepared: Callable[..., Any], affine_44: np.ndarray, spacing_mm: float
) -> None:
    prepared = make_prepared(affine_44=affine_44, spacing_mm=spacing_mm)
    assert not same_voxels(prepared)
    probability = one_hot(ball(prepared))
    found, truth = labels_on_native(probability, probability.argmax(0), prepared), on_native(prepared)
    assert found.shape == prepared.native.shape
    assert found[0, 0, 0] == 0
    for label in (1, 2, 3):
        overlap = 2 * np.sum((found == label) & (truth == label)) / (np.sum(found == label) + np.sum(truth == label))
        assert overlap > 0.75
    whole = 2 * np.sum((found > 0) & (truth > 0)) / (np.sum(found > 0) + np.sum(truth > 0))
    assert whole > 0.93


@pytest.mark.parametrize("affine_44", [ORIENTATIONS["LPS"], tilted(20)])
def test_what_was_taken_out_is_background_there_too(make_prepared: Callable[..., Any], affine_44: np.ndarray) -> None:
    prepared = make_prepared(affine_44=affine_44)
    kept = ball(prepared)
    x, _, z = (n // 2 for n in kept.shape)
    speck, seam = ((slice(x - r, x + r + 1), slice(4 - r, 5 + r), slice(z - r, z + r + 1)) for r in (1, 2))
    assert not kept[seam].any()
    speckled = kept.copy()
    speckled[speck] = 3
    probability = one_hot(speckled)
    # Around the speck the network doubts, but background is more likely.
    doubtful = torch.zeros(kept.shape, dtype=torch.bool)
    doubtful[seam] = True
    doubtful[speck] = False
    probability[:, doubtful] = torch.tensor([0.51, 0.0, 0.0, 0.49])[:, None]
    before = labels_on_native(probability, torch.from_numpy(speckled), prepared)
    after = labels_on_native(probability, torch.from_numpy(kept), prepared)
    assert (before != after).any()
    plain = one_hot(kept)
    np.testing.assert_array_equal(after, labels_on_native(plain, plain.argmax(0), prepared))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_map_moves_with_its_voxels(make_prepared: Callable[..., Any], orientation: str) -> None:
    prepared = make_prepared(affine_44=ORIENTATIONS[orientation])
    found = values_on_native(torch.from_numpy(ball(prepared) * 0.25), prepared)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, on_native(prepared) * np.float32(0.25))


def test_a_map_on_other_voxels_is_interpolated_and_zero_outside(make_prepared: Callable[..., Any]) -> None:
    prepared = make_prepared(affine_44=tilted(20))
    found = values_on_native(torch.full(prepared.image_CXYZ.shape[1:], 0.5), prepared)
    middle = tuple(n // 2 for n in found.shape)
    assert found[middle] == 0.5
    assert found[0, 0, 0] == 0
    assert 0 <= found.min() < found.max() == pytest.approx(0.5)


def test_a_small_header_rounding_is_still_the_same_voxels(make_prepared: Callable[..., Any]) -> None:
    affine = np.diag([-4.0, -4.0, 4.0, 1.0])
    affine[:3, 3] = np.float32([90.1, 125.7, -71.3])
    assert same_voxels(make_prepared(affine_44=affine))


def test_volume_counts_native_voxels() -> None:
    affine = np.diag([0.9, -0.9, 5.5, 1.0])
    assert volume_ml(1000, affine) == pytest.approx(0.9 * 0.9 * 5.5)
