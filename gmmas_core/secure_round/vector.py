"""One site's numbers as the vector of a `Layout`, and the summed vector as numbers again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.fixed_point import from_integers, scale_of, to_integers
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.secure_round.layout import Layout
from gmmas_core.types import FederationError, Metric, SiteUpdate, Sum
from gmmas_core.weighing import own_group
from gmmas_core.weights import Weights

SCALE = 2**20
"""Of totals and log-variances: what is added is a multiple of its inverse, about 1e-6."""

MAX_LOG_VARIANCE = 64.0
MAX_COUNT = 2**40  # of one site in one metric: cases, crops, steps or voxels
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooled:
    """What a secure sum says about all its sites together.

    Attributes:
        mean: parameter -> weighted mean; the weights that were sent where nobody has spoken.
        weights: parameter group -> sum of the sites' weights.
        num_cases: training cases of all.
        uncertainty: question -> log-variance, averaged with the weights of the question's own group; 0 without any.
        metrics: as if all cases were one cohort.
    """

    mean: dict[str, NDArray[np.float32]]
    weights: dict[str, int]
    num_cases: int
    uncertainty: dict[str, float]
    metrics: dict[str, Metric]


def vector_of(
    update: SiteUpdate, weights: Mapping[str, int], layout: Layout, *, max_weight: int, max_sites: int
) -> Integers:
    """A site's vector, before its masks.

    Args:
        update: as it might have left in a plain round; parameters of the layout's names and shapes.
        weights: parameter group -> its weight, 0 for silence.
        layout: of the round.
        max_weight, max_sites: of the attempt; no sum of max_sites such vectors overflows.

    Raises:
        FederationError: a parameter beyond its bound, other metrics than the layout's, or a number too large to add.
    """
    parts: list[Integers] = []
    for name, shape in layout.shapes.items():
        weight, values = weights[group_of(name)], update.weights[name]
        if values.shape != shape or not 0 <= weight <= max_weight:
            raise FederationError(f"parameter {name}: found another shape or an unfit weight; expected the round's")
        scale = scale_of(layout.bounds[name], max_weight, max_sites)
        is_silent = weight == 0
        terms = np.zeros(shape, np.int64) if is_silent else to_integers(values, weight, scale, layout.bounds[name])
        parts.append(terms.reshape(-1))
    largest = 2**62 // max_sites
    rest = [weights[group] for group in layout.groups]
    rest.append(min(update.num_cases, max_weight))
    rest += [_log_variance(update, weights, question) for question in layout.questions]
    rest += _metrics(update.metrics, layout.metrics)
    if any(abs(number) > largest for number in rest):
        raise FederationError("secure sum: found a number too large to be added; expected sums of cases and losses")
    return np.concatenate([*parts, np.array(rest, np.int64)])


def read_sum(
    total: Integers, num_sites: int, reference: Weights, layout: Layout, *, max_weight: int, max_sites: int
) -> Pooled:
    """The summed vector of so many sites.

    Raises:
        FederationError: numbers that no sum of fit vectors gives: a weight beyond what so many sites have, a mean
            beyond its bound, a negative count. Some site has added nonsense; which one, nobody can tell.
    """
    if total.shape != (layout.size,) or total.dtype != np.int64:
        raise FederationError("secure sum: found another vector; expected the layout's")
    rest = [int(number) for number in total[layout.num_values :]]
    weights = dict(zip(layout.groups, rest))
    num_cases, rest = rest[len(weights)], rest[len(weights) + 1 :]
    if not all(0 <= weight <= max_weight * num_sites for weight in (num_cases, *weights.values())):
        raise FederationError(
            "secure sum: found total weights that its sites cannot have; expected at most their cases"
        )
    uncertainty = {}
    for question, number in zip(layout.questions, rest):
        weight = weights[own_group(question)]
        uncertainty[question] = number / SCALE / weight if weight else 0.0
    if not all(abs(value) <= MAX_LOG_VARIANCE for value in uncertainty.values()):
        raise FederationError("secure sum: found impossible log-variances; expected those of trained networks")
    return Pooled(
        mean=_mean(total, weights, reference, layout, max_weight, max_sites),
        weights=weights,
        num_cases=num_cases,
        uncertainty=uncertainty,
        metrics=_read_metrics(rest[len(layout.questions) :], layout.metrics, MAX_COUNT * num_sites),
    )


def _mean(
    total: Integers, weights: Mapping[str, int], reference: Weights, layout: Layout, max_weight: int, max_sites: int
) -> dict[str, NDArray[np.float32]]:
    """In the reference's order."""
    found, start = {}, 0
    for name, shape in layout.shapes.items():
        size = math.prod(shape)
        sums, weight = total[start : start + size], weights[group_of(name)]
        start += size
        bound = layout.bounds[name]
        scale = scale_of(bound, max_weight, max_sites)
        # One step of rounding per site, and one more for the division.
        most = bound * weight * scale + max_sites + 1
        if size and max(int(sums.max()), -int(sums.min())) > (most if weight else 0):
            raise FederationError(
                f"secure sum: found a mean of {group_of(name)} beyond its bound; expected fit updates"
            )
        mean = from_integers(sums, weight, scale) if weight else np.array(reference[name]).reshape(-1)
        found[name] = mean.reshape(shape)
    return {name: found[name] for name in reference}


def _log_variance(update: SiteUpdate, weights: Mapping[str, int], question: str) -> int:
    value = update.uncertainty[question]
    if not abs(value) <= MAX_LOG_VARIANCE:
        raise FederationError(f"uncertainty: found an impossible log-variance of {question}; its training diverged")
    return round(value * SCALE) * weights[own_group(question)]


def _metrics(metrics: Mapping[str, Metric], index: Mapping[str, int]) -> list[int]:
    numbers: list[int] = []
    if metrics.keys() != index.keys():
        raise FederationError("metrics: found other names than this round's; expected the same from every site")
    for name, bins in index.items():
        metric = metrics[name]
        if isinstance(metric, Sum) and bins == 0 and math.isfinite(metric.total):
            numbers += [round(metric.total * SCALE), metric.count]
        elif not isinstance(metric, Sum) and bins == len(metric):
            numbers += metric
        else:
            raise FederationError(f"metric {name}: found another form or no finite total; expected the layout's")
    return numbers


def _read_metrics(numbers: Sequence[int], index: Mapping[str, int], most: int) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {}
    place = 0
    for name, bins in index.items():
        if bins:
            metrics[name] = tuple(numbers[place : place + bins])
        else:
            metrics[name] = Sum(numbers[place] / SCALE, numbers[place + 1])
        place += bins or 2
    counts = [count for metric in metrics.values() for count in ([metric.count] if isinstance(metric, Sum) else metric)]
    if not all(0 <= count <= most for count in counts):
        raise FederationError("secure sum: found impossible counts of metrics; expected sums of counts")
    return metrics
