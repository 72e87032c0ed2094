"""How well a score ranks strange cases above usual ones, and how often something happened; with 95 % intervals."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics.bootstrap import by_patient, wilson
from gmmas_core.metrics.ranking import auroc, levels
from gmmas_core.types import Sum

SEED = 7
Numbers = NDArray[np.float64]
Statistic = Callable[[NDArray[np.int64]], float | None]


def area(score_N: Numbers, label_N: NDArray[np.int64]) -> Statistic:
    """AUROC of chosen cases."""
    return lambda chosen: auroc(*levels(score_N[chosen], label_N[chosen]))


def resampled(statistic: Statistic, patients: Sequence[str], resamples: int) -> dict[str, Any]:
    """Its value on all cases, and an interval by resampling patients with all their cases."""
    interval = by_patient(statistic, patients, resamples, np.random.default_rng(SEED))
    return {"value": statistic(np.arange(len(patients))), "interval": interval}


def share(flags: Sequence[bool]) -> dict[str, Any]:
    """Of cases of which something is true, with Wilson's interval."""
    counted = Sum(float(sum(flags)), len(flags))
    return {"value": counted.mean if flags else None, "interval": wilson(counted)}
