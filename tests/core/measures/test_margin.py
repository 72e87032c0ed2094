"""Thickness of an enhancing margin."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.measures.margin import Margin, measure_margin
from gmmas_core.measures.values import Missing
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS

Ellipsoid = Callable[..., NDArray[np.bool_]]
Grids = dict[str, NDArray[np.float64]]


def shell(affine_44: NDArray[np.float64], ellipsoid: Ellipsoid, thickness: float) -> Volume:
    seg = np.where(ellipsoid(affine_44, [34.0] * 3), EDEMA, 0).astype(np.uint8)
    seg[ellipsoid(affine_44, [18.0 + thickness] * 3)] = ENHANCING
    seg[ellipsoid(affine_44, [18.0] * 3)] = NECROSIS
    return Volume(seg, affine_44)


@pytest.mark.parametrize("thickness", [2.0, 4.0, 9.0])
@pytest.mark.parametrize("name", ["isotropic", "sagittal", "oblique"])
def test_a_shell_is_as_thick_as_it_is(name: str, thickness: float, grids: Grids, ellipsoid: Ellipsoid) -> None:
    found = measure_margin(shell(grids[name], ellipsoid, thickness))
    assert isinstance(found, Margin)
    assert found.thickness.value == pytest.approx(thickness, abs=found.thickness.error)
    assert found.covered == pytest.approx(1)


def test_a_gap_is_no_thickness_but_shows_in_what_is_covered(grids: Grids, ellipsoid: Ellipsoid) -> None:
    seg = shell(grids["isotropic"], ellipsoid, 6.0)
    half = seg.data.copy()
    half[:50][half[:50] == ENHANCING] = EDEMA
    found = measure_margin(Volume(half, seg.affine_44))
    assert isinstance(found, Margin)
    assert found.thickness.value == pytest.approx(6, abs=1)
    assert found.covered == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({NECROSIS: ENHANCING}, "solid"), ({ENHANCING: NECROSIS}, "no enhancing"), ({ENHANCING: EDEMA}, "no enhancing")],
)
def test_what_has_no_margin_has_a_reason(
    change: dict[int, int], reason: str, grids: Grids, ellipsoid: Ellipsoid
) -> None:
    seg = shell(grids["isotropic"], ellipsoid, 4.0)
    for old, new in change.items():
        seg.data[seg.data == old] = new
    found = measure_margin(seg)
    assert isinstance(found, Missing)
    assert reason in found.reason


def test_a_nodule_at_the_core_is_no_margin(grids: Grids, ellipsoid: Ellipsoid) -> None:
    affine = grids["isotropic"]
    seg = np.where(ellipsoid(affine, [20.0] * 3), NECROSIS, 0).astype(np.uint8)
    seg[ellipsoid(affine, [5.0] * 3, (22, 0, 0))] = ENHANCING
    found = measure_margin(Volume(seg, affine))
    assert isinstance(found, Missing)
    assert "no margin" in found.reason
