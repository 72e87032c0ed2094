"""Net benefit by hand, against the confusion matrix, and at its known ends."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from gmmas_core.metrics.decision_curve import THRESHOLDS, decision_curve
from gmmas_core.metrics.levels import exact_levels


def test_by_hand_and_below_zero() -> None:
    levels = exact_levels(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]))
    curve = decision_curve(levels, (0.2, 0.5, 0.8, 0.85))
    assert curve is not None
    # acted on: three (2 true, 1 not), two (1, 1), two (1, 1: 0.8 reaches 0.8), one (1, 0)
    assert curve.model_P == pytest.approx([2 / 4 - 1 / 4 / 4, 0, 1 / 4 - 4 / 4, 1 / 4])
    assert curve.all_P == pytest.approx([2 / 4 - 2 / 4 / 4, 0, 2 / 4 - 2 / 4 * 4, 2 / 4 - 2 / 4 * 0.85 / 0.15])


def test_equals_the_confusion_matrix_at_every_threshold() -> None:
    rng = np.random.default_rng(0)
    prob, label = np.round(rng.random(300), 2), rng.integers(0, 2, 300)
    curve = decision_curve(exact_levels(prob, label))
    assert curve is not None
    for pt, found in zip(THRESHOLDS, curve.model_P):
        _, false_positive, _, true_positive = confusion_matrix(label, prob >= pt, labels=[0, 1]).ravel()
        assert found == pytest.approx(true_positive / 300 - false_positive / 300 * pt / (1 - pt))


def test_a_perfect_model_gains_the_prevalence_and_acting_on_all_breaks_even_there() -> None:
    label = np.repeat([0, 1], [75, 25])
    curve = decision_curve(exact_levels(label.astype(np.float64), label))
    assert curve is not None
    assert curve.model_P == pytest.approx(0.25)
    assert curve.all_P[THRESHOLDS.index(0.25)] == pytest.approx(0)


def test_nobody() -> None:
    assert decision_curve(exact_levels(np.array([]), np.array([], dtype=np.int64))) is None
