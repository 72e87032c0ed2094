"""What a site speaks for in a round: nothing that fewer training cases than its floor have informed.

A parameter group with too few cases leaves as it came and counts 0, so the coordinator's mean passes over it; the
metrics of training that are about its cases alone are emptied. What is left may be scaled down to a norm.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from client.egress.floor import emptied, of_labels, told_count
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import Case, Metric, Sum, Task
from gmmas_core.update_encoding import WHOLE, Encoded

Weights = Mapping[str, NDArray[np.float32]]

_SLACK = 1 - 1e-6
"""Rounding to float32 must not lift a norm above its bound."""


def told_counts(seen: Mapping[str, int], floor: int) -> dict[str, int]:
    """Training cases per parameter group as they are told; 0 where the site must not speak."""
    return {group: told_count(count, floor) for group, count in seen.items()}


def may_leave(trained: Weights, received: Weights, told: Mapping[str, int]) -> dict[str, NDArray[np.float32]]:
    """Trained weights, and the received ones of groups for which the site does not speak."""
    return {name: value if told.get(group_of(name), 0) else received[name] for name, value in trained.items()}


def held_to_norm(leaving: Weights, received: Weights, most: float | None) -> dict[str, NDArray[np.float32]]:
    """Weights whose change has at most an L2 norm; a longer change is scaled down, its direction kept."""
    change = {name: value.astype(np.float64) - received[name] for name, value in leaving.items()}
    norm = float(np.sqrt(sum(float(np.square(part).sum()) for part in change.values())))
    if most is None or not norm > most:  # a norm that is no number is refused by the gate
        return dict(leaving)
    share = most / norm * _SLACK
    return {name: (received[name] + share * part).astype(np.float32) for name, part in change.items()}


def encoded_to_norm(encoded: Encoded, most: float | None) -> Encoded:
    """The same for changes as they travel, which also carry what earlier encodings still owed."""
    if most is None or encoded.encoding == WHOLE:
        return encoded
    squares = (
        float(np.square(array.astype(np.float64)).sum()) * encoded.scales[name] ** 2
        for name, array in encoded.arrays.items()
    )
    norm = float(np.sqrt(sum(squares)))
    if not norm > most:
        return encoded
    scales = {name: scale * most / norm * _SLACK for name, scale in encoded.scales.items()}
    return Encoded(encoding=encoded.encoding, arrays=encoded.arrays, scales=scales)


def quiet(
    metrics: Mapping[str, Metric], seen: Mapping[str, int], floor: int, rare: Iterable[Task] = ()
) -> dict[str, Metric]:
    """Metrics of a round, those about fewer cases than the floor emptied.

    Their own counts are of crops and steps, so the floor has to look at the cases that stand behind them.

    Args:
        metrics: of a round.
        seen: parameter group -> training cases that informed it, before anything was hidden.
        floor: fewest cases.
        rare: tasks of which few validation cases have one of the classes, see `rare_classes`.
    """
    kept: dict[str, Metric] = {}
    hidden = {key for task in rare for key in of_labels(task, metrics)}
    for key, metric in metrics.items():
        behind = _cases_behind(key, seen)
        is_few = key in hidden or (behind is not None and behind < floor)
        kept[key] = emptied(metric) if is_few else metric
        if key.startswith("signal.pseudo_labels_known.") and isinstance(metric, Sum):
            told = told_count(metric.count, floor)  # as the site told it when it joined
            kept[key] = Sum(float(told), told)
    return kept


def rare_classes(cases: Sequence[Case], tasks: Sequence[Task], floor: int) -> tuple[Task, ...]:
    """Tasks of which some, but fewer than the floor, of the cases have one of the classes."""
    counts = {task: Counter(case.labels[task] for case in cases) for task in tasks}
    return tuple(task for task in tasks if any(0 < counts[task][label] < floor for label in (0, 1)))


def _cases_behind(key: str, seen: Mapping[str, int]) -> int | None:
    """Training cases that a metric of training is about; None for what is counted in cases itself."""
    if key.startswith("signal.gradient_variance."):
        return seen.get(key.removeprefix("signal.gradient_variance."), 0)
    if not key.startswith("train-"):
        return None
    name = key.removeprefix("train-loss.")
    if name in ("segmentation", "context"):  # without a word for the trunk, the global branch's cases are those
        return seen.get("decoder", 0) or (0 if seen.get("trunk") else seen.get("global", 0))
    return seen[f"head.{name}"] if f"head.{name}" in seen else max(seen.values(), default=0)
