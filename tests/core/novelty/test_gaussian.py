"""Sums of sites equal those of all patients in one place; missing sequences are marginalised; liars are refused."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pytest

from gmmas_core.metrics.evaluation import add
from gmmas_core.novelty import held_out, sums
from gmmas_core.novelty.features import NAMES, NEEDS, Floats, known_from
from gmmas_core.novelty.gaussian import FEWEST, MOST_DISTANCE, distance, fit
from gmmas_core.novelty.held_out import limits_of, no_distances, sum_distances
from gmmas_core.novelty.sums import no_patients, product_key, sum_key, sum_patients
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import Metric, Sum

F = len(NAMES)


def patients(count: int, seed: int) -> list[Floats]:
    """Correlated features around brains' own; every third patient lacks T1, every fifth FLAIR."""
    rng = np.random.default_rng(seed)
    mixing = 0.1 * np.random.default_rng(99).standard_normal((F, F)) + 0.2 * np.eye(F)
    rows = 0.5 + rng.standard_normal((count, F)) @ mixing.T
    for place in range(count):
        lacking = {name for name, step in (("t1", 3), ("flair", 5)) if place % step == 0}
        rows[place, [bool(needs & lacking) for needs in NEEDS]] = np.nan
    return list(rows)


def test_sums_of_hospitals_are_those_of_all_patients_in_one_place() -> None:
    rows = patients(90, 1)
    parts = [sum_patients(rows[:7]), sum_patients([]), sum_patients(rows[7:60]), sum_patients(rows[60:])]
    added, pooled = reduce(add, parts), sum_patients(rows)
    assert added.keys() == pooled.keys() == no_patients().keys()
    for key, metric in pooled.items():
        held = added[key]
        assert isinstance(metric, Sum)
        assert isinstance(held, Sum)
        assert held.count == metric.count
        assert held.total == pytest.approx(metric.total, abs=1e-9)
    assert [sums.impossible(part, 90) for part in (*parts, added)] == [""] * 5
    # As a secure sum adds them: multiples of 2^-20.
    rounded = {k: Sum(round(m.total * 2**20) / 2**20, m.count) for k, m in added.items() if isinstance(m, Sum)}
    assert sums.impossible(rounded, 90) == ""
    one, other = fit(pooled), fit(rounded)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(other.mean_F, one.mean_F, atol=1e-5)
    np.testing.assert_allclose(other.covariance_FF, one.covariance_FF, atol=1e-4)


def test_many_complete_patients_give_their_own_mean_and_covariance() -> None:
    rows = np.stack([row for row in patients(4000, 2) if not np.isnan(row).any()])
    found = fit(sum_patients(list(rows)))
    assert found is not None
    np.testing.assert_allclose(found.mean_F, rows.mean(0), atol=1e-9)
    np.testing.assert_allclose(found.covariance_FF, np.cov(rows.T, bias=True), atol=0.05 * rows.var())
    assert found.shrinkage < 0.02
    assert found.patients == dict.fromkeys(("t1", "t1c", "t2", "flair"), len(rows))


def test_a_missing_sequence_is_left_out_of_the_gaussian_and_not_filled_in() -> None:
    found = fit(sum_patients(patients(300, 3)))
    assert found is not None
    case = patients(2, 4)[1]
    for subset in SUBSETS:
        part = known_from(case, subset)
        used = ~np.isnan(part)
        apart = part[used] - found.mean_F[used]
        squared = float(apart @ np.linalg.inv(found.covariance_FF[np.ix_(used, used)]) @ apart)
        told, k = distance(found, part), int(used.sum())
        assert told is not None
        assert squared == pytest.approx(k * (told * np.sqrt(2 / (9 * k)) + 1 - 2 / (9 * k)) ** 3, rel=1e-6)
    changed = np.where(np.isnan(known_from(case, ("t2",))), 3.9, case)
    assert distance(found, known_from(changed, ("t2",))) == distance(found, known_from(case, ("t2",)))
    assert distance(found, known_from(case, ())) is None


def test_a_hospital_without_a_sequence_makes_no_correlation() -> None:
    """Its patients differ in T2; about a common mean, T1 and T2 of the others would seem to go together."""
    rng = np.random.default_rng(0)
    here, there = (list(center + 0.1 * rng.standard_normal((400, F))) for center in (1.5, 0.5))
    rows = here + [known_from(row, ("t1c", "t2", "flair")) for row in there]
    found = fit(reduce(add, [sum_patients(rows[:400]), sum_patients(rows[400:])]))
    assert found is not None
    one, other = NAMES.index("t1-low"), NAMES.index("t2-low")
    assert abs(found.covariance_FF[one, other]) < 0.002
    assert found.covariance_FF[other, other] == pytest.approx(0.01 + 0.25, abs=0.02)


