"""What noisy steps cost: epsilon of everything that was done to one data set, and the noise for a budget.

A step is the Poisson-subsampled Gaussian mechanism: each record takes part with probability `sample_rate` on its own,
the sum of contributions of norm at most 1 gets Gaussian noise of deviation `noise_multiplier`. Neighbouring data sets
differ by one record more or less; `sample_rate` counts as public. Steps compose whatever their noise and rate, over
rounds, restarts and runs, so the whole history is computed anew each time instead of adding up epsilons, which would
count too much.

Three accountants, in this order, and the answer says which one spoke:

    gaussian   every rate is 1: T_k steps of noise s_k are one Gaussian mechanism, mu = sqrt(sum T_k / s_k^2). Exact.
    prv        Opacus' composition of privacy loss variables: upper end of its error bounds (0.01 in epsilon).
    rdp        Renyi differential privacy, where the first cannot be computed or is looser: larger, always valid.

The prv bound looks at removing a record; that this is the worse direction for the subsampled Gaussian is proven for a
single step and for rdp, and for compositions known numerically only (Lebeda et al. 2024): the tests recompute both.

**Groups.** Epsilon holds for one record. Whoever has k records (one patient under two pseudonyms, or two relatives
whose scans say much about each other) has k epsilon, at delta' = delta (e^(k eps) - 1) / (e^eps - 1); see
`group_guarantee`.

Source: Mironov, Talwar & Zhang 2019 (arXiv 1908.10530) for rdp; Gopi et al. 2021 (arXiv 2106.02848) for prv; Balle &
Wang 2018 (arXiv 1805.06530), theorem 8, for gaussian; Lebeda et al. 2024 (arXiv 2405.20769); Dwork & Roth 2014,
theorem 2.2, for groups.
"""

import logging
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from gmmas_core.types import ConfigError, FederationError

LEAST_NOISE, MOST_NOISE = 1e-2, 1e4
MOST_PRV = 100.0
"""Beyond this epsilon prv would need more memory than a hospital has, for a number that promises nothing."""

RELATIVE = 2e-3
"""The noise that is found is at most this much larger than needed."""

RDP_ORDERS = (*range(2, 64), 80, 96, 128, 192, 256, 512, 1024)

_log = logging.getLogger(__name__)


class Steps(NamedTuple):
    """Equal steps of the subsampled Gaussian mechanism: noise in clipping norms, probability of a record, how many."""

    noise_multiplier: float
    sample_rate: float
    steps: int


@dataclass(frozen=True)
class Bound:
    """An upper bound of epsilon, and the accountant that gives it."""

    epsilon: float
    accountant: str


def epsilon_of(history: Sequence[Steps], delta: float) -> Bound:
    """Epsilon of a whole history at a delta.

    Args:
        history: in any order; entries of equal noise and rate are merged.
        delta: above 0, below 1.

    Raises:
        ConfigError: a noise that is not above 0, a rate outside 0 to 1, negative steps, or a delta outside 0 to 1.
    """
    if not 0 < delta < 1:
        raise ConfigError(f"privacy: found delta {delta:g}; expected above 0 and below 1")
    merged = _merged(history)
    if not merged:
        return Bound(0.0, "gaussian")
    if all(entry.sample_rate == 1 for entry in merged):
        mu = math.sqrt(math.fsum(entry.steps / entry.noise_multiplier**2 for entry in merged))
        return Bound(gaussian_epsilon(mu, delta), "gaussian")
    rdp = _rdp(merged, delta)
    prv = _prv(merged, delta) if rdp <= MOST_PRV else math.inf
    return Bound(prv, "prv") if prv < rdp else Bound(rdp, "rdp")


def noise_for(
    target_epsilon: float, delta: float, sample_rate: float, steps: int, history: Sequence[Steps] = ()
) -> float:
    """The least noise multiplier, up to RELATIVE, with which further steps keep the whole history within a target.

    Raises:
        FederationError: no noise does it: the history alone (nearly) reaches the target.
        ConfigError: see `epsilon_of`.
    """

    whole = _merged(history)

    def fits(noise: float) -> bool:
        return epsilon_of([*whole, Steps(noise, sample_rate, steps)], delta).epsilon <= target_epsilon

    def surely_fits(noise: float) -> bool:  # by the looser bound alone, which is quick
        return _rdp(_merged([*whole, Steps(noise, sample_rate, steps)]), delta) <= target_epsilon

    start = next((noise for noise in (2.0**power for power in range(-6, 14)) if surely_fits(noise)), MOST_NOISE)
    if not fits(start):
        raise FederationError(
            f"privacy: found no noise with which {steps} steps keep epsilon within {target_epsilon:g}; expected some "
            "budget left; the data set's budget is used up"
        )
    high = _least(surely_fits, start) if surely_fits(start) else start
    return _least(fits, high)


