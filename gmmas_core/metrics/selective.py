"""Does the model know when it is wrong? Risk among the cases it is surest of, from few to all.

Keep the surest share of the cases (coverage) and average what they cost (risk). The area under that curve (AURC) mixes
how good the model is with how well its confidence ranks its errors; the excess area over the best possible ranking of
the same losses is about the ranking alone, 0 being perfect. Cases of equal confidence are averaged over their orders.

Shapes: L levels of confidence, C coverages.
Source: Geifman et al. 2019, Bias-Reduced Uncertainty Estimation (arXiv 1805.08206).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gmmas_core.metrics.levels import Levels
from gmmas_core.metrics.ranking import Counts

COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))
"""Where a drawn curve is sampled."""


@dataclass(frozen=True, kw_only=True)
class SureFirst:
    """Cases by confidence, the surest level first, no level empty.

    Attributes:
        count_L: cases.
        loss_L: what they cost, summed; between 0 and the count.
        best_area: the smallest area under the curve that any ranking of the same losses has; 0 without cases.
    """

    count_L: Counts
    loss_L: NDArray[np.float64]
    best_area: float


def by_confidence(levels: Levels) -> SureFirst:
    """A binary question: confidence max(p, 1 - p), loss 1 for a wrong class (threshold 0.5) and 0 for a right one."""
    wrong_L = np.where(levels.prob_L >= 0.5, levels.negative_L, levels.positive_L).astype(np.float64)
    # The same confidence from both sides of 0.5 differs by rounding; 12 decimals make it one level.
    confidence_L = np.asarray(np.round(np.maximum(levels.prob_L, 1 - levels.prob_L), 12), dtype=np.float64)
    wrong = int(wrong_L.sum())
    counts = np.array([levels.num_cases - wrong, wrong], dtype=np.int64)
    best = _group(np.array([1.0, 0.0]), counts, np.array([0.0, float(wrong)]))
    count_L, loss_L = _group(confidence_L, levels.count_L, wrong_L)
    return SureFirst(count_L=count_L, loss_L=loss_L, best_area=_area(*best))


def by_score(confidence: NDArray[np.floating], loss: NDArray[np.floating]) -> SureFirst:
    """Cases at hand.

    Args:
        confidence: (N,) any real numbers, higher is surer.
        loss: (N,) in [0, 1].
    """
    one, cost = np.ones(len(loss), dtype=np.int64), np.asarray(loss, dtype=np.float64)
    best = _group(-cost, one, cost)
    count_L, loss_L = _group(np.asarray(confidence, dtype=np.float64), one, cost)
    return SureFirst(count_L=count_L, loss_L=loss_L, best_area=_area(*best))


def aurc(cases: SureFirst) -> float | None:
    """Mean over k of the risk of the k surest cases; None without cases."""
    return _area(cases.count_L, cases.loss_L) if len(cases.count_L) else None


def excess_aurc(cases: SureFirst) -> float | None:
    """The AURC less that of a perfect ranking of the same losses, never below 0; None without cases."""
    area = aurc(cases)
    return None if area is None else max(0.0, area - cases.best_area)


def risk_at(cases: SureFirst, coverage_C: Sequence[float] = COVERAGES) -> list[float] | None:
    """Risk of the surest share of the cases, a fraction of a case counting in proportion; None without cases."""
    if not len(cases.count_L):
        return None
    kept_C = np.asarray(coverage_C) * cases.count_L.sum()
    reached = np.concatenate([[0], np.cumsum(cases.count_L)])
    lost_C = np.interp(kept_C, reached, np.concatenate([[0.0], np.cumsum(cases.loss_L)]))
    return [float(risk) for risk in lost_C / kept_C]


def _group(
    confidence_L: NDArray[np.float64], count_L: Counts, loss_L: NDArray[np.float64]
) -> tuple[Counts, NDArray[np.float64]]:
    """Counts and losses per distinct confidence, the surest first, empty ones dropped."""
    distinct, place = np.unique(-confidence_L, return_inverse=True)
    count = np.bincount(place, weights=count_L, minlength=len(distinct)).astype(np.int64)
    loss = np.bincount(place, weights=loss_L, minlength=len(distinct)).astype(np.float64)
    return count[count > 0], loss[count > 0]


def _area(count_L: Counts, loss_L: NDArray[np.float64]) -> float:
    """Mean risk over all numbers of cases kept; 0 without cases.

    A level of m cases and loss w after n cases of loss W adds the sum over j = 1..m of (W + w j / m) / (n + j), here
    in closed form with harmonic numbers, so that a large count costs no memory.
    """
    before_L, lost_L = np.cumsum(count_L) - count_L, np.cumsum(loss_L) - loss_L
    harmonic_L = special.digamma(before_L + count_L + 1) - special.digamma(before_L + 1)
    area_L = loss_L + (lost_L - loss_L * before_L / count_L) * harmonic_L
    return float(area_L.sum() / max(1, count_L.sum()))
