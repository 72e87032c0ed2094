"""AUROC, its interval and the precision-recall area against scikit-learn and against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from gmmas_core.metrics import ranking

SCORED = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=2, max_size=40)


@given(SCORED)
@settings(max_examples=150, deadline=None)
def test_equals_scikit_learn_with_ties(cases: list[tuple[int, int]]) -> None:
    score, label = (np.array(column) for column in zip(*cases))
    counts = ranking.levels(score / 12, label)
    if len(set(label)) < 2:
        assert ranking.auroc(*counts) is None
        assert ranking.auprc(*counts) is None
        assert ranking.auroc_interval(*counts) is None
    else:
        assert ranking.auroc(*counts) == pytest.approx(roc_auc_score(label, score))
        assert ranking.auprc(*counts) == pytest.approx(average_precision_score(label, score))


def test_delong_variance_is_that_of_the_pairwise_kernel() -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(3, 12, 25) / 12, rng.integers(0, 9, 40) / 12
    kernel = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    area = kernel.mean()
    error = np.sqrt(kernel.mean(1).var(ddof=1) / 25 + kernel.mean(0).var(ddof=1) / 40)
    counts = ranking.levels(np.concatenate([positive, negative]), np.repeat([1, 0], [25, 40]))
    interval = ranking.auroc_interval(*counts)
    assert interval is not None
    logits = np.log(np.array(interval) / (1 - np.array(interval)))
    centre, half = logits.mean(), np.diff(logits)[0] / 2
    assert centre == pytest.approx(np.log(area / (1 - area)))
    assert half == pytest.approx(1.959964 * error / (area * (1 - area)), rel=1e-6)


def test_interval_covers_the_true_area_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        score = np.concatenate([rng.normal(1, 1, 40), rng.normal(0, 1, 60)])
        interval = ranking.auroc_interval(*ranking.levels(score, np.repeat([1, 0], [40, 60])))
        assert interval is not None
        covered += interval[0] <= 0.76025 <= interval[1]  # Phi(1 / sqrt 2)
    assert 0.91 < covered / 400 < 0.985


def test_a_perfect_ranking_has_no_interval() -> None:
    counts = ranking.levels(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert ranking.auroc(*counts) == 1.0
    assert ranking.auroc_interval(*counts) is None


def test_average_precision_of_many_resamples_at_once() -> None:
    rng = np.random.default_rng(2)
    positive, negative = rng.integers(0, 4, (5, 30)), rng.integers(0, 4, (5, 30))
    positive[4] = 0
    together = ranking.average_precision(positive, negative)
    one_by_one = [ranking.auprc(p, n) for p, n in zip(positive[:4], negative[:4])]
    assert together[:4] == pytest.approx(one_by_one)
    assert np.isnan(together[4]) or together[4] == 0
