"""Is the difference real? A paired bootstrap over seeds and cases.

A draw takes seeds with repeats, then patients with repeats with all their cases, and takes the same for every arm: two
arms are compared on equal footing and what both find hard cancels. Intervals are 95 % percentiles. Three seeds say
little about their own spread, so an interval that barely excludes 0 is no proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import DataError
from server.lab.study.tables import ArmTable, Counts, Floats, Measure

BETTER, WORSE, UNRESOLVED, EQUIVALENT = "better", "worse", "unresolved", "equivalent"
FEWEST_DEFINED = 0.9
_TAILS = (2.5, 97.5)

Interval = tuple[float, float]


@dataclass(frozen=True)
class Draws:
    """Shared by all arms of a study: places_BS of seeds and weights_BN of cases."""

    places_BS: NDArray[np.int64]
    weights_BN: Counts


@dataclass(frozen=True)
class Estimate:
    """A number, its bootstrap distribution and, from that, its interval."""

    value: float | None
    drawn_B: Floats

    @property
    def interval(self) -> Interval | None:
        """None where the number is undefined in more than a tenth of the draws."""
        known = self.drawn_B[np.isfinite(self.drawn_B)]
        if self.value is None or len(known) < FEWEST_DEFINED * len(self.drawn_B) or not len(known):
            return None
        low, high = np.percentile(known, _TAILS)
        return float(low), float(high)


def draw(table: ArmTable, resamples: int, seed: int = 0) -> Draws:
    """Draws for a table and every other with the same cases and number of seeds."""
    rng = np.random.default_rng(seed)
    num_seeds = len(table.seeds)
    patients, member_N = np.unique(np.array(table.patients), return_inverse=True)
    taken_BP = rng.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), size=resamples)
    return Draws(rng.integers(num_seeds, size=(resamples, num_seeds)), taken_BP[:, member_N].astype(np.int64))


def estimate(table: ArmTable, measure: Measure, draws: Draws) -> Estimate:
    """A measure of an arm: the mean over its seeds."""
    once_1N = np.ones((1, len(table.cases)), dtype=np.int64)
    value_SB = np.stack([measure.of(table, place, draws.weights_BN) for place in range(len(table.seeds))])
    value = float(np.mean([measure.of(table, place, once_1N)[0] for place in range(len(table.seeds))]))
    drawn_B = value_SB[draws.places_BS.T, np.arange(value_SB.shape[1])].mean(0)
    return Estimate(value if np.isfinite(value) else None, drawn_B)


def difference(arm: Estimate, baseline: Estimate) -> Estimate:
    """Arm minus baseline, draw by draw."""
    if arm.value is None or baseline.value is None:
        return Estimate(None, arm.drawn_B - baseline.drawn_B)
    return Estimate(arm.value - baseline.value, arm.drawn_B - baseline.drawn_B)


def verdict(found: Estimate, measure: Measure, equivalence: float | None = None) -> str:
    """What a difference says.

    Args:
        found: arm minus baseline.
        measure: says which direction is better.
        equivalence: differences up to this count as none; None where the sample is too small to say so.
    """
    interval = found.interval
    if interval is None:
        return UNRESOLVED
    low, high = interval
    if low > 0 or high < 0:
        return BETTER if (low > 0) == measure.higher_is_better else WORSE
    if equivalence is not None and -equivalence < low and high < equivalence:
        return EQUIVALENT
    return UNRESOLVED


def gap_recovered(arm: Estimate, baseline: Estimate, upper: Estimate) -> Estimate:
    """Share of the way from the baseline to the upper bound that the arm goes; 1 is all of it.

    Undefined (None, with no interval) where the gap itself is not resolved: a share of nothing means nothing.
    """
    gap, gain = difference(upper, baseline), difference(arm, baseline)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn_B = gain.drawn_B / gap.drawn_B
    ends = gap.interval
    if ends is None or ends[0] <= 0 <= ends[1] or not gap.value or gain.value is None:
        return Estimate(None, drawn_B)
    return Estimate(gain.value / gap.value, drawn_B)


def require_paired(tables: Sequence[ArmTable]) -> None:
    """Refuse to compare arms that did not read the same cases with the same seeds.

    Raises:
        DataError: they did not.
    """
    if len({(table.cases, table.seeds) for table in tables}) > 1:
        raise DataError("study: found arms with other test cases or seeds; expected the same for all; run it again")
