"""Per element, the middle of what the sites say."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.parameter_groups import group_of
from server.aggregation.columns import columns, sorted_rows
from server.aggregation.spool import Spool
from server.strategy.strategy import Loudness

Floats = NDArray[np.float32]


def speakers(loudness: Loudness, group: str) -> tuple[str, ...]:
    """Sites that speak for a group, sorted."""
    return tuple(sorted(site for site, weights in loudness.items() if weights.get(group, 0) > 0))


def middle_of_columns(
    spool: Spool, loudness: Loudness, reference: Mapping[str, Floats], cut_of: Callable[[str, int], int]
) -> dict[str, Floats]:
    """Per element, the mean of the sites' values without the `cut` smallest and the `cut` largest, unweighted.

    Args:
        spool: the updates.
        loudness: who speaks for what; how loudly does not matter here.
        reference: parameter name -> array that was sent; what nobody speaks for stays so.
        cut_of: (group, number of sites that speak for it) -> cut; leaves at least one value.

    Returns:
        Parameter name -> float32 array: inside the hull of the values that were left, and the same bytes whatever the
        order of the sites, because values are sorted before they are added.
    """
    result = {}
    for name, array in reference.items():
        group = group_of(name)
        sites = speakers(loudness, group)
        result[name] = array.copy()
        if not sites:
            continue
        cut = cut_of(group, len(sites))
        flat = result[name].reshape(-1)
        for stretch, block in columns([spool.read_parameter(site, name) for site in sites]):
            # -0 and 0 are equal to a sort and must be to a reader.
            kept = np.stack(sorted_rows(block)[cut : len(sites) - cut]) + 0.0
            flat[stretch] = np.clip(kept.mean(axis=0, dtype=np.float64), kept[0], kept[-1])
    return result
