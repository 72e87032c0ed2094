"""Change between examinations: bands, nadir, and the refusals."""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume, box_of, cut
from gmmas_core.measures import CaseMeasures, Change, Comparison, Missing, NotComparable, compare, measure_case
from gmmas_core.types import ENHANCING, CaseResult

MakeResult = Callable[..., CaseResult]
Ball = Callable[..., CaseMeasures]


@pytest.fixture(scope="session")
def ball(
    grids: dict[str, NDArray[np.float64]], ellipsoid: Callable[..., NDArray[np.bool_]], make_result: MakeResult
) -> Ball:
    """The measures of an enhancing ball; no image is needed for its size."""

    @cache
    def measured(radius_mm: float, grid: str) -> CaseMeasures:
        mask = ellipsoid(grids[grid], [radius_mm] * 3)
        whole = Volume(mask.astype(np.uint8) * np.uint8(ENHANCING), grids[grid])
        return measure_case(make_result(cut(whole, box_of(mask, 2))), {})

    def measure(radius_mm: float, case_id: str = "visit", grid: str = "isotropic", **changed: Any) -> CaseMeasures:
        return dataclasses.replace(measured(radius_mm, grid), case_id=case_id, **changed)

    return measure


def change(found: Comparison | NotComparable, name: str, against: str = "against_baseline") -> Change:
    assert isinstance(found, Comparison)
    one = getattr(found, against)[name]
    assert isinstance(one, Change)
    return one


def test_growth_is_stated_with_its_band(ball: Ball) -> None:
    found = compare([ball(10)], ball(20))
    volume, product = change(found, "volume et"), change(found, "products et")
    assert volume.relative == pytest.approx(7, rel=0.03)
    assert product.relative == pytest.approx(3, rel=0.1)
    assert change(found, "longest_3d et").relative == pytest.approx(1, rel=0.06)
    for one in (volume, product):
        assert one.is_resolved
        assert one.relative is not None
        assert one.relative_band is not None
        assert one.relative_band[0] < one.relative < one.relative_band[1]


def test_a_change_smaller_than_a_voxel_is_not_resolved(ball: Ball) -> None:
    found = compare([ball(12)], ball(12.4))
    for name in ("volume et", "products et", "longest_3d et"):
        one = change(found, name)
        assert not one.is_resolved
        assert one.relative_band is not None
        assert one.relative_band[0] < 0 < one.relative_band[1]


@pytest.mark.parametrize(("before_mm", "now_mm"), [(4.4, 4.7), (4.7, 4.4)])
def test_a_lesion_that_becomes_measurable_has_not_come_from_nothing(
    ball: Ball, before_mm: float, now_mm: float
) -> None:
    """Half a millimetre over RANO's smallest size: the sum jumps between 0 and 100 mm2, the lesion does not."""
    one = change(compare([ball(before_mm)], ball(now_mm)), "products et")
    assert sorted([one.before, one.now]) == [0, pytest.approx(110, abs=20)]
    assert not one.is_resolved


def test_nothing_has_changed_in_the_same_examination(ball: Ball) -> None:
    one = change(compare([ball(12)], ball(12)), "volume wt")
    assert one.relative == 0
    assert not one.is_resolved


def test_the_nadir_is_the_smallest_earlier_value(ball: Ball) -> None:
    found = compare([ball(20, "first"), ball(9, "second"), ball(12, "third")], ball(15, "now"))
    assert isinstance(found, Comparison)
    assert found.nadir_case["volume et"] == "second"
    assert change(found, "volume et").relative == pytest.approx((15 / 20) ** 3 - 1, rel=0.05)
    assert change(found, "volume et", "against_nadir").relative == pytest.approx((15 / 9) ** 3 - 1, rel=0.05)
    assert found.new_lesions.reason.startswith("the examinations are not registered")


def test_no_category_is_ever_named(ball: Ball) -> None:
    text = str(dataclasses.asdict(compare([ball(10)], ball(20)))).lower()
    assert not [word for word in ("response", "progress", "stable", "remission") if word in text]


def test_what_was_not_measured_is_not_compared(ball: Ball) -> None:
    gone = dataclasses.replace(ball(10), volume={**ball(10).volume, "et": Missing("no t1c")})
    found = compare([gone], ball(12))
    assert isinstance(found, Comparison)
    assert found.against_baseline["volume et"] == Missing("not measured before: no t1c")
    assert found.against_nadir["volume et"] == Missing("not measured before: no t1c")
    assert "volume et" not in found.nadir_case
    other = compare([ball(12)], gone)
    assert isinstance(other, Comparison)
    assert other.against_nadir["volume et"] == Missing("not measured now: no t1c")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"model_id": "another"}, "read both with one model"),
        ({"sequences_used": ("t1c", "flair")}, "from the sequences they share"),
        ({"grid": "thick slices"}, "resample both to one grid"),
    ],
)
def test_what_would_mislead_is_refused(changed: dict[str, Any], reason: str, ball: Ball) -> None:
    found = compare([ball(12, "first", **changed), ball(12, "second")], ball(12, "now"))
    assert isinstance(found, NotComparable)
    (only,) = found.reasons
    assert only.startswith("first: ")
    assert reason in only


def test_all_reasons_are_told_at_once(ball: Ball) -> None:
    found = compare([ball(12, grid="thick slices", model_id="another")], ball(12))
    assert isinstance(found, NotComparable)
    assert len(found.reasons) == 2


def test_another_order_of_the_axes_is_no_other_grid(ball: Ball) -> None:
    turned = dataclasses.replace(ball(12), orientation="PSR", spacing_mm=(1.0, 1.0, 1.1))
    assert isinstance(compare([turned], ball(12)), Comparison)


def test_without_an_earlier_examination_there_is_nothing_to_compare(ball: Ball) -> None:
    assert isinstance(compare([], ball(12)), NotComparable)
