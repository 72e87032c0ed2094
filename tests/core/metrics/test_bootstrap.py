"""Intervals: where they exist, that they are reproducible, and that they are as wide as they should be."""

import numpy as np
import pytest

from gmmas_core.metrics import bootstrap, ranking, score_histogram
from gmmas_core.types import Sum


def _generator() -> np.random.Generator:
    return np.random.default_rng(7)


def test_interval_of_a_mean_is_that_of_normal_theory() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    interval = bootstrap.by_patient(lambda chosen: float(values[chosen].mean()), range(400), 2000, _generator())
    half = 1.96 * values.std() / 20
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_cases_of_one_patient_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    statistic = lambda chosen: float(values[chosen].mean())  # noqa: E731
    apart = bootstrap.by_patient(statistic, range(200), 1000, _generator())
    together = bootstrap.by_patient(statistic, np.repeat(range(20), 10).tolist(), 1000, _generator())
    assert apart is not None
    assert together is not None
    assert (together[1] - together[0]) > 2.5 * (apart[1] - apart[0])  # sqrt(10) = 3.2


def test_same_generator_same_interval() -> None:
    values = np.random.default_rng(0).random(30)
    first, second = (
        bootstrap.by_patient(lambda chosen: float(values[chosen].mean()), range(30), 200, _generator()) for _ in "ab"
    )
    assert first == second


def test_no_interval_from_four_patients_or_an_undefined_statistic() -> None:
    assert bootstrap.by_patient(lambda chosen: 1.0, ["a", "b", "c", "d", "d", "d"], 100, _generator()) is None
    assert bootstrap.by_patient(lambda chosen: 1.0, range(9), 0, _generator()) is None
    one_positive = np.array([1, 0, 0, 0, 0, 0])  # absent from 33 % of the draws
    share = lambda chosen: 1.0 if one_positive[chosen].any() else None  # noqa: E731
    assert bootstrap.by_patient(share, range(6), 500, _generator()) is None


def test_interval_from_a_histogram_equals_that_from_the_cases() -> None:
    dice = np.random.default_rng(1).beta(6, 2, 150)
    exact = Sum(float(dice.sum()), 150)
    centres = score_histogram.dice_centres()
    merged = bootstrap.of_mean(exact, score_histogram.dice_histogram(dice), centres, 4000, _generator())
    by_case = bootstrap.by_patient(lambda chosen: float(dice[chosen].mean()), range(150), 4000, _generator())
    assert merged == pytest.approx(by_case, abs=0.004)
    assert bootstrap.of_mean(Sum(0.0, 0), (0,) * 100, centres, 100, _generator()) is None


def test_auprc_interval_from_counts_equals_that_from_the_cases() -> None:
    rng = np.random.default_rng(2)
    label = np.repeat([1, 0], [40, 80])
    score = rng.normal(label * 1.2, 1)
    merged = bootstrap.of_auprc(*ranking.levels(score, label), 2000, _generator())
    by_case = bootstrap.by_patient(
        lambda chosen: ranking.auprc(*ranking.levels(score[chosen], label[chosen])), range(120), 2000, _generator()
    )
    assert merged == pytest.approx(by_case, abs=0.02)


def test_wilson_by_hand() -> None:
    assert bootstrap.wilson(Sum(8.0, 10)) == pytest.approx((0.49016, 0.94331), abs=1e-4)
    low, high = bootstrap.wilson(Sum(10.0, 10)) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.72247, 1.0), abs=1e-4)
    assert bootstrap.wilson(Sum(0.0, 0)) is None


def test_spread_from_sums_of_squares() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.0, 9.0])
    sums = Sum(20.0, 5), Sum(118.0, 5)
    assert bootstrap.standard_deviation(*sums) == pytest.approx(values.std(ddof=1))
    half = 1.959964 * values.std(ddof=1) / np.sqrt(5)
    assert bootstrap.normal(*sums) == pytest.approx((4 - half, 4 + half), abs=1e-5)
    assert bootstrap.standard_deviation(Sum(3.0, 1), Sum(9.0, 1)) is None
    assert bootstrap.normal(Sum(4.0, 4), Sum(4.0, 4)) is None
