"""A hospital's patients as sums: of every feature, and of every product of two. Added across hospitals, they are the
sums over all patients in one place.

A sum is over the patients in whom all that it needs was acquired, and its count says how many those are. Nothing is
filled in for a sequence that is missing. Each sum passes the hospital's cohort floor by itself: of fewer patients
nothing is told. No two sums are of the same quantity over nested patients, so none can be subtracted from another.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations_with_replacement

import numpy as np

from gmmas_core.novelty.features import LIMIT, NAMES, Floats
from gmmas_core.types import Metric, Sum

PREFIX = "novelty."
"""Of every metric of this package."""

_SLACK = 1e-3  # per patient: sums travel as multiples of 2^-20 in a secure sum

_PAIRS = tuple(combinations_with_replacement(range(len(NAMES)), 2))


def sum_key(place: int) -> str:
    """Metric that holds the sum of a feature."""
    return f"{PREFIX}sum.{NAMES[place]}"


def product_key(one: int, other: int) -> str:
    """Metric that holds the sum of a product of two features, whichever is named first."""
    first, second = sorted((one, other))
    return f"{PREFIX}product.{NAMES[first]}.{NAMES[second]}"


def no_patients() -> dict[str, Metric]:
    """The same keys from every hospital, all empty."""
    keys = [sum_key(place) for place in range(len(NAMES))] + [product_key(*pair) for pair in _PAIRS]
    return dict.fromkeys(keys, Sum(0.0, 0))


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
    totals_F, counts_F = filled_NF.sum(0), known_NF.sum(0)
    products_FF = filled_NF.T @ filled_NF
    both_FF = known_NF.T.astype(np.int64) @ known_NF.astype(np.int64)
    sums: dict[str, Metric] = {
        sum_key(place): Sum(float(totals_F[place]), int(counts_F[place])) for place in range(len(NAMES))
    }
    for one, other in _PAIRS:
        sums[product_key(one, other)] = Sum(float(products_FF[one, other]), int(both_FF[one, other]))
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
    for key in no_patients():
        value = metrics.get(key)
        if not isinstance(value, Sum) or not 0 <= value.count <= most or not np.isfinite(value.total):
            return f"found no sum over at most {most} patients"
        bound = LIMIT if key.startswith(f"{PREFIX}sum.") else LIMIT**2
        if abs(value.total) > value.count * (bound + _SLACK):
            return "found a sum beyond the bounds of its features"
    for place in range(len(NAMES)):
        total, square = sum_at(metrics, sum_key(place)), sum_at(metrics, product_key(place, place))
        if total.count != square.count or square.total * total.count + total.count**2 * _SLACK < total.total**2:
            return "found squares that do not belong to their sums"
    return ""
