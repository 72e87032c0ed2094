"""Epsilon is recomputed by accountants that share no line with the project's: none may find more than it says.

The one for sampled steps is a privacy loss distribution of its own (each loss is shared between its two neighbours on a
grid), composed by FFT, of both directions, removing and adding a record; it agrees to 0.02. The one for whole batches
is the formula on the two normal tails in 40 digits.
"""

import math
from collections.abc import Sequence

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from gmmas_core.privacy.accounting import Steps, epsilon_of, group_guarantee, noise_for
from gmmas_core.types import ConfigError, FederationError

HISTORIES = (
    pytest.param([Steps(1.1, 0.02, 300)], marks=pytest.mark.slow),
    [Steps(1.0, 0.2, 1)],
    pytest.param([Steps(0.8, 0.1, 40), Steps(1.5, 0.25, 60), Steps(2.0, 1.0, 2)], marks=pytest.mark.slow),
    [Steps(4.0, 0.5, 200)],
)
DELTA = 1e-5
SHORT = [Steps(1.1, 0.02, 100)]
GRID = 1e-3


def recomputed(history: Sequence[Steps], delta: float, adding: bool) -> float:
    """Epsilon by a discretised privacy loss distribution of one direction."""
    size, top = 2**17, 2**16  # losses from -65 to 65
    product = np.ones(size // 2 + 1, complex)
    for noise, rate, steps in history:
        product = product * np.fft.rfft(np.roll(masses(noise, rate, adding, top), -top)) ** steps
    composed = np.roll(np.fft.irfft(product, size), top)
    loss = (np.arange(size) - top) * GRID

    def found(epsilon: float) -> float:
        above = loss > epsilon
        return float(np.sum(composed[above] * -np.expm1(epsilon - loss[above])))

    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) <= delta else (middle, high)
    return high


def masses(noise: float, rate: float, adding: bool, top: int) -> NDArray[np.float64]:
    """Probability of each loss log(P / Q) under P on the grid; P is with or without the record."""
    x = np.linspace(-14 * noise, 14 * noise + 1, 400_001)
    middle = (x[1:] + x[:-1]) / 2
    without = np.diff(special.ndtr(x / noise))
    withit = (1 - rate) * without + rate * np.diff(special.ndtr((x - 1) / noise))
    ratio = np.logaddexp(
        special.xlog1py(np.ones_like(middle), -rate) if rate < 1 else np.full_like(middle, -np.inf),
        math.log(rate) + (2 * middle - 1) / (2 * noise**2),
    )
    loss, mass = (-ratio, without) if adding else (ratio, withit)
    below = np.floor(loss / GRID)
    share, place = loss / GRID - below, np.clip(below.astype(int) + top, 0, 2 * top - 2)
    both = np.bincount(place, mass * (1 - share), 2 * top) + np.bincount(place + 1, mass * share, 2 * top)
    return np.asarray(both, np.float64)


@pytest.mark.parametrize("history", HISTORIES)
def test_a_second_accountant_agrees_in_both_directions(history: list[Steps]) -> None:
    said = epsilon_of(history, DELTA)
    removing, adding = (recomputed(history, DELTA, direction) for direction in (False, True))
    assert said.accountant == "prv"
    assert adding <= removing + 1e-6
    assert removing <= said.epsilon <= removing + 0.02
    assert said.epsilon <= mironov(history)


def mironov(history: Sequence[Steps]) -> float:
    """Renyi divergence by quadrature (mpmath), at the orders around the best one, and the simple conversion."""

    def divergence(noise: float, rate: float, order: int) -> float:
        def integrand(z: mpmath.mpf) -> mpmath.mpf:
            ratio = 1 - rate + rate * mpmath.exp((2 * z - 1) / (2 * mpmath.mpf(noise) ** 2))
            return mpmath.npdf(z, 0, noise) * ratio**order

        reach = 12 * noise + order
        return float(mpmath.log(mpmath.quad(integrand, mpmath.linspace(-reach, reach, 12)))) / (order - 1)

    return min(
        sum(steps * divergence(noise, rate, order) for noise, rate, steps in history) - math.log(DELTA) / (order - 1)
        for order in (2, 3, 4, 6, 10)
    )


