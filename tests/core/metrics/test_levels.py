"""Counts per probability: the exact ones, and how little the histogram's bins move what is computed from them."""

import numpy as np
import pytest

from gmmas_core.metrics import calibration_error, selective
from gmmas_core.metrics.calibration_slope import calibration_line
from gmmas_core.metrics.decision_curve import decision_curve
from gmmas_core.metrics.levels import Levels, binned_levels, exact_levels
from gmmas_core.metrics.score_histogram import score_centres, score_histogram


def binned(prob: np.ndarray, label: np.ndarray) -> Levels:
    positive, negative = (np.array(score_histogram(prob[label == which])) for which in (1, 0))
    return binned_levels(positive, negative)


def test_levels_by_hand() -> None:
    found = exact_levels(np.array([0.7, 0.2, 0.7, 0.7]), np.array([1, 0, 0, 1]))
    assert (found.prob_L.tolist(), found.positive_L.tolist(), found.negative_L.tolist()) == ([0.2, 0.7], [0, 2], [1, 1])
    assert (found.count_L.tolist(), found.num_cases) == ([1, 3], 4)


def test_no_probability_moves_far_or_across_one_half() -> None:
    prob = np.concatenate([1 / (1 + np.exp(-np.linspace(-15.9, 15.9, 1201))), [0.5, 0.5 - 1e-9]])
    for p in prob:
        (moved,) = binned(np.array([p]), np.array([1])).prob_L
        assert abs(moved - p) < 0.004
        assert (moved >= 0.5) == (p >= 0.5)
    assert score_centres() + score_centres()[::-1] == pytest.approx(1)


@pytest.mark.parametrize(("num_cases", "near"), [(60, 0.025), (300, 0.01), (3000, 0.003)])
@pytest.mark.parametrize("boldness", [0.6, 1.0, 3.0])
def test_bins_hardly_change_the_numbers(num_cases: int, near: float, boldness: float) -> None:
    """An over-confident, a calibrated and a timid model (boldness is what the truth's logit was multiplied by)."""
    rng = np.random.default_rng(num_cases)
    logit = rng.normal(-0.5, 1.5, num_cases)
    label = (rng.random(num_cases) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    prob = 1 / (1 + np.exp(-boldness * logit))
    exact, merged = exact_levels(prob, label), binned(prob, label)
    tables = [calibration_error.equal_mass(side) for side in (exact, merged)]
    assert calibration_error.ece(tables[1]) == pytest.approx(calibration_error.ece(tables[0]), abs=near)
    assert near < 0.5 * (calibration_error.ece_if_calibrated(tables[0]) or 0)  # less than chance does
    left, right = calibration_line(exact), calibration_line(merged)
    assert left is not None
    assert right is not None
    assert right.slope == pytest.approx(left.slope, abs=0.01)
    assert right.intercept == pytest.approx(left.intercept, abs=0.01)
    for area in (selective.aurc, selective.excess_aurc):
        values = [area(selective.by_confidence(side)) for side in (exact, merged)]
        assert values[1] == pytest.approx(values[0], abs=0.2 * near)


def test_net_benefit_moves_by_no_more_than_the_cases_that_share_the_thresholds_bin() -> None:
    rng = np.random.default_rng(3)
    prob, label = rng.beta(0.6, 0.9, 400), rng.integers(0, 2, 400)
    exact, merged = (decision_curve(side(prob, label)) for side in (exact_levels, binned))
    assert exact is not None
    assert merged is not None
    assert merged.all_P == pytest.approx(exact.all_P)
    logit = np.log(prob / (1 - prob))
    for pt, a, b in zip(exact.threshold_P, exact.model_P, merged.model_P):
        near = np.abs(logit - np.log(pt / (1 - pt))) <= 1 / 32
        odds = pt / (1 - pt)
        assert abs(a - b) <= ((near & (label == 1)).sum() + odds * (near & (label == 0)).sum()) / 400 + 1e-12
    usual = exact.threshold_P <= 0.5
    assert np.abs(exact.model_P - merged.model_P)[usual].max() < 0.01


def test_exactly_zero_and_one_stay_finite() -> None:
    for side in (exact_levels, binned):
        line = calibration_line(side(np.repeat([0.0, 1.0], 8), np.array([0, 0, 0, 0, 0, 1, 1, 1] + [1] * 5 + [0] * 3)))
        assert line is not None
        assert np.isfinite([line.slope, line.intercept, line.slope_error]).all()
