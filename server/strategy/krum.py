"""Averages only the sites that lie closest to their neighbours."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import FederationError
from server.aggregation.columns import columns
from server.aggregation.spool import Spool
from server.aggregation.weighted_mean import weighted_mean
from server.strategy.blockwise import speakers
from server.strategy.strategy import Loudness

Floats = NDArray[np.float32]


def krum(
    spool: Spool, loudness: Loudness, reference: Mapping[str, Floats], config: StrategyConfig
) -> dict[str, Floats]:
    """The exact weighted mean of the `krum_kept` sites with the lowest scores; 1 is Krum, more is Multi-Krum.

        score_i = sum of d_ij over the n - f - 2 nearest others,    f = krum_faulty
        d_ij    = mean squared difference over the parameters for which both speak; infinite if there are none

    A group for which none of the chosen speaks stays as it was sent: with few kept, rare sequences and labels learn
    slowly. Equal scores go by name. Needs all replies on disk; memory stays bounded.

    Raises:
        FederationError: n < 2 f + 3 sites speak, or more than n - f would be kept.

    Source: Blanchard et al. 2017 (NeurIPS), with masks and a mean in place of the squared norm, so that two sites are
    no nearer for having less in common.
    """
    sites = [site for site in spool.sites if any(weight > 0 for weight in loudness[site].values())]
    if not sites:
        return {name: array.copy() for name, array in reference.items()}
    faulty, kept = config.krum_faulty, config.krum_kept
    if len(sites) < 2 * faulty + 3 or kept > len(sites) - faulty:
        raise FederationError(
            f"krum: found {len(sites)} sites that speak; expected at least {max(2 * faulty + 3, kept + faulty)} for "
            f"krum_faulty {faulty} and krum_kept {kept}; lower them or use strategy=median"
        )
    scores = krum_scores(distances(spool, loudness, reference, sites), faulty)
    chosen = set(sorted(sites, key=lambda site: (scores[sites.index(site)], site))[:kept])
    heard = {site: {g: w if site in chosen else 0 for g, w in weights.items()} for site, weights in loudness.items()}
    return weighted_mean(spool, heard, reference, config)


def krum_scores(distance_SS: NDArray[np.float64], faulty: int) -> list[float]:
    """Sum of the distances to the n - faulty - 2 nearest others, per site."""
    others = [np.delete(row, index) for index, row in enumerate(distance_SS)]
    return [float(np.sort(row)[: len(others) - faulty - 2].sum()) for row in others]


def distances(
    spool: Spool, loudness: Loudness, reference: Mapping[str, Floats], sites: Sequence[str]
) -> NDArray[np.float64]:
    """Mean squared difference of every two sites over the parameters for which both speak: (sites, sites)."""
    total_SS, count_SS = np.zeros((len(sites), len(sites))), np.zeros((len(sites), len(sites)))
    for name, array in reference.items():
        speaking = [site for site in speakers(loudness, group_of(name)) if site in sites]
        place = [sites.index(site) for site in speaking]
        for _, block in columns([spool.read_parameter(site, name) for site in speaking]) if speaking else ():
            wide = block.astype(np.float64)
            for i, j in combinations(range(len(speaking)), 2):
                total_SS[place[i], place[j]] += float(np.square(wide[i] - wide[j]).sum())
        for i, j in combinations(place, 2):
            count_SS[i, j] += array.size
    mean_SS = np.divide(total_SS, count_SS, out=np.full_like(total_SS, math.inf), where=count_SS > 0)
    upper_SS = np.triu(mean_SS, 1)
    return np.where(np.tri(len(sites), k=-1, dtype=bool), upper_SS.T, upper_SS)
