"""The middle value per element: right as long as most sites are."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig
from server.aggregation.spool import Spool
from server.strategy.blockwise import middle_of_columns
from server.strategy.strategy import Loudness

Floats = NDArray[np.float32]


def median(
    spool: Spool, loudness: Loudness, reference: Mapping[str, Floats], config: StrategyConfig
) -> dict[str, Floats]:
    """Per element, the middle of the values of the sites that speak for the group; of an even number, the middle two's
    mean.

    Unweighted: sites count alike, else one could buy its way in with cases. Of two sites it is their mean and protects
    nobody. Needs all replies on disk; memory stays bounded.

    Source: Yin et al. 2018 (arXiv 1803.01498), definition 1.
    """
    return middle_of_columns(spool, loudness, reference, lambda group, num_sites: (num_sites - 1) // 2)
