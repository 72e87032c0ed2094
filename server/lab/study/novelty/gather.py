"""From the training sites' patients to what a model folder would hold: the same sums, gate, checks and fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from client.egress.floor import above_floor
from gmmas_core.metrics.evaluation import add
from gmmas_core.novelty.check import sequences_judged
from gmmas_core.novelty.features import Floats
from gmmas_core.novelty.gaussian import distance, fit
from gmmas_core.novelty.held_out import limits_of, subset_name, sum_distances
from gmmas_core.novelty.stored import Distribution
from gmmas_core.novelty.sums import by_common_patterns, sum_patients
from gmmas_core.types import DataError, Metric

Vectors = Mapping[str, Sequence[Floats]]
"""Site -> features of its patients."""


def gathered(train: Vectors, validation: Vectors, floor: int, spacing_mm: float) -> Distribution:
    """What a federation would write into the model folder.

    Raises:
        DataError: too few patients.
    """
    gaussian = fit(
        _pooled(
            {site: above_floor(sum_patients(by_common_patterns(rows, floor)), floor) for site, rows in train.items()}
        )
    )
    if gaussian is None:
        raise DataError("study: found too few patients for a Gaussian; expected more; choose a larger mode")
    held = {
        site: above_floor(sum_distances(gaussian, by_common_patterns(rows, floor)), floor)
        for site, rows in validation.items()
    }
    return Distribution(gaussian=gaussian, spacing_mm=spacing_mm, limits=limits_of(_pooled(held)))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A case's distance beside the limits for its sequences.

    Attributes:
        distance: see `gaussian.distance`.
        warn, out: limits.
    """

    distance: float
    warn: float
    out: float

    @property
    def excess(self) -> float:
        """Beyond the first limit: comparable between subsets of the sequences."""
        return self.distance - self.warn


def judge(distribution: Distribution, features_F: Floats) -> Judged | None:
    """As the check of a case does; None where it says "not assessable"."""
    limits = distribution.limits.get(subset_name(sequences_judged(distribution, features_F)))
    far = distance(distribution.gaussian, features_F)
    return None if limits is None or far is None else Judged(distance=far, warn=limits.warn, out=limits.out)


def _pooled(sites: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    first, *others = sites.values()
    return reduce(add, others, dict(first))
