"""The mean without the extremes: no site can move an element beyond what the others hold."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig
from gmmas_core.types import FederationError
from server.aggregation.spool import Spool
from server.strategy.blockwise import middle_of_columns
from server.strategy.strategy import Loudness

Floats = NDArray[np.float32]


def trimmed_mean(
    spool: Spool, loudness: Loudness, reference: Mapping[str, Floats], config: StrategyConfig
) -> dict[str, Floats]:
    """Per element, the mean of what is left of k sites without the c smallest and c largest values.

        c = max(1, floor(trim k)); 0 for trim = 0

    Unweighted: sites count alike, else one could buy its way in with cases. Withstands c wrong sites per group. Needs
    all replies on disk; memory stays bounded.

    Raises:
        FederationError: a group for which so few sites speak that nothing would be left.

    Source: Yin et al. 2018 (arXiv 1803.01498), definition 2.
    """

    def cut_of(group: str, num_sites: int) -> int:
        cut = max(1, math.floor(config.trim * num_sites)) if config.trim > 0 else 0
        if num_sites <= 2 * cut:
            raise FederationError(
                f"trimmed mean of {group}: found {num_sites} sites that speak for it; expected at least {2 * cut + 1}, "
                "or nothing is left; use strategy=median or strategy=masked_fedavg"
            )
        return cut

    return middle_of_columns(spool, loudness, reference, cut_of)
