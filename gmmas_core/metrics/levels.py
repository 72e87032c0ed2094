"""One binary question as counts per probability: exact at a site, per histogram bin at the coordinator.

Calibration, selective prediction and decision curves are written once, over these counts, so that the number a
hospital computes from its cases and the number the coordinator computes from merged histograms cannot drift apart.
The histogram's bins are 1/32 wide in the logit: no probability moves by more than 0.004, none crosses 0.5.

Shapes: N cases, L levels, lowest probability first, none of them empty.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics.ranking import Counts, levels
from gmmas_core.metrics.score_histogram import score_centres


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Cases that share a probability.

    Attributes:
        prob_L: P(class 1), rising.
        positive_L: cases of class 1.
        negative_L: cases of class 0.
    """

    prob_L: NDArray[np.float64]
    positive_L: Counts
    negative_L: Counts

    @property
    def count_L(self) -> Counts:
        """Cases per level."""
        return self.positive_L + self.negative_L

    @property
    def num_cases(self) -> int:
        """Cases in all."""
        return int(self.count_L.sum())


def exact_levels(prob: NDArray[np.floating], label: NDArray[np.integer]) -> Levels:
    """Levels of cases at hand.

    Args:
        prob: (N,) P(class 1).
        label: (N,) in {0, 1}.
    """
    positive_L, negative_L = levels(prob, label)
    prob_L = np.unique(np.asarray(prob, dtype=np.float64))
    return Levels(prob_L=prob_L, positive_L=positive_L, negative_L=negative_L)


def binned_levels(positive: Counts, negative: Counts) -> Levels:
    """Levels of the merged score histograms; each bin stands at its centre in the logit."""
    (filled,) = np.nonzero(positive + negative)
    return Levels(prob_L=score_centres()[filled], positive_L=positive[filled], negative_L=negative[filled])
