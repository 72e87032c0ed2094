"""Bins that every site shares, so that counts from different hospitals can be added.

Probabilities: 1024 bins of equal width in logit space on [-16, 16]. Trained networks saturate, most scores lie near 0
and 1, where uniform bins in probability lump them together; an AUROC from 50 to 100 of those is off by 0.005 to
0.014, from these by about 0.0001. Exactly 0 and exactly 1 fall in the first and last bin. Dice: 100 bins of equal
width. HD95: 100 bins of equal width in the square root of mm up to 375, fine where good results lie. Age: whole
years, one bin for 90 and over.

Fine bins of a small site nearly are its cases' values: what a site's cohort floor allows to leave is not decided here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import Histogram

SCORE_BINS, SCORE_LIMIT = 1024, 16.0
MEASURE_BINS = 100
LONGEST_MM = 375.0
AGE_BINS = 91

Values = NDArray[np.float64]


def score_histogram(prob: Values) -> Histogram:
    """Counts of probabilities in bins of equal logit width."""
    with np.errstate(divide="ignore"):
        logit = np.clip(np.log(prob) - np.log1p(-prob), -SCORE_LIMIT, SCORE_LIMIT)
    return _count((logit + SCORE_LIMIT) / (2 * SCORE_LIMIT), SCORE_BINS)


def score_centres() -> Values:
    """The probability that stands for each bin: the middle of its logits."""
    logit = (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS * 2 * SCORE_LIMIT - SCORE_LIMIT
    return np.asarray(1 / (1 + np.exp(-logit)))


def age_histogram(age: Values) -> Histogram:
    """Counts of ages in whole years, 90 and over together."""
    return _count(np.clip(age, 0, AGE_BINS - 1) / AGE_BINS, AGE_BINS)


def dice_histogram(dice: Values) -> Histogram:
    """Counts of Dice values."""
    return _count(dice, MEASURE_BINS)


def distance_histogram(distance_mm: Values) -> Histogram:
    """Counts of distances; whatever is longer than LONGEST_MM is in the last bin."""
    return _count(np.sqrt(np.clip(distance_mm, 0, LONGEST_MM) / LONGEST_MM), MEASURE_BINS)


def dice_centres() -> Values:
    """The Dice value that stands for each bin."""
    return (np.arange(MEASURE_BINS) + 0.5) / MEASURE_BINS


def distance_centres_mm() -> Values:
    """The distance that stands for each bin."""
    return np.asarray(LONGEST_MM * dice_centres() ** 2)


def quantiles(histogram: Histogram, centres: Values, shares: Sequence[float]) -> list[float] | None:
    """Centre of the bin that holds each quantile; None for an empty histogram."""
    cumulative = np.cumsum(histogram)
    if not cumulative[-1]:
        return None
    places = np.searchsorted(cumulative, np.asarray(shares) * cumulative[-1], side="left")
    return [float(centres[place]) for place in places]


def _count(unit: Values, bins: int) -> Histogram:
    """Counts of values in [0, 1] in equal bins; 1 belongs to the last."""
    # A whole year divided by the number of years may land a hair below its bin: 1e-9 of a bin is no distortion.
    place = np.minimum(np.floor(np.asarray(unit, dtype=np.float64) * bins + 1e-9).astype(np.int64), bins - 1)
    return tuple(np.bincount(place, minlength=bins).tolist())
