"""Diameters: analytic shapes within the stated error, on any grid, whatever the order of axes."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gmmas_core.data.grid import Volume
from gmmas_core.measures.diameters import Bidimensional, measure_diameters
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS

Ellipsoid = Callable[..., NDArray[np.bool_]]
Grids = dict[str, NDArray[np.float64]]


def labelled(mask: NDArray[np.bool_], affine_44: NDArray[np.float64], label: int = ENHANCING) -> Volume:
    return Volume(mask.astype(np.uint8) * np.uint8(label), affine_44)


@pytest.mark.parametrize("name", ["isotropic", "thick slices", "sagittal"])
def test_an_ellipsoid_turned_in_the_axial_plane(name: str, grids: Grids, ellipsoid: Ellipsoid) -> None:
    turn = Rotation.from_euler("z", 33, degrees=True).as_matrix()
    seg = labelled(ellipsoid(grids[name], (32.0, 18.0, 14.0), turn_33=turn), grids[name])
    found = measure_diameters(seg, "et")
    (lesion,) = found.lesions
    assert lesion.longest.value == pytest.approx(64, abs=lesion.longest.error)
    assert lesion.perpendicular.value == pytest.approx(36, abs=lesion.perpendicular.error)
    assert lesion.product.value == pytest.approx(64 * 36, abs=lesion.product.error)
    assert found.longest_3d.value == pytest.approx(64, abs=found.longest_3d.error)
    assert lesion.is_measurable
    assert found.sum_of_products == lesion.product


def test_the_longest_in_space_is_found_off_the_axial_plane(grids: Grids, ellipsoid: Ellipsoid) -> None:
    turn = Rotation.from_euler("xyz", (50, 20, 0), degrees=True).as_matrix()
    seg = labelled(ellipsoid(grids["oblique"], (12.0, 12.0, 36.0), turn_33=turn), grids["oblique"])
    found = measure_diameters(seg, "et")
    assert found.longest_3d.value == pytest.approx(72, abs=found.longest_3d.error)
    assert found.lesions[0].longest.value < 60


def test_the_order_and_direction_of_the_axes_change_nothing(
    grids: Grids, ellipsoid: Ellipsoid, turns: Callable[[Volume], list[Volume]]
) -> None:
    turn = Rotation.from_euler("xyz", (10, 20, 30), degrees=True).as_matrix()
    for name, step in (("thick slices", 1), ("oblique", 7)):
        seg = labelled(ellipsoid(grids[name], (20.0, 12.0, 15.0), (4, 6, -3), turn), grids[name])
        found = [measure_diameters(turned, "et") for turned in turns(seg)[::step]]
        values = np.array([_numbers(each.lesions[0]) for each in found])
        assert np.abs(values - values[0]).max() < 1e-6
        spatial = np.array([each.longest_3d.value for each in found])
        assert np.ptp(spatial) < 1e-6


def _numbers(lesion: Bidimensional) -> list[float]:
    return [lesion.longest.value, lesion.perpendicular.value, lesion.product.value, lesion.height_mm]


def test_the_segments_to_draw_are_the_diameters_and_lie_in_the_slice(grids: Grids, ellipsoid: Ellipsoid) -> None:
    seg = labelled(ellipsoid(grids["thick slices"], (20.0, 12.0, 15.0), (4, 6, -3)), grids["thick slices"])
    (lesion,) = measure_diameters(seg, "et").lesions
    first, second = np.array(lesion.longest_mm), np.array(lesion.perpendicular_mm)
    assert np.linalg.norm(first[1] - first[0]) == pytest.approx(lesion.longest.value)
    assert np.linalg.norm(second[1] - second[0]) == pytest.approx(lesion.perpendicular.value)
    assert np.dot(first[1] - first[0], second[1] - second[0]) == pytest.approx(0, abs=1e-6)
    assert first[:, 2] == pytest.approx(lesion.height_mm)
    assert second[:, 2] == pytest.approx(lesion.height_mm)
    assert first.mean(axis=0)[:2] == pytest.approx((4, 6), abs=1.5)


def test_a_broken_ring_is_one_lesion_measured_from_rim_to_rim(grids: Grids, ellipsoid: Ellipsoid) -> None:
    affine = grids["isotropic"]
    outer, inner = ellipsoid(affine, (25.0, 18.0, 16.0)), ellipsoid(affine, (21.0, 14.0, 12.0))
    seg = np.where(inner, NECROSIS, np.where(outer, ENHANCING, 0)).astype(np.uint8)
    seg[:, 46:54][seg[:, 46:54] == ENHANCING] = NECROSIS  # the ring falls into two halves
    found = measure_diameters(Volume(seg, affine), "et")
    assert len(found.lesions) == 1
    assert found.lesions[0].longest.value == pytest.approx(50, abs=2.5)


def test_lesions_come_largest_first_and_only_measurable_ones_are_summed(grids: Grids, ellipsoid: Ellipsoid) -> None:
    affine = grids["isotropic"]
    mask = ellipsoid(affine, (4.0, 4.0, 4.0), (-30, 0, 0)) | ellipsoid(affine, (12.0, 12.0, 12.0), (20, 0, 0))
    mask |= ellipsoid(affine, (8.0, 8.0, 8.0), (-10, 0, 0))
    mask[2, 2, 2] = True  # a speck is no lesion
    found = measure_diameters(labelled(mask, affine), "et")
    assert [lesion.is_measurable for lesion in found.lesions] == [True, True, False]
    products = [lesion.product.value for lesion in found.lesions]
    assert products == sorted(products, reverse=True)
    assert found.sum_of_products.value == pytest.approx(sum(products[:2]))


def test_thick_slices_ask_for_larger_lesions(ellipsoid: Ellipsoid, grids: Grids) -> None:
    twelve_mm = labelled(ellipsoid(grids["thick slices"], (6.2, 6.2, 9.0)), grids["thick slices"])
    assert measure_diameters(twelve_mm, "et").lesions[0].is_measurable
    thicker = grids["thick slices"].copy()
    thicker[:3, 2] *= 7 / 5.5
    assert not measure_diameters(Volume(twelve_mm.data, thicker), "et").lesions[0].is_measurable


def test_slices_are_thick_whichever_way_they_run(ellipsoid: Ellipsoid) -> None:
    sagittal = np.diag([7.0, 0.9, 0.9, 1.0])
    sagittal[:3, 3] = -np.diag(sagittal)[:3] * (np.array([15, 112, 112]) - 1) / 2
    lesion = measure_diameters(labelled(ellipsoid(sagittal, (8.0, 6.2, 6.2)), sagittal), "et").lesions[0]
    assert min(lesion.longest.value, lesion.perpendicular.value) > 10
    assert not lesion.is_measurable


def test_one_slice_is_not_enough_to_be_measurable(ellipsoid: Ellipsoid, grids: Grids) -> None:
    seg = labelled(ellipsoid(grids["isotropic"], (20.0, 15.0, 15.0)), grids["isotropic"])
    seg.data[:, :, 51:] = 0
    seg.data[:, :, :50] = 0
    found = measure_diameters(seg, "et")
    assert found.lesions[0].longest.value > 35
    assert not found.lesions[0].is_measurable
    assert found.sum_of_products.value == 0


def test_a_tumour_of_one_voxel_has_the_voxels_size() -> None:
    seg = np.zeros((3, 3, 3), dtype=np.uint8)
    seg[1, 1, 1] = EDEMA
    found = measure_diameters(Volume(seg, np.diag([1.0, 1, 2, 1])), "wt")
    assert found.lesions[0].longest.value == pytest.approx(1.0)
    assert found.longest_3d.value == pytest.approx(2.0)
    assert found.sum_of_products.value == 0


def test_an_empty_region_is_refused() -> None:
    seg = np.full((3, 3, 3), EDEMA, dtype=np.uint8)
    with pytest.raises(ValueError):
        measure_diameters(Volume(seg, np.eye(4)), "et")
