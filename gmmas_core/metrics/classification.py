"""Exact scores of one binary question over the cases at hand; what a hospital computes at home.

All take P(class 1) `prob` (N,) and `label` (N,) in {0, 1}, both known for every case, and return None where there is
nothing to score. The predicted class is 1 from 0.5 upwards.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import calibration_error, ranking, selective
from gmmas_core.metrics.calibration_slope import calibration_line
from gmmas_core.metrics.levels import exact_levels

Prob = NDArray[np.float64]
Label = NDArray[np.int64]
Score = Callable[[Prob, Label], float | None]

THRESHOLD = 0.5
WORST_NATS = 16.0
"""No probability counts as surer than 1 - 1.1e-7: one case that was certain and wrong costs 16 nats, not infinity."""


def auroc(prob: Prob, label: Label) -> float | None:
    """Area under the ROC curve, ties one half; None unless both classes exist."""
    return ranking.auroc(*ranking.levels(prob, label))


def auprc(prob: Prob, label: Label) -> float | None:
    """Average precision of class 1; None unless both classes exist."""
    return ranking.auprc(*ranking.levels(prob, label))


def accuracy(prob: Prob, label: Label) -> float | None:
    """Share of cases whose predicted class is right."""
    return _mean(correct(prob, label))


def sensitivity(prob: Prob, label: Label) -> float | None:
    """Share of class 1 that is predicted as class 1."""
    return _mean(correct(prob, label)[label == 1])


def specificity(prob: Prob, label: Label) -> float | None:
    """Share of class 0 that is predicted as class 0."""
    return _mean(correct(prob, label)[label == 0])


def brier(prob: Prob, label: Label) -> float | None:
    """Mean squared error of P(class 1); the sum over both classes would be twice this."""
    return _mean(squared_error(prob, label))


def nll(prob: Prob, label: Label) -> float | None:
    """Mean negative log likelihood in nats, each case at most WORST_NATS."""
    return _mean(negative_log_likelihood(prob, label))


def ece(prob: Prob, label: Label) -> float | None:
    """Expected calibration error, 10 bins of equal width on P(class 1)."""
    return calibration_error.ece(calibration_error.reliability(prob, label))


def ece_equal_mass(prob: Prob, label: Label) -> float | None:
    """Expected calibration error, 10 bins of equal numbers of cases."""
    return calibration_error.ece(calibration_error.equal_mass(exact_levels(prob, label)))


def slope(prob: Prob, label: Label) -> float | None:
    """Calibration slope; None where no line can be fitted."""
    line = calibration_line(exact_levels(prob, label))
    return None if line is None else line.slope


def intercept(prob: Prob, label: Label) -> float | None:
    """Calibration intercept, fitted together with the slope; None where no line can be fitted."""
    line = calibration_line(exact_levels(prob, label))
    return None if line is None else line.intercept


def aurc(prob: Prob, label: Label) -> float | None:
    """Area under the risk-coverage curve of the confidence in the predicted class."""
    return selective.aurc(selective.by_confidence(exact_levels(prob, label)))


def excess_aurc(prob: Prob, label: Label) -> float | None:
    """That area less what a perfect ranking of the same errors would have."""
    return selective.excess_aurc(selective.by_confidence(exact_levels(prob, label)))


SCORES: Mapping[str, Score] = {
    "auroc": auroc,
    "auprc": auprc,
    "accuracy": accuracy,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "brier": brier,
    "nll": nll,
    "ece": ece,
    "ece_equal_mass": ece_equal_mass,
    "slope": slope,
    "intercept": intercept,
    "aurc": aurc,
    "excess_aurc": excess_aurc,
}


def correct(prob: Prob, label: Label) -> NDArray[np.bool_]:
    """Per case: is the predicted class the label?"""
    return np.asarray((prob >= THRESHOLD) == (label == 1))


def squared_error(prob: Prob, label: Label) -> NDArray[np.float64]:
    """Per case: (P(class 1) - label) squared."""
    return np.asarray((prob - label) ** 2)


def negative_log_likelihood(prob: Prob, label: Label) -> NDArray[np.float64]:
    """Per case: -log of the probability given to what was true, in nats."""
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log(np.where(label == 1, prob, 1 - prob)), WORST_NATS)


def _mean(values: NDArray[np.bool_] | NDArray[np.float64]) -> float | None:
    return float(np.mean(values)) if len(values) else None
