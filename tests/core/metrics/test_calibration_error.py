"""The ECE, what it would be under perfect calibration, and its correction."""

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from gmmas_core.metrics import calibration_error
from gmmas_core.metrics.levels import exact_levels


def _calibrated(rng: np.random.Generator, num_cases: int) -> calibration_error.Reliability:
    prob = 1 / (1 + np.exp(-rng.normal(0, 2, num_cases)))
    return calibration_error.reliability(prob, (rng.random(num_cases) < prob).astype(np.int64))


def test_bins_by_hand_including_exactly_zero_and_one() -> None:
    table = calibration_error.reliability(np.array([0.0, 0.05, 0.1, 1.0, 0.95]), np.array([0, 1, 0, 1, 1]))
    assert table.count_R.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert table.probability_R == pytest.approx([0.05, 0.1, 0, 0, 0, 0, 0, 0, 0, 1.95])
    assert table.positives_R.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert calibration_error.ece(table) == pytest.approx((abs(1 - 0.05) + 0.1 + 0.05) / 5)


def test_confidence_view_equals_the_direct_computation() -> None:
    rng = np.random.default_rng(0)
    prob, label = rng.random(300), rng.integers(0, 2, 300)
    confidence, right = np.maximum(prob, 1 - prob), (prob >= 0.5) == (label == 1)
    direct = calibration_error.reliability(confidence, right.astype(np.int64))
    view = calibration_error.reliability(prob, label).confidence()
    assert view.count_R.tolist() == direct.count_R.tolist()
    assert view.probability_R == pytest.approx(direct.probability_R)
    assert view.positives_R.tolist() == direct.positives_R.tolist()


def test_expected_value_is_the_mean_over_all_binomial_outcomes() -> None:
    count, share = np.array([7, 0, 12, 1]), np.array([0.3, 0.0, 0.91, 1.0])
    table = calibration_error.Reliability(
        count_R=count, probability_R=count * share, positives_R=np.zeros(4, dtype=np.int64)
    )
    outcomes = [np.arange(n + 1) for n in count]
    brute = sum(stats.binom.pmf(k, n, p) @ np.abs(k - n * p) for k, n, p in zip(outcomes, count, share)) / count.sum()
    assert calibration_error.ece_if_calibrated(table) == pytest.approx(brute)


def test_a_calibrated_model_shows_the_expected_error_and_less_after_correction() -> None:
    rng = np.random.default_rng(0)
    tables = [_calibrated(rng, 200) for _ in range(300)]
    plain = np.mean([calibration_error.ece(table) for table in tables])
    expected = np.mean([calibration_error.ece_if_calibrated(table) for table in tables])
    corrected = np.mean([calibration_error.ece_debiased(table) for table in tables])
    assert plain > 0.05
    assert expected == pytest.approx(plain, rel=0.05)
    assert corrected < 0.6 * plain


def test_correction_keeps_a_true_error() -> None:
    rng = np.random.default_rng(1)
    prob = rng.choice([0.05, 0.95], 3000)
    label = (rng.random(3000) < np.where(prob > 0.5, 0.75, 0.25)).astype(np.int64)  # off by 0.2 everywhere
    assert calibration_error.ece_debiased(calibration_error.reliability(prob, label)) == pytest.approx(0.2, abs=0.02)


def test_no_cases_no_error() -> None:
    table = calibration_error.reliability(np.array([]), np.array([], dtype=np.int64))
    assert calibration_error.ece(table) is None
    assert calibration_error.ece_if_calibrated(table) is None
    assert calibration_error.ece_debiased(table) is None
    assert calibration_error.ece_classwise(table) is None
    assert calibration_error.mce(table) is None
    nobody = calibration_error.equal_mass(exact_levels(np.array([]), np.array([], dtype=np.int64)))
    assert calibration_error.ece(nobody) is None
    assert calibration_error.ece_debiased(nobody) is None
    assert table.probability_R.dtype == np.float64


@pytest.mark.parametrize("num_cases", [20, 500])
def test_equal_mass_bins_are_scikit_learns_quantile_bins(num_cases: int) -> None:
    rng = np.random.default_rng(2)
    prob = rng.beta(0.5, 0.8, num_cases)
    label = (rng.random(num_cases) < prob**2).astype(np.int64)
    table = calibration_error.equal_mass(exact_levels(prob, label))
    true, said = calibration_curve(label, prob, n_bins=10, strategy="quantile")
    assert table.count_R.tolist() == [num_cases // 10] * 10
    assert table.probability_R / table.count_R == pytest.approx(said)
    assert table.positives_R / table.count_R == pytest.approx(true)
    assert calibration_error.ece(table) == pytest.approx(np.abs(true - said).mean())


def test_equal_mass_by_hand_with_equals_dealt_to_two_bins() -> None:
    levels = exact_levels(np.array([0.1, 0.6, 0.6, 0.6, 0.6, 0.9]), np.array([0, 1, 0, 0, 0, 1]))
    table = calibration_error.equal_mass(levels, bins=2)
    assert table.count_R.tolist() == [3, 3]
    assert table.probability_R == pytest.approx([0.1 + 1.2, 1.2 + 0.9])
    assert table.positives_R == pytest.approx([0.5, 1.5])
    assert calibration_error.ece(table) == pytest.approx((0.8 + 0.6) / 6)


def test_fewer_cases_than_equal_mass_bins_have_one_each() -> None:
    prob, label = np.array([0.2, 0.7, 0.9]), np.array([0, 1, 0])
    table = calibration_error.equal_mass(exact_levels(prob, label))
    assert table.count_R.tolist() == [1, 1, 1]
    assert calibration_error.ece(table) == pytest.approx((0.2 + 0.3 + 0.9) / 3)


def test_classwise_error_equals_that_of_both_columns() -> None:
    rng = np.random.default_rng(3)
    prob, label = rng.random(200), rng.integers(0, 2, 200)
    columns = [calibration_error.reliability(p, y) for p, y in ((prob, label), (1 - prob, 1 - label))]
    expected = np.mean([calibration_error.ece(column) for column in columns])
    assert calibration_error.ece_classwise(columns[0]) == pytest.approx(expected)
    assert calibration_error.ece_classwise(columns[0]) == pytest.approx(calibration_error.ece(columns[0]))


def test_largest_gap_ignores_empty_bins() -> None:
    table = calibration_error.reliability(np.array([0.05, 0.05, 0.45, 0.95]), np.array([0, 0, 1, 1]))
    assert calibration_error.mce(table) == (pytest.approx(0.55), 1)
    perfect = calibration_error.reliability(np.array([0.0, 1.0]), np.array([0, 1]))
    assert calibration_error.mce(perfect) == (0.0, 1)
