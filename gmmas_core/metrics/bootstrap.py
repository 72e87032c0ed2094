"""95 % intervals: from patients where the cases are at hand, from counts where only those have arrived.

Fewer than five patients give no interval: the resamples of so few say more about the method than about the model.
"""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics.ranking import Z_95, Counts, Interval, average_precision
from gmmas_core.types import Histogram, Sum

FEWEST = 5
_TAILS = (2.5, 97.5)


def by_patient(
    statistic: Callable[[NDArray[np.int64]], float | None],
    patients: Sequence[Hashable],
    resamples: int,
    rng: np.random.Generator,
) -> Interval | None:
    """Percentile interval of a statistic under resampling of patients with all their cases.

    Args:
        statistic: of the cases at the given indices (repeats allowed); None where it is undefined.
        patients: of each case; a patient's cases are drawn together.
        resamples: number of draws; 0 for no interval.
        rng: consumed.

    Returns:
        None with fewer than five patients, and when the statistic is undefined in more than one tenth of the draws.
    """
    members: dict[Hashable, list[int]] = {}
    for index, patient in enumerate(patients):
        members.setdefault(patient, []).append(index)
    groups = [np.array(indices, dtype=np.int64) for indices in members.values()]
    if len(groups) < FEWEST or not resamples:
        return None
    draws = rng.integers(len(groups), size=(resamples, len(groups)))
    values = [statistic(np.concatenate([groups[group] for group in draw])) for draw in draws]
    return _percentiles(np.array([np.nan if value is None else value for value in values]))


def of_mean(
    exact: Sum, histogram: Histogram, centres: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> Interval | None:
    """Percentile interval of a mean of which only the exact sum and a histogram are known.

    Cases are drawn from the bins; the small shift from bin centres to the exact mean is taken out. One case per
    patient is assumed, the histogram does not know whose cases it counts.
    """
    counts = np.array(histogram, dtype=np.int64)
    num_cases = int(counts.sum())
    if num_cases < FEWEST or not resamples:
        return None
    means = rng.multinomial(num_cases, counts / num_cases, size=resamples) @ centres / num_cases
    shift = exact.mean - float(counts @ centres) / num_cases
    return _percentiles(np.clip(means + shift, 0, None))


def of_auprc(positive_L: Counts, negative_L: Counts, resamples: int, rng: np.random.Generator) -> Interval | None:
    """Percentile interval of the average precision from counts per score level."""
    pooled = np.concatenate([positive_L, negative_L])
    num_cases = int(pooled.sum())
    if num_cases < FEWEST or not resamples:
        return None
    (filled,) = np.nonzero(positive_L + negative_L)
    half = len(filled)
    counts = np.concatenate([positive_L[filled], negative_L[filled]])
    drawn = rng.multinomial(num_cases, counts / num_cases, size=resamples).astype(np.int64)
    return _percentiles(average_precision(drawn[:, :half], drawn[:, half:]))


def wilson(share: Sum) -> Interval | None:
    """Interval of a proportion (accuracy, sensitivity, specificity); None when nothing was counted."""
    if not share.count:
        return None
    n, z2 = share.count, Z_95**2
    centre = (share.total + z2 / 2) / (n + z2)
    half = Z_95 / (n + z2) * float(np.sqrt(share.total * (n - share.total) / n + z2 / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


def standard_deviation(values: Sum, squares: Sum) -> float | None:
    """Sample standard deviation from a sum and a sum of squares; None below two cases."""
    if values.count < 2:
        return None
    spread = squares.total - values.total**2 / values.count
    return float(np.sqrt(max(0.0, spread) / (values.count - 1)))


def normal(values: Sum, squares: Sum) -> Interval | None:
    """Normal interval of a non-negative mean from a sum and a sum of squares; None below five cases."""
    deviation = standard_deviation(values, squares)
    if deviation is None or values.count < FEWEST:
        return None
    half = Z_95 * deviation / float(np.sqrt(values.count))
    return max(0.0, values.mean - half), values.mean + half


def _percentiles(values: NDArray[np.float64]) -> Interval | None:
    known = values[~np.isnan(values)]
    if len(known) < 0.9 * len(values):
        return None
    low, high = np.percentile(known, _TAILS)
    return float(low), float(high)
