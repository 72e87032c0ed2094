"""Do the hospitals' labels differ, by more than chance, as far as the told counts can say?

For every task and every two hospitals that told both classes: how far apart the shares of class 1 are (with two classes
that is the total variation distance), its 95 % interval, and whether chance explains it. Hospitals with hidden classes
or few known labels are named as undecided: no number is made up for what was not told.

Source: Newcombe 1998, Interval estimation for the difference between independent proportions, method 10
(doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I); Holm 1979 for the many comparisons.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from gmmas_core.statistics.form import HIDDEN, Statistics
from gmmas_core.types import Task

Z = 1.959964
FEWEST_KNOWN = 20
"""Known labels of a hospital below which its share is too open to be compared."""

WORTH_SAYING = 0.1
"""A difference of shares that surely stays below this is not worth a warning."""

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Two hospitals and one task.

    Attributes:
        shares: of class 1 among the known labels, of either site.
        distance: total variation distance between the two.
        interval: of the distance, 95 %.
        p: of the same share in both, chi-square with one degree of freedom, times the comparisons (Holm).
    """

    task: str
    sites: tuple[str, str]
    shares: tuple[float, float]
    distance: float
    interval: tuple[float, float]
    p: float

    @property
    def is_shift(self) -> bool:
        """Whether it is neither chance nor too small to matter."""
        return self.p < ALPHA and self.interval[1] >= WORTH_SAYING


def label_shifts(sites: Mapping[str, Statistics]) -> tuple[list[Shift], dict[str, dict[str, str]]]:
    """All comparisons that can be made, largest first, and task -> site -> why it cannot be compared."""
    found: list[Shift] = []
    undecided: dict[str, dict[str, str]] = {}
    for task in Task:
        known: dict[str, tuple[int, int]] = {}
        for site, told in sites.items():
            zero, one, _ = told.counts[f"label.{task}"]
            reason = _reason(zero, one, told)
            if reason:
                undecided.setdefault(str(task), {})[site] = reason
            else:
                known[site] = (zero, one)
        found += [_compare(str(task), pair, known) for pair in combinations(sorted(known), 2)]
    return sorted(_holm(found), key=lambda shift: -shift.distance), undecided


def _reason(zero: int, one: int, told: Statistics) -> str:
    if told.epsilon:
        return "its counts carry noise, which this test does not know of"
    if HIDDEN in (zero, one):
        return f"classes of fewer than {told.floor} patients, or hidden beside such"
    if zero + one == 0:
        return "no known label"
    if zero + one < FEWEST_KNOWN:
        return f"only {zero + one} known labels; {FEWEST_KNOWN} are needed to decide"
    return ""


def _compare(task: str, pair: tuple[str, str], known: Mapping[str, tuple[int, int]]) -> Shift:
    (zero_a, one_a), (zero_b, one_b) = known[pair[0]], known[pair[1]]
    n_a, n_b = zero_a + one_a, zero_b + one_b
    a, b = one_a / n_a, one_b / n_b
    (low_a, high_a), (low_b, high_b) = _wilson(one_a, n_a), _wilson(one_b, n_b)
    low = a - b - math.hypot(a - low_a, high_b - b)
    high = a - b + math.hypot(high_a - a, b - low_b)
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    pooled = (one_a + one_b) / (n_a + n_b)
    spread = pooled * (1 - pooled) * (1 / n_a + 1 / n_b)
    chi_square = (a - b) ** 2 / spread if spread else 0.0
    p = math.erfc(math.sqrt(chi_square / 2))
    interval = (nearest, max(abs(low), abs(high)))
    return Shift(task=task, sites=pair, shares=(a, b), distance=abs(a - b), interval=interval, p=p)


def _wilson(successes: int, n: int) -> tuple[float, float]:
    share, extra = successes / n, Z**2 / n
    middle = (share + extra / 2) / (1 + extra)
    half = Z * math.sqrt(share * (1 - share) / n + extra / (4 * n)) / (1 + extra)
    return middle - half, middle + half


def _holm(shifts: Sequence[Shift]) -> list[Shift]:
    """The same with p-values for that many comparisons."""
    adjusted, highest = [], 0.0
    for place, shift in enumerate(sorted(shifts, key=lambda each: each.p)):
        highest = max(highest, min(1.0, shift.p * (len(shifts) - place)))
        adjusted.append(
            Shift(
                task=shift.task,
                sites=shift.sites,
                shares=shift.shares,
                distance=shift.distance,
                interval=shift.interval,
                p=highest,
            )
        )
    return adjusted
