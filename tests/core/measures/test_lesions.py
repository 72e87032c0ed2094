"""Pieces of a region: number, size, distance."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.measures.case import count_satellites
from gmmas_core.measures.lesions import find_pieces
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS

Ellipsoid = Callable[..., NDArray[np.bool_]]
Grids = dict[str, NDArray[np.float64]]


@pytest.mark.parametrize("name", ["isotropic", "sagittal", "oblique"])
def test_two_balls_are_as_far_apart_as_they_are(name: str, grids: Grids, ellipsoid: Ellipsoid) -> None:
    affine = grids[name]
    mask = ellipsoid(affine, [12.0] * 3, (-15, 0, 0)) | ellipsoid(affine, [6.0] * 3, (20, 5, 3))
    large, small = find_pieces(Volume(mask, affine)).lesions
    assert large.volume_ml == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.03)
    assert small.volume_ml == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.05)
    assert large.distance_mm == 0
    gap = np.linalg.norm([35, 5, 3]) - 18
    assert small.distance_mm == pytest.approx(gap + 0.7, abs=1.6)  # between voxel centres
    assert small.centre_mm == pytest.approx((20, 5, 3), abs=0.3)


def test_specks_are_counted_apart() -> None:
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[:5, :5, :5] = True
    mask[10, 10, 10] = mask[15, 15, 15] = True
    found = find_pieces(Volume(mask, np.eye(4)))
    assert len(found.lesions) == 1
    assert (found.specks, found.specks_ml) == (2, pytest.approx(0.002))


def test_nothing_has_no_pieces() -> None:
    found = find_pieces(Volume(np.zeros((4, 4, 4), dtype=bool), np.eye(4)))
    assert (found.lesions, found.specks) == ((), 0)


def test_corners_touch() -> None:
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[:6, :6, :6] = mask[6:, 6:, 6:] = True
    assert len(find_pieces(Volume(mask, np.eye(4))).lesions) == 1


def test_a_satellite_lies_in_the_same_oedema_but_apart_from_the_core(grids: Grids, ellipsoid: Ellipsoid) -> None:
    affine = grids["isotropic"]
    seg = np.where(ellipsoid(affine, (40.0, 20.0, 20.0)), EDEMA, 0).astype(np.uint8)
    seg[ellipsoid(affine, [12.0] * 3, (-20, 0, 0))] = NECROSIS
    seg[ellipsoid(affine, [4.0] * 3, (-20, 0, 0))] = ENHANCING
    assert count_satellites(Volume(seg, affine)) == 0
    seg[ellipsoid(affine, [4.0] * 3, (20, 0, 0))] = ENHANCING
    assert count_satellites(Volume(seg, affine)) == 1
    seg[ellipsoid(affine, [4.0] * 3, (0, 40, 30))] = ENHANCING  # elsewhere: another tumour, no satellite
    assert count_satellites(Volume(seg, affine)) == 1
