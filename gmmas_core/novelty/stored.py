"""`distribution.json`: what the training sites' images looked like, in a model folder and in a question.

    {"version", "spacing_mm", "features": [names], "mean": [...], "covariance": [[...]], "patients": {sequence: n},
     "shrinkage", "limits": {subset: {"warn", "out", "patients"}}}

`{}` stands for none. It came from outside: everything is checked before a case is judged by it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gmmas_core.novelty.features import LIMIT, NAMES, VERSION
from gmmas_core.novelty.gaussian import MOST_DISTANCE, Gaussian
from gmmas_core.novelty.held_out import Limits, subset_name
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import SEQUENCES, DataError, FederationError

FILE = "distribution.json"
KEYS = ("version", "spacing_mm", "features", "mean", "covariance", "patients", "shrinkage", "limits")
MOST_PATIENTS = 100_000_000
PIECE = 4000
"""Characters of a piece of it in a message."""

MOST_PIECES = 64
_SMALLEST = 1e-9  # eigenvalue of a covariance that can be divided by


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """A Gaussian with what is needed to use it.

    Attributes:
        gaussian: of the training patients.
        spacing_mm: of the grid on which features are taken.
        limits: by `subset_name`; empty before held-out patients were measured.
    """

    gaussian: Gaussian
    spacing_mm: float
    limits: Mapping[str, Limits] = field(default_factory=dict)


def to_content(distribution: Distribution) -> dict[str, Any]:
    """Content of the file."""
    gaussian = distribution.gaussian
    known = np.flatnonzero(gaussian.known_F)
    return {
        "version": VERSION,
        "spacing_mm": float(distribution.spacing_mm),
        "features": [NAMES[place] for place in known],
        "mean": gaussian.mean_F[known].tolist(),
        "covariance": gaussian.covariance_FF[np.ix_(known, known)].tolist(),
        "patients": dict(gaussian.patients),
        "shrinkage": float(gaussian.shrinkage),
        "limits": {name: asdict(limits) for name, limits in distribution.limits.items()},
    }


def read_content(content: Mapping[str, Any], spacing_mm: float) -> Distribution | None:
    """What `to_content` wrote; None for {}.

    Args:
        content: of the file.
        spacing_mm: of the model's configuration; a Gaussian of another grid says nothing.

    Raises:
        DataError: anything else.
    """
    if not content:
        return None
    wrong = _problem(content, spacing_mm)
    if wrong:
        raise DataError(f"{FILE}: found {wrong}; expected what a federation wrote; copy the model folder again")
    places = [NAMES.index(name) for name in content["features"]]
    mean_F, covariance_FF = np.full(len(NAMES), np.nan), np.full((len(NAMES), len(NAMES)), np.nan)
    mean_F[places] = content["mean"]
    covariance_FF[np.ix_(places, places)] = content["covariance"]
    gaussian = Gaussian(
        mean_F=mean_F,
        covariance_FF=covariance_FF,
        patients=dict(content["patients"]),
        shrinkage=float(content["shrinkage"]),
    )
    limits = {name: Limits(**values) for name, values in content["limits"].items()}
    return Distribution(gaussian=gaussian, spacing_mm=float(content["spacing_mm"]), limits=limits)


def to_pieces(content: Mapping[str, Any]) -> tuple[str, ...]:
    """As a message carries it, whose strings are short."""
    text = json.dumps(content, separators=(",", ":"))
    return tuple(text[start : start + PIECE] for start in range(0, len(text), PIECE)) if content else ()


def read_pieces(pieces: Sequence[str], spacing_mm: float) -> Distribution:
    """What came with a question.

    Raises:
        FederationError: none, or one that `read_content` would refuse.
    """
    try:
        content = json.loads("".join(pieces)) if len(pieces) <= MOST_PIECES else None
        found = read_content(content, spacing_mm) if isinstance(content, dict) else None
    except (ValueError, RecursionError, DataError):
        found = None
    if found is None:
        raise FederationError("request: found no usable distribution; expected one of this release and this grid")
    return found


def _problem(content: Mapping[str, Any], spacing_mm: float) -> str:
    """What is wrong with a content; "" for nothing."""
    if set(content) != set(KEYS):
        return "other keys"
    if content["version"] != VERSION or isinstance(content["version"], bool):
        return "features of another version"
    if not _is_number(content["spacing_mm"], 0, 1000) or not math.isclose(content["spacing_mm"], spacing_mm):
        return "features of another grid"
    if not _are_counts(content["patients"]) or not _is_number(content["shrinkage"], 0, 1):
        return "unusable counts of patients"
    return _problem_of_gaussian(content) or _problem_of_limits(content["limits"])


def _problem_of_gaussian(content: Mapping[str, Any]) -> str:
    names, mean, covariance = content["features"], content["mean"], content["covariance"]
    if not isinstance(names, list) or not names or names != [name for name in NAMES if name in names]:
        return "unknown features"
    size = len(names)
    rows = [mean, *covariance] if isinstance(covariance, list) else []
    if len(rows) != size + 1 or not all(isinstance(row, list) and len(row) == size for row in rows):
        return "a Gaussian of another size"
    if not all(_is_number(value, -LIMIT, LIMIT) for value in mean):
        return "a mean beyond its features"
    if not all(_is_number(value, -(4 * LIMIT**2), 4 * LIMIT**2) for row in covariance for value in row):
        return "a covariance beyond its features"
    matrix = np.array(covariance, dtype=np.float64)
    if not np.allclose(matrix, matrix.T, atol=1e-9) or np.linalg.eigvalsh(matrix)[0] < _SMALLEST:
        return "no covariance"
    return ""


def _problem_of_limits(limits: Any) -> str:
    names = {subset_name(subset) for subset in SUBSETS}
    if not isinstance(limits, Mapping) or set(limits) - names:
        return "limits of unknown subsets"
    for values in limits.values():
        if not isinstance(values, Mapping) or set(values) != {"warn", "out", "patients"}:
            return "unusable limits"
        bounds = [_is_number(values[key], -MOST_DISTANCE, MOST_DISTANCE) for key in ("warn", "out")]
        if not all(bounds) or values["warn"] > values["out"] or not _is_count(values["patients"]):
            return "unusable limits"
    return ""


def _are_counts(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == set(SEQUENCES) and all(map(_is_count, value.values()))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_PATIENTS


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
