"""What is told of few cases: nothing, nor what the rest of a table would give away of them.

Three rules, all empty with a floor of 1. A number about fewer cases than the floor is emptied, its key kept. Where
cells add up to a total that is told, the hidden cells together hold at least `floor` cases: if they do not, the
smallest of the others is hidden too (complementary suppression). And no bin of a histogram holds fewer cases than the
floor: bins are put together with their neighbours, which moves values and loses none.

The floor of a site counts patients and these rules count cases; `floor_in_cases` says how many cases are enough.

How many cases stand behind a number is told exactly where it is told at all, so the coordinator sees how many cases of
an answered group have, say, a mask; counts that exist for their own sake are rounded.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gmmas_core.metrics.calibration_error import RELIABILITY_BINS
from gmmas_core.metrics.doubt import DOUBT_BINS
from gmmas_core.types import Case, Histogram, Metric, Sum, Task

PROPERTIES = ("reference-masks", "not-assessable", "pseudo-accepted", "pseudo-gated")
"""First words of sums whose total counts cases that have something."""


OF_LABELS = (
    *("sensitivity", "specificity", "score", "age", "accuracy", "brier", "brier-squared", "nll", "nll-squared"),
    *("reliability", "reliability-positives", "doubt", "doubt-right"),
    *("calibration", "calibration-positives", "pseudo-audit"),
)
"""First words of metrics of a task that its labels have a part in."""

LOSSES = ("signal.loss_before", "signal.loss_after")
"""Metrics that the labels of every task have a part in."""


def floor_in_cases(cases: Iterable[Case], floor: int) -> int:
    """Fewest cases that cannot come from fewer patients than the floor, whichever of these cases they are.

    The same as the floor where everybody has one study; a patient with seven of them is still one patient.
    """
    studies = sorted(Counter(case.patient_id for case in cases).values(), reverse=True)
    return max(floor, 1 + sum(studies[: floor - 1]))


def above_floor(metrics: Mapping[str, Metric], floor: int) -> dict[str, Metric]:
    """Metrics over at least `floor` cases, in bins of at least as many; the others emptied, every key kept.

    Of a sum that counts cases that have something, fewer than the floor are told as none, and all but fewer than the
    floor as all.
    """
    kept: dict[str, Metric] = {}
    for key, metric in metrics.items():
        count = metric.count if isinstance(metric, Sum) else sum(metric)
        if 0 < count < floor:
            kept[key] = emptied(metric)
        elif isinstance(metric, Sum):
            kept[key] = _to_an_end(metric, floor) if key.partition(".")[0] in PROPERTIES else metric
        else:
            kept[key] = in_large_bins(metric, floor)
    return kept


def without_small_parts(metrics: Mapping[str, Metric], tasks: Sequence[Task], floor: int) -> dict[str, Metric]:
    """Metrics without what would give a small part away by subtraction.

    The parts are the two classes of a task and the bins of its reliability and of its doubt, whose sums are told in
    pairs. When a class is small, all that labels have a part in goes: a model that answers everybody alike, which a
    coordinator can send, has a total accuracy or Brier score from which the size of each class follows.

    Args:
        metrics: before `above_floor`, which is applied here.
        tasks: the run's.
        floor: fewest cases.
    """
    kept = above_floor(metrics, floor)
    for task in tasks:
        classes = [metrics.get(f"{name}.{task}") for name in ("sensitivity", "specificity")]
        if any(isinstance(part, Sum) and 0 < part.count < floor for part in classes):
            _empty(kept, [*of_labels(task, kept), *LOSSES])
        for pair, bins in (("reliability", RELIABILITY_BINS), ("doubt", DOUBT_BINS)):
            second = "reliability-positives" if pair == "reliability" else "doubt-right"
            cells = {str(place): metrics.get(f"{pair}.{task}.{place}") for place in range(bins)}
            sizes = {place: cell.count for place, cell in cells.items() if isinstance(cell, Sum)}
            hidden = hidden_cells(sizes, floor)
            _empty(kept, (f"{name}.{task}.{place}" for name in (pair, second) for place in hidden))
        positives = metrics.get(f"calibration-positives.{task}")
        if isinstance(positives, Sum) and _is_small_part(round(positives.total), positives.count, floor):
            _empty(kept, of_labels(task, kept))
    return kept


def hidden_cells(sizes: Mapping[str, int], floor: int) -> frozenset[str]:
    """Cells of a table with a known total that must not be told: the small ones, and so many more that they hide.

    Args:
        sizes: cell -> cases.
        floor: fewest cases.

    Returns:
        None, or cells that hold at least `floor` cases together, or every cell that holds any.
    """
    hidden = {cell for cell, size in sizes.items() if 0 < size < floor}
    others = sorted((size, cell) for cell, size in sizes.items() if size >= floor)
    for _, cell in others:
        if not hidden or sum(sizes[each] for each in hidden) >= floor:
            break
        hidden.add(cell)
    return frozenset(hidden)


def told_count(count: int, floor: int) -> int:
    """A count as it is told: the next lower multiple of the floor.

    So a count below the floor is 0, and two counts of which one is part of the other differ by 0 or by at least the
    floor, whatever the site's table looks like.
    """
    return count // floor * floor


def in_large_bins(histogram: Histogram, floor: int) -> Histogram:
    """The same number of cases, in bins that are empty or hold at least `floor`.

    From the left, bins are put together until they hold enough; what is left over at the right joins the last ones.
    Those put together stand in the bin of their median.
    """
    values = np.repeat(np.arange(len(histogram)), histogram)
    if floor == 1 or len(values) < floor:
        return histogram if floor == 1 else (0,) * len(histogram)
    ends, held = [], 0
    for place, count in enumerate(histogram):
        held += count
        if held >= floor:
            ends.append(place)
            held = 0
    ends[-1] = len(histogram) - 1
    counts = np.zeros(len(histogram), dtype=np.int64)
    for begin, end in zip([-1, *ends[:-1]], ends, strict=True):
        group = values[(values > begin) & (values <= end)]
        counts[group[len(group) // 2]] += len(group)
    return tuple(counts.tolist())


def emptied(metric: Metric) -> Metric:
    """The same kind of metric over no case."""
    return Sum(0.0, 0) if isinstance(metric, Sum) else (0,) * len(metric)


def of_labels(task: Task, metrics: Mapping[str, Metric]) -> list[str]:
    """Keys from which the size of one class of a task could be worked out."""
    starts = tuple(f"{name}.{task}." for name in OF_LABELS)
    return [key for key in metrics if f"{key}.".startswith(starts)]


def _empty(metrics: dict[str, Metric], keys: Iterable[str]) -> None:
    for key in keys:
        if key in metrics:
            metrics[key] = emptied(metrics[key])


def _is_small_part(part: int, whole: int, floor: int) -> bool:
    return 0 < part < floor or 0 < whole - part < floor


def _to_an_end(metric: Sum, floor: int) -> Sum:
    if 0 < metric.total < floor:
        return Sum(0.0, metric.count)
    return Sum(float(metric.count), metric.count) if 0 < metric.count - metric.total < floor else metric
