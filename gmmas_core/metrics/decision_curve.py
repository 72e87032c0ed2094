"""Is acting on the model better than acting on everybody, or on nobody? Net benefit over decision thresholds.

Whoever acts from a probability of pt upwards holds one missed case for as bad as (1 - pt) / pt needless actions. The
net benefit counts true actions per case less needless ones at that exchange rate; below 0 the model does harm, and the
curve shows it: nothing is clipped. Acting on nobody is 0 throughout.

Shapes: L levels, P thresholds.
Source: Vickers & Elkin 2006, Decision curve analysis (Med Decis Making 26:565).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics.levels import Levels

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(1, 100))


@dataclass(frozen=True, kw_only=True)
class DecisionCurve:
    """Net benefit per case at each threshold: acting on the model, and acting on all."""

    threshold_P: NDArray[np.float64]
    model_P: NDArray[np.float64]
    all_P: NDArray[np.float64]


def decision_curve(levels: Levels, thresholds: Sequence[float] = THRESHOLDS) -> DecisionCurve | None:
    """TP / n - FP / n * pt / (1 - pt), where whoever reaches pt is acted on; None without cases.

    Args:
        levels: of one question.
        thresholds: each above 0 and below 1.
    """
    if not levels.num_cases:
        return None
    threshold_P = np.asarray(thresholds, dtype=np.float64)
    first_P = np.searchsorted(levels.prob_L, threshold_P, side="left")
    rate_P = threshold_P / (1 - threshold_P)

    def from_(of_L: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of all cases, per first level that is acted on; none beyond the last."""
        return np.asarray(np.append(np.cumsum(of_L[::-1])[::-1], 0) / levels.num_cases, dtype=np.float64)

    positive, negative = from_(levels.positive_L), from_(levels.negative_L)
    return DecisionCurve(
        threshold_P=threshold_P,
        model_P=positive[first_P] - negative[first_P] * rate_P,
        all_P=positive[0] - negative[0] * rate_P,
    )
