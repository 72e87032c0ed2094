"""From the training sites' patients to what a model folder would hold: the same sums, gate, checks and fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from client.egress.populations import Block, cut
from gmmas_core.metrics.evaluation import add
from gmmas_core.novelty.check import sequences_judged
from gmmas_core.novelty.features import Floats
from gmmas_core.novelty.gaussian import distance, fit
from gmmas_core.novelty.held_out import limits_of, subset_name, sum_distances
from gmmas_core.novelty.stored import Distribution
from gmmas_core.novelty.sums import sum_patients
from gmmas_core.types import DataError, Metric
from server.lab.study.novelty.groups import Seen

Sites = Mapping[str, Sequence[Seen]]
"""Site -> its patients."""


def gathered(train: Sites, validation: Sites, floor: int, spacing_mm: float) -> Distribution:
    """What a federation would write into the model folder.

    Raises:
        DataError: too few patients.
    """
    gaussian = fit(_pooled(sum_patients(_features(seen), _Populations(floor).chosen) for seen in train.values()))
    if gaussian is None:
        raise DataError("study: found too few patients for a Gaussian; expected more; choose a larger mode")
    held = _pooled(sum_distances(gaussian, _features(seen), _Populations(floor).chosen) for seen in validation.values())
    return Distribution(gaussian=gaussian, spacing_mm=spacing_mm, limits=limits_of(held))


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


class _Populations:
    """A hospital's memory of whom its sums were about, as the egress gate keeps it on disk."""

    def __init__(self, floor: int) -> None:
        self._floor = floor
        self._blocks: list[Block] = []

    def chosen(self, places: Sequence[int]) -> list[int]:
        """See `sums.Chosen`."""
        self._blocks, told = cut(self._blocks, {str(place): str(place) for place in places}, self._floor)
        return [place for place in places if str(place) in told]


def _features(seen: Sequence[Seen]) -> list[Floats]:
    return [case.features_F for case in seen]


def _pooled(sites: Iterable[Mapping[str, Metric]]) -> dict[str, Metric]:
    return reduce(add, (dict(told) for told in sites))
