"""Noise for a budget, and the budget of a noise, by Opacus: PRV, as the site counts too, and RDP, another bound."""

from collections.abc import Sequence
from typing import NamedTuple


class NoisySteps(NamedTuple):
    """Noise multiplier, sampling rate and number of steps."""

    noise: float
    rate: float
    steps: int


def noise_for(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """Least noise multiplier, to 0.01 in epsilon, by Renyi accounting."""
    from opacus.accountants.utils import get_noise_multiplier

    return float(
        get_noise_multiplier(
            target_epsilon=epsilon, target_delta=delta, sample_rate=rate, steps=steps, accountant="rdp"
        )
    )


def accounted(history: Sequence[NoisySteps], delta: float) -> dict[str, float]:
    """Epsilon of steps, one after the other, by each accountant ("rdp" is the looser bound, "prv" nearly exact)."""
    from opacus.accountants import PRVAccountant, RDPAccountant

    found = {}
    for name, accountant in (("rdp", RDPAccountant()), ("prv", PRVAccountant())):
        accountant.history = [tuple(part) for part in history]
        found[name] = float(accountant.get_epsilon(delta=delta))
    return found
