"""Risk against coverage: brute force, closed forms, and the order of equals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.metrics.levels import exact_levels
from gmmas_core.metrics.selective import COVERAGES, aurc, by_confidence, by_score, excess_aurc, risk_at


def brute(loss_in_order: np.ndarray) -> float:
    """AURC of losses, surest first, by its definition."""
    return float(np.mean(np.cumsum(loss_in_order) / np.arange(1, len(loss_in_order) + 1)))


def test_by_hand() -> None:
    prob, label = np.array([0.99, 0.1, 0.3, 0.6]), np.array([1, 0, 1, 0])  # sure and right twice, then wrong twice
    cases = by_confidence(exact_levels(prob, label))
    assert aurc(cases) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert excess_aurc(cases) == pytest.approx(0)
    assert risk_at(cases, (0.5, 0.75, 1.0)) == pytest.approx([0, 1 / 3, 1 / 2])
    backwards = by_confidence(exact_levels(1 - prob[::-1], label))
    assert backwards.loss_L.sum() == 2


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.9]), st.floats(0, 1)), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_equals_are_averaged_over_their_orders(cases: list[tuple[float, float]]) -> None:
    confidence, loss = (np.array(column) for column in zip(*cases))
    orders = [
        brute(loss[list(order)])
        for order in itertools.permutations(range(len(cases)))
        if all(np.diff(confidence[list(order)]) <= 0)
    ]
    assert aurc(by_score(confidence, loss)) == pytest.approx(np.mean(orders))


def test_distinct_scores_equal_brute_force_and_the_best_order_has_no_excess() -> None:
    rng = np.random.default_rng(0)
    confidence, loss = rng.random(500), rng.beta(1, 6, 500)
    cases = by_score(confidence, loss)
    assert aurc(cases) == pytest.approx(brute(loss[np.argsort(-confidence)]))
    assert excess_aurc(cases) == pytest.approx(brute(loss[np.argsort(-confidence)]) - brute(np.sort(loss)))
    assert excess_aurc(by_score(-loss, loss)) == pytest.approx(0, abs=1e-12)


def test_large_cohorts_reach_the_known_limits() -> None:
    """Errors ranked last: r + (1 - r) ln(1 - r); a confidence that says nothing: r."""
    rate, num_cases = 0.22, 100_000
    wrong = (np.arange(num_cases) >= (1 - rate) * num_cases).astype(np.float64)
    best = aurc(by_score(-wrong, wrong))
    assert best == pytest.approx(rate + (1 - rate) * np.log(1 - rate), abs=1e-4)
    assert aurc(by_score(np.zeros(num_cases), wrong)) == pytest.approx(rate)


def test_both_sides_of_one_half_are_equally_sure() -> None:
    prob = np.array([0.3, 0.7, 0.1, 0.9, 0.45, 0.55])
    assert len(by_confidence(exact_levels(prob, np.array([0, 1, 1, 1, 0, 0]))).count_L) == 3


def test_the_curve_ends_at_the_error_rate_and_a_huge_count_costs_nothing() -> None:
    prob, label = np.array([0.2, 0.8, 0.6]), np.array([0, 1, 0])
    risk = risk_at(by_confidence(exact_levels(prob, label)))
    assert risk is not None
    assert len(risk) == len(COVERAGES)
    assert risk[-1] == pytest.approx(1 / 3)
    levels = exact_levels(prob, label)
    many = by_confidence(
        type(levels)(prob_L=levels.prob_L, positive_L=levels.positive_L * 10**12, negative_L=levels.negative_L * 10**12)
    )
    assert aurc(many) == pytest.approx(1 / 3 + 2 / 3 * np.log(2 / 3), abs=1e-6)


def test_nobody() -> None:
    for cases in (by_score(np.array([]), np.array([])), by_confidence(exact_levels(np.array([]), np.array([], int)))):
        assert (aurc(cases), excess_aurc(cases), risk_at(cases)) == (None, None, None)
