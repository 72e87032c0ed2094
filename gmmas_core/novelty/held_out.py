"""How far patients lie from the Gaussian who did not make it, and from where on a case is called unlike them.

Validation patients have no part in the Gaussian, so their distances show what a new patient of these hospitals has.
Each is measured with every subset of the sequences that it has; per subset the distances and their squares are summed.
The limits are normal quantiles of the held-out distances: an honest histogram would need many more patients than a
cohort floor lets through in its tail. Where distances have a heavier tail than a normal, more patients are warned about
than the share says. One spoilt scan among a hundred would multiply the limits, so every hospital first moves its
farthest distances to four of its standard deviations (1.4826 MAD) from its median.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmmas_core.novelty.features import Floats, known_from
from gmmas_core.novelty.gaussian import FEWEST, MOST_DISTANCE, Gaussian, distance
from gmmas_core.novelty.sums import PREFIX, Chosen, everybody, places_with, sum_at
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import Metric, Sum

WARN_SHARE, OUT_SHARE = 0.05, 0.01
"""Of held-out patients beyond the two limits, if their distances are normal."""

MOST_LIMIT = MOST_DISTANCE - 1
"""A distance that is too large to be told lies beyond every limit."""

_WARN_Z, _OUT_Z = 1.6448536269514722, 2.3263478740408408
_TAIL = 4.0
_SLACK = 1e-3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on a case with one subset of the sequences is unusual.

    Attributes:
        warn: distance beyond which a person is asked to look.
        out: distance beyond which the model is not to be believed.
        patients: held-out patients behind both.
    """

    warn: float
    out: float
    patients: int


def subset_name(subset: Iterable[str]) -> str:
    """A subset of the sequences, e.g. "t1+t2"."""
    return "+".join(subset)


def no_distances() -> dict[str, Metric]:
    """The same keys from every hospital, all empty."""
    return dict.fromkeys([key for subset in SUBSETS for key in _keys(subset)], Sum(0.0, 0))


def sum_distances(gaussian: Gaussian, patients: Sequence[Floats], chosen: Chosen = everybody) -> dict[str, Metric]:
    """Sums of held-out patients' distances.

    Args:
        gaussian: of the training patients.
        patients: (F,) features of each, one vector per patient.
        chosen: asked once per subset of the sequences.
    """
    found = no_distances()
    for subset in SUBSETS:
        rows = [known_from(patients[place], subset) for place in chosen(places_with(patients, subset))]
        far_N = _held_in([far for far in (distance(gaussian, row) for row in rows) if far is not None])
        for key, values_N in zip(_keys(subset), (far_N, far_N**2)):
            found[key] = Sum(float(values_N.sum()), len(far_N))
    return found


def _held_in(distances: Sequence[float]) -> Floats:
    """A hospital's distances, the farthest moved to where its own usual ones hardly reach."""
    far_N: Floats = np.array(distances, dtype=np.float64)
    if not len(far_N):
        return far_N
    middle = float(np.median(far_N))
    reach = _TAIL * 1.4826 * float(np.median(np.abs(far_N - middle)))
    return np.asarray(np.clip(far_N, middle - reach, middle + reach))


def limits_of(metrics: Mapping[str, Metric], fewest: int = FEWEST) -> dict[str, Limits]:
    """Limits by `subset_name`, for the subsets that enough held-out patients have.

    Args:
        metrics: pooled; keys of `no_distances`.
        fewest: held-out patients that a subset needs.
    """
    limits = {}
    for subset in SUBSETS:
        values, squares = (sum_at(metrics, key) for key in _keys(subset))
        n = values.count
        if n >= max(2, fewest):
            spread = np.sqrt(max(0.0, squares.total - values.total**2 / n) / (n - 1) * (1 + 1 / n))
            warn, out = (
                float(np.clip(values.mean + z * spread, -MOST_DISTANCE, MOST_LIMIT)) for z in (_WARN_Z, _OUT_Z)
            )
            limits[subset_name(subset)] = Limits(warn=warn, out=out, patients=n)
    return limits


def impossible(metrics: Mapping[str, Metric], most: int) -> str:
    """Why so many patients cannot have these sums of distances; "" where they can."""
    for subset in SUBSETS:
        values, squares = (metrics.get(key) for key in _keys(subset))
        if not isinstance(values, Sum) or not isinstance(squares, Sum) or not 0 <= values.count <= most:
            return f"found no sums over at most {most} patients"
        is_finite = bool(np.isfinite([values.total, squares.total]).all())
        if values.count != squares.count or not is_finite or squares.total > values.count * MOST_DISTANCE**2 + _SLACK:
            return "found distances beyond their bounds"
        if values.total**2 > values.count * squares.total + _SLACK * max(1, values.count):
            return "found squares that do not belong to their distances"
    return ""


def _keys(subset: Iterable[str]) -> tuple[str, str]:
    name = subset_name(subset)
    return f"{PREFIX}distance.{name}", f"{PREFIX}distance-squared.{name}"
