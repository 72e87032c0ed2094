"""A hospital's patients as sums: of features, and of products of two. Added across hospitals, they are the sums over
all patients in one place.

A product is summed over the patients in whom all that both features need was acquired, and over the same patients each
of the two: a covariance needs both means among those very patients, or a hospital without T1 would look like a
correlation. Nothing is filled in for a sequence that is missing.

So every sum has a group: the patients who have what it needs. Groups are nested, and patients come between two rounds:
differences of sums are sums again, and could be about one patient. Who may be in a group's sums is therefore asked
group by group (`Chosen`), of whoever keeps populations from differing by a few.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np

from gmmas_core.novelty.features import LIMIT, NAMES, NEEDS, Floats
from gmmas_core.types import SEQUENCES, Metric, Sum

PREFIX = "novelty."
"""Of every metric of this package."""

_SLACK = 1e-3  # per patient: sums travel as multiples of 2^-20 in a secure sum

Chosen = Callable[[Sequence[int]], Sequence[int]]
"""Of patients' places in a list, all those of a group, the ones that its sums may be about."""

PAIRS = tuple(combinations_with_replacement(range(len(NAMES)), 2))
"""Places of the two features of every product."""


def population(one: int, other: int) -> tuple[str, ...]:
    """Sequences that a patient needs to be in a product's sum."""
    return tuple(name for name in SEQUENCES if name in NEEDS[one] | NEEDS[other])


def sum_key(place: int, group: Sequence[str]) -> str:
    """Metric that holds the sum of a feature over the patients who have all these sequences."""
    return f"{PREFIX}sum.{NAMES[place]}.{'+'.join(group) or 'any'}"


def product_key(one: int, other: int) -> str:
    """Metric that holds the sum of a product of two features, whichever is named first."""
    first, second = sorted((one, other))
    return f"{PREFIX}product.{NAMES[first]}.{NAMES[second]}"


GROUPS = tuple(dict.fromkeys(population(*pair) for pair in PAIRS))

_OF_SUMS = {
    sum_key(place, population(*pair)): (place, population(*pair)) for pair in PAIRS for place in dict.fromkeys(pair)
}
"""Key -> feature and population."""

_OF_PRODUCTS = {product_key(*pair): pair for pair in PAIRS}


def no_patients() -> dict[str, Metric]:
    """The same keys from every hospital, all empty."""
    return dict.fromkeys((*_OF_SUMS, *_OF_PRODUCTS), Sum(0.0, 0))


def everybody(places: Sequence[int]) -> Sequence[int]:
    """Nothing is told to anybody, so nobody is left out."""
    return places


def places_with(patients: Sequence[Floats], group: Iterable[str]) -> list[int]:
    """Of the patients with every feature that these sequences give."""
    needed_F = np.array([needs <= set(group) for needs in NEEDS])
    return [place for place, row in enumerate(patients) if not np.isnan(row[needed_F]).any()]


def sum_patients(patients: Sequence[Floats], chosen: Chosen = everybody) -> dict[str, Metric]:
    """Sums over patients.

    Args:
        patients: (F,) features of each, NaN where unknown; one vector per patient.
        chosen: asked once per group of GROUPS.
    """
    members = {group: chosen(places_with(patients, group)) for group in GROUPS}
    rows = {group: np.clip([patients[place] for place in places], -LIMIT, LIMIT) for group, places in members.items()}
    sums = no_patients()
    for one, other in PAIRS:
        group = population(one, other)
        if not len(rows[group]):
            continue
        first_N, second_N = rows[group][:, one], rows[group][:, other]
        sums[sum_key(one, group)] = Sum(float(first_N.sum()), len(first_N))
        sums[sum_key(other, group)] = Sum(float(second_N.sum()), len(second_N))
        sums[product_key(one, other)] = Sum(float(first_N @ second_N), len(first_N))
    return sums


def sum_at(metrics: Mapping[str, Metric], key: str) -> Sum:
    """The sum under a key that is known to hold one."""
    value = metrics[key]
    assert isinstance(value, Sum)
    return value


def impossible(metrics: Mapping[str, Metric], most: int) -> str:
    """Why some patients cannot have these sums; "" where they can.

    Args:
        metrics: of one hospital, or of a sum of hospitals.
        most: patients that there are at most.
    """
    for keys, bound in ((_OF_SUMS, LIMIT), (_OF_PRODUCTS, LIMIT**2)):
        for key in keys:
            value = metrics.get(key)
            if not isinstance(value, Sum) or not 0 <= value.count <= most or not np.isfinite(value.total):
                return f"found no sum over at most {most} patients"
            if abs(value.total) > value.count * (bound + _SLACK):
                return "found a sum beyond the bounds of its features"
    for place in range(len(NAMES)):
        total, square = (
            sum_at(metrics, sum_key(place, population(place, place))),
            sum_at(metrics, product_key(place, place)),
        )
        if total.count != square.count or square.total * total.count + total.count**2 * _SLACK < total.total**2:
            return "found squares that do not belong to their sums"
    return ""
