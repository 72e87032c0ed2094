"""The exact weighted mean of updates that wait on disk, for weights that are real numbers.

The accumulator adds integers, therefore weights become whole numbers first. Only proportions inside a parameter group
matter, so every group is scaled to its own loudest site; weights that are whole numbers already (cases) stay as they
are, and the mean is then the same bytes as if each update had been added when it arrived.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import FederationError
from server.aggregation.exact_mean import Accumulator
from server.aggregation.spool import Spool

Floats = NDArray[np.float32]

MAX_WEIGHT = 2**24
"""Proportions are kept as finely as float32 would; the rounding of the mean does not depend on it (see below)."""


def weighted_mean(
    spool: Spool,
    loudness: Mapping[str, Mapping[str, float]],
    reference: Mapping[str, Floats],
    config: StrategyConfig,
) -> dict[str, Floats]:
    """Mean of the spooled updates per parameter; the reference where nobody speaks. Exact, whatever the order.

    A scaled group has total weight W >= MAX_WEIGHT = 2^m, so of k sites it is off by at most
    k / (2 W 2^s) <= k 2^-(52 - b), with bound 2^b and scale s as in `exact_mean.py`: far below a float32.

    Args:
        spool: the updates.
        loudness: site -> parameter group -> weight; exactly the spool's sites.
        reference: parameter name -> array that was sent.
        config: not read; every way to combine is called alike.

    Raises:
        FederationError: other sites or groups than the spool's, unfit weights, or an update that is out of bounds.
    """
    if set(loudness) != set(spool.sites):
        raise FederationError(f"aggregation: found weights of {sorted(loudness)}; expected of {list(spool.sites)}")
    whole = to_integers(loudness, MAX_WEIGHT)
    loudest = max((weight for weights in whole.values() for weight in weights.values()), default=0)
    accumulator = Accumulator(reference, max_weight=max(1, loudest), max_sites=max(1, len(whole)))
    group = {name: group_of(name) for name in reference}
    for site in spool.sites:
        accumulator.add(spool.read(site), {name: whole[site][group[name]] for name in reference})
    return accumulator.result()


def to_integers(loudness: Mapping[str, Mapping[str, float]], max_weight: int) -> dict[str, dict[str, int]]:
    """Weights as whole numbers of the same proportions inside each group.

    Whole numbers up to max_weight stay as they are. Otherwise w becomes floor(max_weight w / max_w + 1/2), off by at
    most 1 / (2 max_weight) of the loudest; a positive weight is lost only below that.

    Args:
        loudness: site -> parameter group -> weight, finite and >= 0.
        max_weight: largest whole number to use.

    Raises:
        FederationError: a weight that is negative or not finite.
    """
    every = [weight for weights in loudness.values() for weight in weights.values()]
    if not all(math.isfinite(weight) and weight >= 0 for weight in every):
        raise FederationError("aggregation: found a weight that is negative or not finite; expected 0 or more")
    if all(float(weight).is_integer() and weight <= max_weight for weight in every):
        return {site: {group: int(weight) for group, weight in weights.items()} for site, weights in loudness.items()}
    loudest: dict[str, float] = {}
    for weights in loudness.values():
        for group, weight in weights.items():
            loudest[group] = max(weight, loudest.get(group, 0.0))

    def scaled(group: str, weight: float) -> int:
        return math.floor(max_weight * (weight / loudest[group]) + 0.5) if weight else 0

    return {
        site: {group: scaled(group, weight) for group, weight in weights.items()} for site, weights in loudness.items()
    }
