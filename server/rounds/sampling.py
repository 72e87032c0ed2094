"""Which sites a round asks when it need not ask all: a choice that anyone can recompute from the run's seed."""

import math
from collections.abc import Collection, Sequence

import numpy as np

TOLERANCE = 1e-9
"""0.1 * 30 is a little above 3 in binary; it must not ask a fourth site."""


def choose_sites(
    run_seed: int, number: int, candidates: Sequence[str], mandatory: Collection[str], share: float, quorum: int
) -> tuple[str, ...]:
    """The sites of one round, a function of the seed, the round and the set of candidates alone.

    The sites that are not mandatory are drawn without replacement over blocks of rounds: with m of them and k places a
    round, each is asked at least once in every block of ceil(m / k) rounds, so nobody starves while the set stays the
    same. When sites come and go the block is drawn anew; a site is then asked with probability k / m in each round.

    Args:
        run_seed: of the run, not negative.
        number: the round's, from 1.
        candidates: sites that may be asked, in any order.
        mandatory: always asked when they are candidates.
        share: of the candidates to be asked, above 0 up to 1.
        quorum: never fewer are asked, unless there are fewer.

    Returns:
        The chosen sites, sorted.
    """
    known = sorted(set(candidates))
    always = [site for site in known if site in mandatory]
    others = [site for site in known if site not in mandatory]
    wanted = max(quorum, math.ceil(share * len(known) - TOLERANCE))
    places = min(max(wanted - len(always), 0), len(others))
    if places == 0:
        return tuple(always)
    rounds_per_block = math.ceil(len(others) / places)
    block, place = divmod(number - 1, rounds_per_block)
    order = np.random.default_rng([run_seed, block]).permutation(len(others))
    # The last round of a block is filled up from its beginning.
    picked = [others[order[(place * places + offset) % len(others)]] for offset in range(places)]
    return tuple(sorted([*always, *picked]))
