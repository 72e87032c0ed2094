"""One Gaussian from the sums of all hospitals, and how far a case lies from it.

Mean and covariance are those of the pooled patients: of a feature over all who have it, of two over all who have both.
Correlations shrink towards none by the share that is best for Gaussians of so few patients; what is then still no
covariance, because its entries are of different patients, is moved to the nearest one with a smallest eigenvalue.

A case without some sequence is judged by the Gaussian of what it has: rows and columns of the others are left out
(marginalisation), nothing is filled in. Squared distances over different numbers of features are made comparable by the
Wilson-Hilferty cube root: about standard normal for a patient of the Gaussian.

Sources: Chen et al. 2010, Shrinkage algorithms for MMSE covariance estimation, eq. 23 (doi:10.1109/TSP.2010.2053029);
Wilson and Hilferty 1931 (doi:10.1073/pnas.17.12.684); Lee et al. 2018 for the Mahalanobis distance as a detector
(arXiv:1807.03888).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gmmas_core.novelty.features import NAMES, NEEDS, Floats
from gmmas_core.novelty.sums import population, product_key, sum_at, sum_key
from gmmas_core.types import SEQUENCES, Metric

FEWEST = 20
"""Patients without whom a feature, or a pair of features, is taken as unknown."""

MOST_DISTANCE = 30.0
"""Of a distance's absolute value; a larger one is told as this."""

SMALLEST_SPREAD = 0.02
"""Of a feature: a hundred patients of one phantom must not make everybody else infinitely far."""

SMALLEST_EIGENVALUE = 0.02
"""Of the correlations."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaussian:
    """Of the training patients of all hospitals.

    Attributes:
        mean_F: NaN for features that too few patients have.
        covariance_FF: NaN in the rows and columns of those.
        patients: sequence -> training patients who have it.
        shrinkage: share by which the correlations were shrunk.
    """

    mean_F: Floats
    covariance_FF: Floats
    patients: Mapping[str, int]
    shrinkage: float

    @property
    def known_F(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Features that it knows."""
        return ~np.isnan(self.mean_F)

    @property
    def sequences(self) -> tuple[str, ...]:
        """Sequences of which it knows any feature."""
        known = {name for needs, is_known in zip(NEEDS, self.known_F) if is_known for name in needs}
        return tuple(name for name in SEQUENCES if name in known)


def fit(metrics: Mapping[str, Metric], fewest: int = FEWEST) -> Gaussian | None:
    """The Gaussian of pooled sums.

    Args:
        metrics: keys of `sums.no_patients`, possible ones.
        fewest: patients that a feature or a pair of features needs.

    Returns:
        None where no sequence has enough patients.
    """
    size = len(NAMES)
    totals = [sum_at(metrics, sum_key(place, population(place, place))) for place in range(size)]
    usable = [place for place in range(size) if totals[place].count >= fewest]
    if not any(NEEDS[place] for place in usable):
        return None
    mean_U = np.array([totals[place].mean for place in usable])
    covariance_UU, smallest = np.zeros((len(usable), len(usable))), totals[usable[0]].count
    for row, one in enumerate(usable):
        for column, other in enumerate(usable):
            both = sum_at(metrics, product_key(one, other))
            if both.count >= fewest:
                group = population(one, other)
                means = [sum_at(metrics, sum_key(place, group)).total / both.count for place in (one, other)]
                covariance_UU[row, column] = both.mean - means[0] * means[1]
                smallest = min(smallest, both.count)
    spread_U = np.sqrt(np.maximum(np.diag(covariance_UU), SMALLEST_SPREAD**2))
    shrunk_UU, shrinkage = shrunk(covariance_UU / np.outer(spread_U, spread_U), smallest)
    mean_F, covariance_FF = np.full(size, np.nan), np.full((size, size), np.nan)
    mean_F[usable] = mean_U
    covariance_FF[np.ix_(usable, usable)] = shrunk_UU * np.outer(spread_U, spread_U)
    patients = {name: totals[NAMES.index(f"{name}-low")].count for name in SEQUENCES}
    return Gaussian(mean_F=mean_F, covariance_FF=covariance_FF, patients=patients, shrinkage=shrinkage)


def shrunk(correlation_UU: Floats, patients: int) -> tuple[Floats, float]:
    """Correlations towards none, positive definite, with ones on the diagonal; and the share."""
    size = len(correlation_UU)
    bounded_UU = np.clip(correlation_UU, -1.0, 1.0)
    np.fill_diagonal(bounded_UU, 1.0)
    squares = float((bounded_UU**2).sum())  # trace of the square; the trace itself is `size`
    above = (1 - 2 / size) * squares + size**2
    below = (patients + 1 - 2 / size) * (squares - size)
    share = min(1.0, above / below) if below > 0 else 1.0
    values, vectors = np.linalg.eigh((1 - share) * bounded_UU + share * np.eye(size))
    mended_UU = (vectors * np.maximum(values, SMALLEST_EIGENVALUE)) @ vectors.T
    scale_U = np.sqrt(np.diag(mended_UU))
    return mended_UU / np.outer(scale_U, scale_U), share


def distance(gaussian: Gaussian, features_F: Floats) -> float | None:
    """How far a case lies from the training patients, judged by what it has.

    Args:
        gaussian: of the training patients.
        features_F: of the case, NaN where unknown.

    Returns:
        In [-MOST_DISTANCE, MOST_DISTANCE]; about standard normal for a patient of the Gaussian, larger is farther. None
        where no feature of a sequence is known to both.
    """
    used = np.flatnonzero(gaussian.known_F & ~np.isnan(features_F))
    if not any(NEEDS[place] for place in used):
        return None
    apart_U = features_F[used] - gaussian.mean_F[used]
    return normal_distance(apart_U, gaussian.covariance_FF[np.ix_(used, used)])


def normal_distance(apart_U: Floats, covariance_UU: Floats) -> float:
    """The Mahalanobis distance of a difference from the mean, about standard normal and bounded; see `distance`."""
    size = len(apart_U)
    squared = float(apart_U @ np.linalg.solve(covariance_UU, apart_U))
    part = 2 / (9 * size)
    normal = (np.cbrt(squared / size) - (1 - part)) / np.sqrt(part)
    return float(np.clip(normal, -MOST_DISTANCE, MOST_DISTANCE))
