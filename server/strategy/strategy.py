"""What a strategy is: how loudly each site speaks for each parameter group, and how the voices become one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig
from server.aggregation.spool import Spool
from server.strategy.voice import Voice

Floats = NDArray[np.float32]

Loudness = dict[str, dict[str, float]]
"""Site -> parameter group -> weight >= 0; only proportions between the sites of a group matter, 0 is silence."""

Memory = Mapping[str, Any]
"""What a strategy remembers from round to round: JSON-able, kept in the checkpoint, {} at first."""

Weigh = Callable[[Sequence[Voice], StrategyConfig, Memory], Loudness]
Combine = Callable[[Spool, Loudness, Mapping[str, Floats], StrategyConfig], dict[str, Floats]]
Remember = Callable[[Sequence[Voice], Memory], Memory]


def remember_nothing(voices: Sequence[Voice], memory: Memory) -> Memory:
    """For strategies without a past."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way to weigh and combine.

    Attributes:
        weigh: voices of a round -> weights.
        combine: spooled updates, weights and the weights that were sent -> the round's mean; None for the exact one.
        remember: voices and memory -> the memory for the next round.
        streams: a site's weight depends on this site alone, so its update is added when it arrives and never stored.
    """

    weigh: Weigh
    combine: Combine | None = None
    remember: Remember = remember_nothing
    streams: bool = False
