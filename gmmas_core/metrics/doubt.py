"""Is the model worse calibrated where it doubts itself more? Confidence and truth by epistemic uncertainty.

Cases are grouped by mutual information (in nats, see `uncertainty`) in 10 bins of equal width from 0 to ln 2, the most
that two classes allow. Within each, the mean confidence in the predicted class is held against the share of cases that
were right. Cases without stochastic passes have no such doubt and are in no bin.

Shapes: D bins of doubt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DOUBT_BINS = 10
MOST_NATS = float(np.log(2))


@dataclass(frozen=True, kw_only=True)
class DoubtTable:
    """Sums per bin: cases, their confidences in the predicted class, and how many were right."""

    count_D: NDArray[np.int64]
    confidence_D: NDArray[np.float64]
    right_D: NDArray[np.int64]

    @property
    def gap_D(self) -> NDArray[np.float64]:
        """|mean confidence - share right|; 0 in empty bins."""
        return np.asarray(np.abs(self.confidence_D - self.right_D) / np.maximum(self.count_D, 1))


def doubt_table(
    information: NDArray[np.floating], prob: NDArray[np.floating], label: NDArray[np.integer]
) -> DoubtTable:
    """Sums per bin.

    Args:
        information: (N,) mutual information in nats, from 0 to ln 2 (rounding beyond it is forgiven).
        prob: (N,) P(class 1).
        label: (N,) in {0, 1}.
    """
    # Rounding may leave a value a hair below the bin it opens: 1e-9 of a bin is no distortion.
    unit = np.asarray(information, dtype=np.float64) / MOST_NATS * DOUBT_BINS + 1e-9
    place = np.clip(unit.astype(np.int64), 0, DOUBT_BINS - 1)
    right = (np.asarray(prob) >= 0.5) == (np.asarray(label) == 1)
    confidence = np.maximum(prob, 1 - np.asarray(prob))
    return DoubtTable(
        count_D=np.bincount(place, minlength=DOUBT_BINS),
        confidence_D=np.bincount(place, weights=confidence, minlength=DOUBT_BINS).astype(np.float64),
        right_D=np.bincount(place, weights=right, minlength=DOUBT_BINS).astype(np.int64),
    )