def test_every_sum_is_about_the_patients_of_its_group_who_were_chosen() -> None:
    rows = [row for row in patients(400, 3) if not np.isnan(row).any()][:20]
    rows[10:16] = [known_from(row, ("t2", "flair")) for row in rows[10:16]]
    rows[3][NAMES.index("t2-grain")] = np.nan
    asked: list[list[int]] = []

    def chosen(places: Sequence[int]) -> Sequence[int]:
        asked.append(list(places))
        return places[:-1]

    told = sum_patients(rows, chosen)
    with_t1 = [place for place in range(20) if not 10 <= place < 16]
    assert with_t1 in asked
    assert [place for place in range(20) if place != 3] in asked, (
        "one feature is unknown, so nobody asks for the others"
    )
    place = NAMES.index("t1-low")
    assert told[product_key(place, place)] == Sum(pytest.approx(sum(rows[p][place] ** 2 for p in with_t1[:-1])), 13)
    assert sum_patients(rows, lambda places: ()) == no_patients()


def test_what_too_few_patients_have_is_unknown_to_the_gaussian() -> None:
    rows = [known_from(row, ("t1c", "t2")) for row in patients(FEWEST, 5)]
    found = fit(sum_patients(rows))
    assert found is not None
    assert found.sequences == ("t1c", "t2")
    assert np.isfinite(found.covariance_FF[np.ix_(found.known_F, found.known_F)]).all()
    assert np.linalg.eigvalsh(found.covariance_FF[np.ix_(found.known_F, found.known_F)])[0] > 0
    assert fit(sum_patients(rows[1:])) is None
    assert fit(no_patients()) is None


def test_limits_hold_for_patients_who_made_neither_them_nor_the_gaussian() -> None:
    found = fit(sum_patients(patients(400, 6)))
    assert found is not None
    held = sum_distances(found, patients(300, 7))
    assert held.keys() == no_distances().keys()
    assert held_out.impossible(held, 300) == ""
    limits = limits_of(held)
    assert limits["t1c+t2"].patients == 300
    assert limits["t1+t1c+t2+flair"].patients == sum(not np.isnan(row).any() for row in patients(300, 7))
    far = [distance(found, known_from(row, ("t1c", "t2"))) for row in patients(2000, 8)]
    beyond = [
        np.mean([value > limit for value in far if value is not None])
        for limit in (limits["t1c+t2"].warn, limits["t1c+t2"].out)
    ]
    assert 0.02 < beyond[0] < 0.09
    assert 0.001 < beyond[1] < 0.03
    assert limits_of(sum_distances(found, patients(FEWEST - 1, 9))) == {}


def test_one_spoilt_scan_held_out_does_not_open_the_limits() -> None:
    found = fit(sum_patients(patients(400, 6)))
    assert found is not None
    held = patients(100, 7)
    usual = limits_of(sum_distances(found, held))["t1c+t2"]
    spoilt = np.where(np.arange(F) % 2, 4.0, -4.0)
    assert distance(found, spoilt) == MOST_DISTANCE
    loosened = limits_of(sum_distances(found, [*held[:-1], spoilt]))["t1c+t2"]
    assert usual.out - 0.1 < loosened.out < usual.out + 0.5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (sum_key(0, ("t1",)), Sum(401.0, 100)),
        (sum_key(0, ("t1",)), Sum(float("nan"), 100)),
        (sum_key(0, ("t1",)), Sum(1.0, 101)),
        (sum_key(0, ("t1",)), Sum(1.0, -1)),
        (sum_key(0, ("t1",)), (1, 2, 3)),
        (sum_key(0, ("t1",)), Sum(10.0, 99)),
        (sum_key(0, ("t1", "t2")), Sum(-401.0, 100)),
        (product_key(0, 5), Sum(-1700.0, 100)),
        (product_key(3, 3), Sum(0.0, 100)),
        (product_key(3, 3), Sum(float("inf"), 100)),
    ],
)
def test_sums_that_no_patients_can_have_are_found(key: str, value: Metric) -> None:
    true = sum_patients([row for row in patients(200, 1) if not np.isnan(row).any()][:100])
    assert sums.impossible(true, 100) == ""
    assert sums.impossible({**true, key: value}, 100) != ""
    assert sums.impossible({name: metric for name, metric in true.items() if name != key}, 100) != ""


@pytest.mark.parametrize(
    "values",
    [
        (Sum(400.0, 10), Sum(16000.0, 10)),
        (Sum(50.0, 10), Sum(10.0, 10)),
        (Sum(5.0, 10), Sum(30.0, 9)),
        (Sum(5.0, 10), Sum(float("nan"), 10)),
    ],
)
def test_distances_that_no_patients_can_have_are_found(values: tuple[Sum, Sum]) -> None:
    keys = ("novelty.distance.t1", "novelty.distance-squared.t1")
    assert held_out.impossible(no_distances(), 10) == ""
    assert held_out.impossible({**no_distances(), **dict(zip(keys, values))}, 10) != ""
