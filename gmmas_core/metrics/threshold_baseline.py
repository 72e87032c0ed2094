"""The baseline every segmentation must beat: one threshold on z-scored FLAIR.

For a fixed grid of thresholds each site sends the sum of its cases' whole-tumour Dice; merged, the best threshold over
all cases of the federation is known without any case being seen. It is chosen on the very cases it is scored on, so it
flatters the baseline, never the network.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics.overlap import dice
from gmmas_core.types import Metric, Sum

THRESHOLDS = tuple(round(0.2 * step, 1) for step in range(1, 26))  # standard deviations above the brain's mean


def flair_threshold_sums(cases: Iterable[tuple[NDArray[np.floating], NDArray[np.integer]]]) -> dict[str, Metric]:
    """Whole-tumour Dice per threshold, summed over cases.

    Args:
        cases: (flair_XYZ z-scored inside the brain, seg_XYZ canonical labels) of the cases that have both.

    Returns:
        "threshold-dice.<z>" -> Sum, the same keys whatever the cases have.
    """
    totals = np.zeros(len(THRESHOLDS))
    count = 0
    for flair_XYZ, seg_XYZ in cases:
        count += 1
        tumour_XYZ = seg_XYZ > 0
        totals += [dice(flair_XYZ > threshold, tumour_XYZ) for threshold in THRESHOLDS]
    return {f"threshold-dice.{z:g}": Sum(float(total), count) for z, total in zip(THRESHOLDS, totals, strict=True)}


def best_threshold(metrics: Mapping[str, Metric]) -> tuple[float, float] | None:
    """The best threshold (in standard deviations) and its mean Dice, or None when no case was scored."""
    found = [
        (value.mean, z)
        for z in THRESHOLDS
        if isinstance(value := metrics.get(f"threshold-dice.{z:g}"), Sum) and value.count
    ]
    if not found:
        return None
    best_dice, best_z = max(found)
    return best_z, best_dice
