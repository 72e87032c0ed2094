"""Are the probabilities too bold? The line that would set them right: logit(truth) = intercept + slope * logit(p).

Slope 1 and intercept 0 need no correction. A slope below 1 says over-confident (the usual fault of networks), above 1
too timid; the intercept says whether class 1 is called too rarely (above 0) or too often. Unlike an ECE it has no bins.

Source: Cox 1958, Two further applications of a model for binary regression (Biometrika 45:562).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gmmas_core.metrics.levels import Levels
from gmmas_core.metrics.ranking import Z_95, Interval
from gmmas_core.metrics.score_histogram import SCORE_LIMIT

FEWEST_PER_CLASS = 5
"""A line through fewer cases of a class says more about these cases than about the model."""

_MOST_STEPS = 50
_CLOSE = 1e-9


@dataclass(frozen=True, kw_only=True)
class CalibrationLine:
    """The fitted line, with the standard errors of both numbers (Wald, from the observed information)."""

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float

    @property
    def slope_interval(self) -> Interval:
        """95 % interval of the slope, normal."""
        return self.slope - Z_95 * self.slope_error, self.slope + Z_95 * self.slope_error

    @property
    def intercept_interval(self) -> Interval:
        """95 % interval of the intercept, normal."""
        return self.intercept - Z_95 * self.intercept_error, self.intercept + Z_95 * self.intercept_error


def calibration_line(levels: Levels) -> CalibrationLine | None:
    """Logistic regression of the truth on logit(p) by Newton's method, without penalty.

    Args:
        levels: of one question; logits beyond the histogram's limit count as the limit.

    Returns:
        None with fewer than FEWEST_PER_CLASS cases of a class, and where the classes do not overlap: no finite line
        fits best then.
    """
    with np.errstate(divide="ignore"):
        logit_L = np.clip(np.log(levels.prob_L) - np.log1p(-levels.prob_L), -SCORE_LIMIT, SCORE_LIMIT)
    if min(levels.positive_L.sum(), levels.negative_L.sum()) < FEWEST_PER_CLASS or _is_separable(logit_L, levels):
        return None
    design_L2 = np.stack([np.ones_like(logit_L), logit_L], axis=1)
    line_2 = np.array([0.0, 1.0])
    for _ in range(_MOST_STEPS):
        prob_L = special.expit(design_L2 @ line_2)
        information_22 = (design_L2.T * (levels.count_L * prob_L * (1 - prob_L))) @ design_L2
        if np.linalg.cond(information_22) > 1 / np.finfo(np.float64).eps:
            return None
        step_2 = np.linalg.solve(information_22, design_L2.T @ (levels.positive_L - levels.count_L * prob_L))
        line_2 = _descend(design_L2, levels, line_2, step_2)
        if np.abs(step_2).max() < _CLOSE * (1 + np.abs(line_2).max()):
            errors_2 = np.sqrt(np.diag(np.linalg.inv(information_22)))
            return CalibrationLine(
                slope=float(line_2[1]),
                intercept=float(line_2[0]),
                slope_error=float(errors_2[1]),
                intercept_error=float(errors_2[0]),
            )
    return None


def _is_separable(logit_L: NDArray[np.float64], levels: Levels) -> bool:
    """Whether one threshold parts the classes; a shared single value does not help."""
    positive, negative = logit_L[levels.positive_L > 0], logit_L[levels.negative_L > 0]
    return bool(positive.min() >= negative.max() or positive.max() <= negative.min())


def _descend(
    design_L2: NDArray[np.float64], levels: Levels, line_2: NDArray[np.float64], step_2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The line after a full step, or after the longest halved one that does not raise the loss."""

    def loss(candidate_2: NDArray[np.float64]) -> float:
        linear_L = design_L2 @ candidate_2
        return float(levels.count_L @ np.logaddexp(0, linear_L) - levels.positive_L @ linear_L)

    before = loss(line_2)
    # Rounding alone may raise the loss by this much at the optimum.
    allowed = before + 1e-12 * (1 + abs(before))
    for halvings in range(30):
        candidate_2 = np.asarray(line_2 + step_2 / 2**halvings, dtype=np.float64)
        if loss(candidate_2) <= allowed:
            return candidate_2
    return line_2
