"""How many neighbours a site needs, how many of them rebuild a secret, and how many sites must agree who is left."""

import math
from dataclasses import dataclass
from functools import lru_cache

from gmmas_core.errors import ConfigError

FAILURE_BITS = 30
DROP_SHARE = 1 / 3
MAX_SITES = 2000
SMALL = 32
"""Sites up to which everybody is everybody's neighbour, and fewest neighbours beyond: a neighbourhood must be too large
to consist of sites in league."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all members of one attempt agree on; part of the context that keys are derived from.

    Attributes:
        degree: neighbours of each site.
        threshold: shares that rebuild a secret, out of the degree + 1 that its owner and its neighbours hold.
        quorum: sites that must sign one list of survivors before anybody helps to unmask.
    """

    degree: int
    threshold: int
    quorum: int


def terms_for(num_sites: int, drop_share: float = DROP_SHARE, degree: int = 0) -> Terms:
    """The terms of a federation.

    Args:
        num_sites: that advertised, at least 2.
        drop_share: of them, that may be gone by the end, below 0.5.
        degree: neighbours wished for; 0 for as few as drop_share allows. Odd ones are rounded up.

    Raises:
        ConfigError: numbers out of range, or fewer neighbours than drop_share needs.
    """
    least = degree_for(num_sites, drop_share)
    wished = min(degree + degree % 2, num_sites - 1) if degree else least
    if wished < least:
        raise ConfigError(
            f"privacy.secure_sum.neighbours: found {degree}; expected at least {least} of {num_sites} sites, so that "
            f"{drop_share:.0%} may drop; raise it, or take 0"
        )
    return Terms(degree=wished, threshold=threshold_for(wished), quorum=num_sites - may_drop(num_sites, drop_share))


def may_drop(num_sites: int, drop_share: float) -> int:
    """Sites that may be gone by the end, always fewer than half; 0.333 of 3 counts as one."""
    if not 2 <= num_sites <= MAX_SITES or not 0 <= drop_share < 0.5:
        raise ConfigError(
            f"secure sum: found {num_sites} sites of which {drop_share} may drop; expected 2 to {MAX_SITES} sites and "
            "a share of at least 0 and below 0.5"
        )
    return min((num_sites - 1) // 2, math.floor(num_sites * drop_share + 0.01))


def threshold_for(degree: int) -> int:
    """More than half of the degree + 1 holders of a secret, so that no two disjoint groups of them can rebuild one."""
    return (degree + 1) // 2 + 1


@lru_cache(maxsize=256)
def degree_for(num_sites: int, drop_share: float = DROP_SHARE) -> int:
    """Fewest neighbours with which the sum survives `may_drop` sites gone at random, but for 1 chance in 2^30.

    With d of n gone, a survivor's seed is rebuilt from itself and its neighbours, of which Hyp(n - 1, n - 1 - d, k)
    are left; the mask key of one that is gone, from Hyp(n - 1, n - d, k). The chance that any one of the n secrets
    is left with fewer than the threshold is at most the sum of the n chances, computed exactly in integers. That
    survivors fall into parts needs two runs of k / 2 gone in the ring: with k >= SMALL and a third gone, rarer still.
    The complete graph fails never.

    Raises:
        ConfigError: numbers out of range.
    """
    gone = may_drop(num_sites, drop_share)
    others = num_sites - 1
    for degree in range(SMALL, others, 2):
        threshold = threshold_for(degree)
        bad = (num_sites - gone) * _ways_below(others, others - gone, degree, threshold - 1)
        bad += gone * _ways_below(others, others - gone + 1, degree, threshold)
        if bad << FAILURE_BITS < math.comb(others, degree):
            return degree
    return others


def _ways_below(population: int, alive: int, drawn: int, needed: int) -> int:
    """Ways to draw `drawn` of a population with fewer than `needed` alive ones among them."""
    alive = min(alive, population)
    return sum(math.comb(alive, kept) * math.comb(population - alive, drawn - kept) for kept in range(needed))
