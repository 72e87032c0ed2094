"""How long a round waits: long enough for its slowest site as it has been lately, never longer than configured."""

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmmas_core.config_federation import FederationConfig

HISTORY = 10
"""Rounds remembered per site."""

USUAL = 80
"""Percentile of a site's own seconds that counts as its usual time: a slow round in five does not stretch it."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds from the start of a round.

    Attributes:
        soft_s: from here on a quorum with every mandatory site closes the round.
        hard_s: here the round closes, whoever is missing.
    """

    soft_s: float
    hard_s: float


def deadlines(times: Mapping[str, Sequence[float]], asked: Collection[str], config: FederationConfig) -> Deadlines:
    """A round's deadlines from what was observed; the configured longest wait while any asked site is unknown.

    Args:
        times: site -> seconds from question to reply in its last rounds.
        asked: the sites of this round.
        config: factors and bounds.
    """
    if not asked or not all(times.get(site) for site in asked):
        return Deadlines(config.deadline_s, config.deadline_s)
    slowest = max(float(np.percentile(times[site][-HISTORY:], USUAL)) for site in asked)
    soft = min(max(config.soft_factor * slowest, config.least_deadline_s), config.deadline_s)
    return Deadlines(soft, min(config.hard_factor * soft, config.deadline_s))


def observe(times: MutableMapping[str, list[float]], site: str, seconds: float) -> None:
    """Remember how long a site took, in place."""
    times[site] = [*times.get(site, []), seconds][-HISTORY:]
