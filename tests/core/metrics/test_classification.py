"""Exact scores against scikit-learn and against values worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, recall_score

from gmmas_core.metrics import classification

PROB = np.array([0.9, 0.5, 0.4, 0.2, 0.7, 0.05])
LABEL = np.array([1, 1, 1, 0, 0, 0])


def test_by_hand() -> None:
    assert classification.accuracy(PROB, LABEL) == pytest.approx(4 / 6)
    assert classification.sensitivity(PROB, LABEL) == pytest.approx(2 / 3)  # exactly 0.5 is called class 1
    assert classification.specificity(PROB, LABEL) == pytest.approx(2 / 3)
    assert classification.brier(PROB, LABEL) == pytest.approx((0.01 + 0.25 + 0.36 + 0.04 + 0.49 + 0.0025) / 6)
    # bins 0, 2, 4, 5, 7, 9 hold one case each
    assert classification.ece(PROB, LABEL) == pytest.approx((0.1 + 0.5 + 0.6 + 0.2 + 0.7 + 0.05) / 6)


def test_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    prob, label = rng.random(200), rng.integers(0, 2, 200)
    called = prob >= 0.5
    assert classification.accuracy(prob, label) == pytest.approx(accuracy_score(label, called))
    assert classification.sensitivity(prob, label) == pytest.approx(recall_score(label, called))
    assert classification.specificity(prob, label) == pytest.approx(recall_score(label, called, pos_label=0))
    assert classification.brier(prob, label) == pytest.approx(brier_score_loss(label, prob))
    assert classification.nll(prob, label) == pytest.approx(log_loss(label, prob))


def test_certain_and_wrong_is_finite() -> None:
    assert classification.nll(np.array([0.0, 1.0]), np.array([1, 0])) == classification.WORST_NATS
    assert classification.nll(np.array([0.0, 1.0]), np.array([0, 1])) == 0.0


def test_nothing_to_score_is_none() -> None:
    empty = np.array([]), np.array([], dtype=np.int64)
    assert {name: score(*empty) for name, score in classification.SCORES.items()} == dict.fromkeys(
        classification.SCORES
    )
    one_class = np.array([0.2, 0.6]), np.array([0, 0])
    assert classification.sensitivity(*one_class) is None
    assert classification.auroc(*one_class) is None
    assert classification.specificity(*one_class) == 0.5
