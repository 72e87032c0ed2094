"""A hospital's patients as sums: of features, and of products of two. Added across hospitals, they are the sums over
all patients in one place.

A product is summed over the patients in whom all that both features need was acquired, and over the same patients each
of the two: a covariance needs both means among those very patients, or a hospital without T1 would look like a
correlation. Nothing is filled in for a sequence that is missing.

So sums over nested groups of patients are told, and their differences are sums over those who lack a sequence. For that
no hospital may have a few such patients in them: `by_common_patterns` leaves only patterns of sequences that at least
the floor's number of its patients have. Whatever is added or subtracted, it is then about whole patterns.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np

from gmmas_core.novelty.features import LIMIT, NAMES, NEEDS, Floats, known_from, sequences_of
from gmmas_core.types import SEQUENCES, Metric, Sum

PREFIX = "novelty."
"""Of every metric of this package."""

_SLACK = 1e-3  # per patient: sums travel as multiples of 2^-20 in a secure sum

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


_OF_SUMS = {
    sum_key(place, population(*pair)): (place, population(*pair)) for pair in PAIRS for place in dict.fromkeys(pair)
}
"""Key -> feature and population."""

_OF_PRODUCTS = {product_key(*pair): pair for pair in PAIRS}


def no_patients() -> dict[str, Metric]:
    """The same keys from every hospital, all empty."""
    return dict.fromkeys((*_OF_SUMS, *_OF_PRODUCTS), Sum(0.0, 0))


def by_common_patterns(patients: Iterable[Floats], floor: int) -> list[Floats]:
    """Patients as if they had one of the patterns of sequences that at least `floor` of them have.

    Who has a rarer pattern counts with the largest common one that is part of it, and without one is left out.
    """
    rows = [(row, sequences_of(row)) for row in patients]
    common = [pattern for pattern, count in Counter(pattern for _, pattern in rows).items() if count >= floor]
    ordered = sorted(common, key=lambda pattern: (-len(pattern), pattern))
    kept = []
    for row, pattern in rows:
        inside = next((each for each in ordered if set(each) <= set(pattern)), None)
        if inside is not None:
            kept.append(row if inside == pattern else known_from(row, inside))
    return kept


def sum_patients(patients: Iterable[Floats]) -> dict[str, Metric]:
    """Sums over patients.

    Args:
        patients: (F,) features of each, NaN where unknown; one vector per patient.
    """
    rows = list(patients)
    if not rows:
        return no_patients()
    values_NF = np.clip(np.stack(rows), -LIMIT, LIMIT)
    known_NF = ~np.isnan(values_NF)
    filled_NF = np.where(known_NF, values_NF, 0.0)  # adds nothing to any sum, and is not counted
    sums: dict[str, Metric] = {}
    for one, other in PAIRS:
        both_N = known_NF[:, one] & known_NF[:, other]
        count = int(both_N.sum())
        for place in (one, other):
            sums[sum_key(place, population(one, other))] = Sum(float(filled_NF[both_N, place].sum()), count)
        sums[product_key(one, other)] = Sum(float(filled_NF[both_N, one] @ filled_NF[both_N, other]), count)
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
