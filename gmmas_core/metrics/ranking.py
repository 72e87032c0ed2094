"""How well a score ranks positives above negatives, from counts per score level.

Counts per distinct score give the exact value, counts per histogram bin give that of the merged federation; one set
of formulas serves both, so they cannot drift apart. Cases of one level are ties and count one half.

Shapes: L levels, lowest score first; leading axes (resamples) are allowed where a function says so.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Interval = tuple[float, float]

Z_95 = 1.959963984540054


def levels(score: NDArray[np.floating], label: NDArray[np.integer]) -> tuple[Counts, Counts]:
    """Counts of positives and negatives at every distinct score, lowest first.

    Args:
        score: (N,) any real numbers.
        label: (N,) 1 positive, 0 negative.
    """
    distinct, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, weights=label, minlength=len(distinct)).astype(np.int64)
    return positive, np.bincount(place, minlength=len(distinct)).astype(np.int64) - positive


def auroc(positive_L: Counts, negative_L: Counts) -> float | None:
    """Probability that a random positive outranks a random negative; None unless both exist."""
    if not positive_L.sum() or not negative_L.sum():
        return None
    return float(positive_L @ _share_below(negative_L) / positive_L.sum())


def auroc_interval(positive_L: Counts, negative_L: Counts) -> Interval | None:
    """95 % interval of the AUROC by DeLong's variance on the logit scale.

    Returns:
        None with fewer than two cases of a class, and for a perfect ranking, whose variance DeLong cannot estimate.

    Source: DeLong et al. 1988, Biometrics 44:837.
    """
    area = auroc(positive_L, negative_L)
    num_positive, num_negative = int(positive_L.sum()), int(negative_L.sum())
    if area is None or min(num_positive, num_negative) < 2 or not 0 < area < 1:
        return None
    of_positive = positive_L @ (_share_below(negative_L) - area) ** 2 / (num_positive - 1)
    of_negative = negative_L @ (1 - _share_below(positive_L) - area) ** 2 / (num_negative - 1)
    error = float(np.sqrt(of_positive / num_positive + of_negative / num_negative))
    centre, half = np.log(area / (1 - area)), Z_95 * error / (area * (1 - area))
    return float(1 / (1 + np.exp(half - centre))), float(1 / (1 + np.exp(-half - centre)))


def average_precision(positive_L: Counts, negative_L: Counts) -> NDArray[np.float64]:
    """Area under the precision-recall curve as a step function (no interpolation between thresholds).

    Args:
        positive_L: (..., L) counts.
        negative_L: (..., L) counts.

    Returns:
        (...) values; NaN where there is no positive or no negative.
    """
    hits = np.cumsum(positive_L[..., ::-1], axis=-1)
    called = hits + np.cumsum(negative_L[..., ::-1], axis=-1)
    total = positive_L.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(called > 0, hits / np.maximum(called, 1), 0.0)
        area = (precision * positive_L[..., ::-1]).sum(-1) / total
    return np.where(negative_L.sum(-1) > 0, area, np.nan)


def auprc(positive_L: Counts, negative_L: Counts) -> float | None:
    """Average precision; None unless both classes exist."""
    value = float(average_precision(positive_L, negative_L))
    return None if np.isnan(value) else value


def _share_below(counts_L: Counts) -> NDArray[np.float64]:
    """Share of these cases that lie below each level, ties counting one half."""
    return np.asarray((np.cumsum(counts_L) - counts_L / 2) / counts_L.sum(), dtype=np.float64)
