"""What may be added across sites: sums with their counts, and counts per bin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sum:
    """A mergeable mean: totals and counts are added across sites and divided once, at the end."""

    total: float
    count: int

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.total + other.total, self.count + other.count)

    @property
    def mean(self) -> float:
        """Total over count; NaN when nothing was counted."""
        return self.total / self.count if self.count else float("nan")


Histogram = tuple[int, ...]
Metric = Sum | Histogram
