"""The calibration line against scikit-learn, in closed form, and where there is none."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gmmas_core.metrics.calibration_slope import FEWEST_PER_CLASS, calibration_line
from gmmas_core.metrics.levels import exact_levels


def reference(prob: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    logit = np.log(prob / (1 - prob))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(logit, label)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


@pytest.mark.parametrize("seed", range(5))
def test_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, 150)
    label = (rng.random(150) < 1 / (1 + np.exp(-(0.4 * logit - 0.8)))).astype(np.int64)
    prob = 1 / (1 + np.exp(-logit))
    line = calibration_line(exact_levels(prob, label))
    assert line is not None
    assert (line.slope, line.intercept) == pytest.approx(reference(prob, label), abs=1e-5)


def test_two_levels_in_closed_form() -> None:
    """Two probabilities, two observed shares: the line goes through both, its errors are those of log odds ratios."""
    prob = np.repeat([0.2, 0.9], [40, 60])
    label = np.concatenate([np.arange(40) < 12, np.arange(60) < 48]).astype(np.int64)
    line = calibration_line(exact_levels(prob, label))
    said, true = np.log([0.25, 9.0]), np.log([12 / 28, 48 / 12])
    slope = (true[1] - true[0]) / (said[1] - said[0])
    assert line is not None
    assert line.slope == pytest.approx(slope)
    assert line.intercept == pytest.approx(true[0] - slope * said[0])
    error = np.sqrt(1 / 12 + 1 / 28 + 1 / 48 + 1 / 12) / (said[1] - said[0])
    assert line.slope_error == pytest.approx(error)
    assert line.slope_interval == pytest.approx((slope - 1.96 * error, slope + 1.96 * error), abs=1e-4)


def test_a_temperature_is_found_again() -> None:
    rng = np.random.default_rng(7)
    logit = rng.normal(0, 1.5, 40_000)
    label = (rng.random(40_000) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    line = calibration_line(exact_levels(1 / (1 + np.exp(-2.5 * logit)), label))
    assert line is not None
    assert line.slope == pytest.approx(1 / 2.5, abs=0.015)
    assert line.intercept_interval[0] < 0 < line.intercept_interval[1]


@pytest.mark.parametrize(
    ("prob", "label"),
    [
        ([], []),
        ([0.2, 0.8] * 10, [1] * 20),
        ([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9] * 2, [0, 0, 0, 0, 1, 1, 1, 1] * 2),
        ([0.1] * 6 + [0.9] * 6, [1] * 6 + [0] * 6),
        ([0.1] * 6 + [0.5] * 4 + [0.9] * 6, [0] * 8 + [1] * 8),  # separable but for one shared value
        ([0.3] * 20, [0, 1] * 10),
        ([0.1, 0.5, 0.6, 0.9, 0.4] * 4, [1] * (FEWEST_PER_CLASS - 1) + [0] * (21 - FEWEST_PER_CLASS)),
    ],
    ids=["nobody", "one class", "separable", "separable upside down", "touching", "one probability", "too few"],
)
def test_no_line(prob: list[float], label: list[int]) -> None:
    assert calibration_line(exact_levels(np.array(prob), np.array(label, dtype=np.int64))) is None


def test_hardly_overlapping_classes_still_converge() -> None:
    prob = np.concatenate([np.linspace(0.01, 0.5, 200), np.linspace(0.499, 0.99, 200)])
    line = calibration_line(exact_levels(prob, np.repeat([0, 1], 200)))
    assert line is not None
    assert line.slope > 50


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("label_column", "score_column"),
    [
        ("IDH_mutated", "Prediction_score_IDH_mutated"),
        ("1p19q_codeleted", "Prediction_score_1p19q_codeleted"),
    ],
)
def test_a_published_model_is_over_confident(real_data: Path, label_column: str, score_column: str) -> None:
    with (real_data / "tables" / "prognosais_test_predictions.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row[label_column] in ("0", "1")]
    prob = np.array([float(row[score_column]) for row in rows])
    label = np.array([int(row[label_column]) for row in rows])
    line = calibration_line(exact_levels(prob, label))
    assert line is not None
    assert (line.slope, line.intercept) == pytest.approx(reference(prob, label), abs=1e-3)
    assert line.slope_interval[1] < 1
