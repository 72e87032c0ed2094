"""Mergeable metrics as JSON in the ledger, and back."""

from collections.abc import Mapping
from typing import Any

from gmmas_core.types import Metric, Sum


def metrics_to_entry(metrics: Mapping[str, Metric]) -> dict[str, dict[str, list[float] | list[int]]]:
    """Sums as [total, count] and histograms as lists of counts, kept apart by kind."""
    return {
        "sums": {key: [value.total, value.count] for key, value in metrics.items() if isinstance(value, Sum)},
        "histograms": {key: list(value) for key, value in metrics.items() if not isinstance(value, Sum)},
    }


def metrics_from_entry(entry: Mapping[str, Mapping[str, Any]]) -> dict[str, Metric]:
    """The inverse of `metrics_to_entry`."""
    sums: dict[str, Metric] = {key: Sum(float(total), int(count)) for key, (total, count) in entry["sums"].items()}
    return sums | {key: tuple(int(count) for count in value) for key, value in entry["histograms"].items()}
