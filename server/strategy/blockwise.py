"""Reads a stretch of every site's update at a time, so that memory grows neither with sites nor with parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.parameter_groups import group_of
from server.spool import Spool
from server.strategy.strategy import Loudness

Floats = NDArray[np.float32]

BUDGET = 2**19  # numbers in memory at a time: 2 MB, whatever the number of sites


def speakers(loudness: Loudness, group: str) -> tuple[str, ...]:
    """Sites that speak for a group, sorted."""
    return tuple(sorted(site for site, weights in loudness.items() if weights.get(group, 0) > 0))


def columns(updates: Sequence[Floats]) -> Iterator[tuple[slice, Floats]]:
    """Stretches of one parameter's flat index, and there the values of every site: (sites, elements).

    Args:
        updates: one parameter, once per site; may be memory maps. At least one.
    """
    flat = [np.ascontiguousarray(update).reshape(-1) for update in updates]
    step = max(1, BUDGET // len(flat))
    for start in range(0, flat[0].size, step):
        stretch = slice(start, start + step)
        block = np.empty((len(flat), flat[0][stretch].size), np.float32)
        for row, values in zip(block, flat):
            row[:] = values[stretch]
        yield stretch, block


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
            block.sort(axis=0)
            kept = block[cut : len(sites) - cut] + 0.0  # -0 and 0 are equal to a sort and must be to a reader
            flat[stretch] = np.clip(kept.mean(axis=0, dtype=np.float64), kept[0], kept[-1])
    return result