def _least(holds: Callable[[float], bool], high: float) -> float:
    """Smallest number, up to RELATIVE, for which something holds that holds for `high` and for all above."""
    low = high * 0.7
    while low > LEAST_NOISE and holds(low):
        high, low = low, low * 0.7
    while high / low > 1 + RELATIVE:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Epsilon of the Gaussian mechanism with sensitivity / deviation = mu, exactly (to 1e-9).

    delta(eps) = Phi(mu / 2 - eps / mu) - e^eps Phi(-mu / 2 - eps / mu)
    """

    def excess(epsilon: float) -> float:
        first = special.log_ndtr(mu / 2 - epsilon / mu)
        second = epsilon + special.log_ndtr(-mu / 2 - epsilon / mu)
        return float(math.exp(first) - math.exp(second)) - delta

    if mu == 0 or excess(0.0) <= 0:
        return 0.0
    most = mu * mu / 2 + mu * math.sqrt(2 * math.log(1 / delta))  # there Phi(...) alone is below delta
    return float(optimize.brentq(excess, 0.0, most, xtol=1e-10)) + 1e-9


def group_guarantee(epsilon: float, delta: float, records: int) -> tuple[float, float]:
    """(epsilon, delta) for somebody with several records; a delta of 1 or more says nothing any more."""
    if epsilon == 0:
        return 0.0, records * delta
    exponent = min(records * epsilon, 700.0)  # beyond, a float has no room; delta is far above 1 anyway
    return records * epsilon, delta * math.expm1(exponent) / math.expm1(min(epsilon, 700.0))


def _merged(history: Sequence[Steps]) -> list[Steps]:
    counts: dict[tuple[float, float], int] = {}
    for noise, rate, steps in history:
        if not (noise > 0 and math.isfinite(noise) and 0 <= rate <= 1 and steps >= 0):
            raise ConfigError(
                f"privacy: found noise {noise:g}, sampling rate {rate:g} and {steps} steps; expected noise above 0, a "
                "rate from 0 to 1 and 0 or more steps"
            )
        counts[(noise, rate)] = counts.get((noise, rate), 0) + steps
    return [Steps(noise, rate, steps) for (noise, rate), steps in sorted(counts.items()) if rate and steps]


def _rdp(history: Sequence[Steps], delta: float) -> float:
    """Mironov et al. 2019, section 3.3, for whole orders; to (epsilon, delta) by Balle et al. 2020, theorem 21."""
    best = math.inf
    for order in RDP_ORDERS:
        total = math.fsum(steps * _rdp_step(rate, noise, order) for noise, rate, steps in history)
        best = min(best, total + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1))
    return max(0.0, best)


def _rdp_step(rate: float, noise: float, order: int) -> float:
    taken = np.arange(order + 1)
    binomial = special.gammaln(order + 1) - special.gammaln(taken + 1) - special.gammaln(order - taken + 1)
    chance = special.xlogy(taken, rate) + special.xlog1py(order - taken, -rate)
    terms = binomial + chance + taken * (taken - 1) / (2 * noise**2)
    return float(special.logsumexp(terms)) / (order - 1)


def _prv(history: Sequence[Steps], delta: float) -> float:
    """Infinity where it cannot be computed: rdp then decides."""
    from opacus.accountants.prv import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [tuple(entry) for entry in history]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # log(1 - rate) of a rate of 1 is -inf, and meant
            warnings.simplefilter("ignore")
            epsilon = float(accountant.get_epsilon(delta))
    except (RuntimeError, ValueError, ArithmeticError, IndexError, MemoryError) as error:
        _log.warning("privacy: the prv accountant gave up (%s); rdp decides", type(error).__name__)
        return math.inf
    return epsilon if math.isfinite(epsilon) and epsilon >= 0 else math.inf
