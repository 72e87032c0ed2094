"""Volumes: the analytic size within the stated error, on any grid, additive, with intervals that say what they are."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.measures.values import Interval, Missing, Quantity, share_of
from gmmas_core.measures.volumes import LABELS, measure_volume, region_of

Ellipsoid = Callable[..., NDArray[np.bool_]]


@pytest.mark.parametrize("name", ["isotropic", "thick slices", "sagittal", "oblique"])
def test_an_ellipsoid_has_its_volume(name: str, grids: dict[str, NDArray[np.float64]], ellipsoid: Ellipsoid) -> None:
    half_mm = (30.0, 20.0, 15.0)
    measured = measure_volume(Volume(ellipsoid(grids[name], half_mm), grids[name]), (), None)
    true_ml = 4 / 3 * np.pi * np.prod(half_mm) / 1000
    assert measured.value == pytest.approx(true_ml, rel=0.03)
    assert measured.band[0] < true_ml < measured.band[1]
    assert 0 < measured.error < true_ml / 2


def test_the_order_and_direction_of_the_axes_change_nothing(
    grids: dict[str, NDArray[np.float64]], ellipsoid: Ellipsoid, turns: Callable[[Volume], list[Volume]]
) -> None:
    affine = grids["thick slices"]
    region = Volume(ellipsoid(affine, (20.0, 15.0, 12.0), (5, -8, 3)), affine)
    measured = [measure_volume(turned, (), None) for turned in turns(region)]
    assert {round(quantity.value, 9) for quantity in measured} == {round(measured[0].value, 9)}
    assert {round(quantity.error, 9) for quantity in measured} == {round(measured[0].error, 9)}


@given(
    seg=arrays(np.uint8, (5, 6, 4), elements=st.integers(0, 3)),
    edges=st.tuples(*[st.floats(0.3, 6.0)] * 3),
)
def test_parts_add_up_to_the_whole(seg: NDArray[np.uint8], edges: tuple[float, float, float]) -> None:
    volume = Volume(seg, np.diag([*edges, 1.0]))
    ml = {name: measure_volume(region_of(volume, name), (), None).value for name in LABELS}
    assert ml["wt"] == pytest.approx(ml["edema"] + ml["tc"])
    assert ml["tc"] == pytest.approx(ml["necrosis"] + ml["et"])
    assert ml["wt"] == pytest.approx(np.count_nonzero(seg) * np.prod(edges) / 1000)


def test_passes_give_percentiles_that_hold_the_value() -> None:
    region = Volume(np.ones((10, 10, 10), dtype=bool), np.eye(4))
    interval = measure_volume(region, np.linspace(1.2, 1.4, 21), None).interval
    assert isinstance(interval, Interval)
    assert (interval.low, interval.high) == pytest.approx((1.0, 1.39))
    assert "21 stochastic passes" in interval.meaning


def test_too_few_passes_and_no_doubt_are_reasons() -> None:
    region = Volume(np.ones((10, 10, 10), dtype=bool), np.eye(4))
    few, nothing = measure_volume(region, [1.0, 1.1], None).interval, measure_volume(region, (), None).interval
    assert isinstance(few, Missing)
    assert "2 stochastic passes" in few.reason
    assert isinstance(nothing, Missing)


def test_a_map_of_doubt_counts_only_what_hangs_together_with_the_region() -> None:
    inside, doubt = np.zeros((2, 20, 20, 20), dtype=bool)
    inside[5:10, 5:10, 5:10] = True
    doubt[9:12, 5:10, 5:10] = True  # one layer inside, two outside
    doubt[18, 18, 18] = True
    interval = measure_volume(Volume(inside, np.diag([10.0, 10, 10, 1])), (), doubt).interval
    assert isinstance(interval, Interval)
    assert (interval.low, interval.high) == pytest.approx((100.0, 175.0))


def test_an_empty_region_is_no_volume_but_may_be_in_doubt() -> None:
    doubt = np.zeros((8, 8, 8), dtype=bool)
    doubt[2:4, 2:4, 2:4] = True
    measured = measure_volume(Volume(np.zeros_like(doubt), np.diag([10.0, 10, 10, 1])), (), doubt)
    assert measured.value == 0
    assert isinstance(measured.interval, Interval)
    assert measured.interval.high == pytest.approx(8.0)


def test_a_share_of_nothing_and_of_what_is_missing_has_a_reason() -> None:
    zero = Quantity(value=0.0, unit="mL", error=0.0, interval=Missing("none"))
    one = Quantity(value=1.0, unit="mL", error=0.1, interval=Missing("none"))
    assert isinstance(share_of(zero, zero), Missing)
    assert share_of(Missing("no t1c"), one) == Missing("no t1c")
    assert share_of(one, Missing("no flair")) == Missing("no flair")
    share = share_of(zero, one)
    assert isinstance(share, Quantity)
    assert share.value == 0