def test_whole_batches_are_one_gaussian_mechanism() -> None:
    """Balle and Wang's formula in 40 digits."""
    history = [Steps(2.0, 1.0, 10), Steps(3.0, 1.0, 9)]
    said = epsilon_of(history, DELTA)
    mpmath.mp.dps = 40
    mu, epsilon = mpmath.sqrt(mpmath.mpf(10) / 4 + 1), mpmath.mpf(said.epsilon)
    found = mpmath.ncdf(mu / 2 - epsilon / mu) - mpmath.exp(epsilon) * mpmath.ncdf(-mu / 2 - epsilon / mu)
    mpmath.mp.dps = 15
    assert said.accountant == "gaussian"
    assert DELTA * (1 - 1e-6) <= float(found) <= DELTA


def test_rdp_decides_where_prv_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from opacus.accountants.prv import PRVAccountant

    def give_up(*_: object, **__: object) -> float:
        raise RuntimeError("discrete mean differs")

    tight = epsilon_of(SHORT, DELTA)
    monkeypatch.setattr(PRVAccountant, "get_epsilon", give_up)
    loose = epsilon_of(SHORT, DELTA)
    assert (loose.accountant, tight.accountant) == ("rdp", "prv")
    assert tight.epsilon < loose.epsilon < 1.6 * tight.epsilon
    assert loose.epsilon <= mironov(SHORT)  # its conversion is the better one


def test_history_composes_as_a_whole() -> None:
    """Order and cutting into rounds do not matter; the sum of the parts would say more than is true."""
    parts = [Steps(1.1, 0.05, 20), Steps(2.0, 0.1, 30), Steps(1.1, 0.05, 20)]
    whole = epsilon_of(parts, DELTA)
    assert whole == epsilon_of([parts[1], Steps(1.1, 0.05, 40)], DELTA)
    assert whole.epsilon < sum(epsilon_of([part], DELTA).epsilon for part in parts)
    assert whole.epsilon > max(epsilon_of([part], DELTA).epsilon for part in parts)
    assert epsilon_of([], DELTA).epsilon == 0


@pytest.mark.slow
def test_noise_keeps_history_and_new_steps_within_the_target() -> None:
    history = [Steps(1.2, 0.05, 10)]
    noise = noise_for(3.0, DELTA, 0.05, 10, history)
    assert epsilon_of([*history, Steps(noise, 0.05, 10)], DELTA).epsilon <= 3
    assert epsilon_of([*history, Steps(noise * 0.99, 0.05, 10)], DELTA).epsilon > 3
    with pytest.raises(FederationError, match="budget is used up"):
        noise_for(epsilon_of(history, DELTA).epsilon - 0.1, DELTA, 0.05, 10, history)


def test_groups_pay_k_fold() -> None:
    epsilon, delta = group_guarantee(1.0, 1e-6, 2)
    assert epsilon == 2
    assert delta == pytest.approx(1e-6 * (1 + math.e))
    assert group_guarantee(300.0, 1e-6, 3)[1] >= 1  # says nothing any more


@pytest.mark.parametrize(
    "steps", [Steps(0.0, 0.1, 1), Steps(1.0, 1.5, 1), Steps(1.0, 0.5, -1), Steps(math.nan, 0.5, 1)]
)
def test_impossible_steps_are_refused(steps: Steps) -> None:
    with pytest.raises(ConfigError, match="expected noise above 0"):
        epsilon_of([Steps(*steps)], DELTA)


def test_steps_that_hide_nothing_are_counted_without_much_memory() -> None:
    hopeless = epsilon_of([Steps(0.05, 0.5, 10_000)], DELTA)
    assert hopeless.accountant == "rdp"
    assert hopeless.epsilon > 1e5
