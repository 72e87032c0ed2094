"""What is told of few cases: nothing."""

from collections.abc import Mapping

from gmmas_core.types import Metric, Sum


def above_floor(metrics: Mapping[str, Metric], floor: int) -> dict[str, Metric]:
    """Metrics over at least `floor` cases; the others emptied, every key kept."""
    kept: dict[str, Metric] = {}
    for key, metric in metrics.items():
        count = metric.count if isinstance(metric, Sum) else sum(metric)
        if count >= floor or count == 0:
            kept[key] = metric
        else:
            kept[key] = emptied(metric)
    return kept


def emptied(metric: Metric) -> Metric:
    """The same kind of metric over no case."""
    return Sum(0.0, 0) if isinstance(metric, Sum) else (0,) * len(metric)
