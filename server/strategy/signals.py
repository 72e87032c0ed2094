"""Reads what a site measured for a strategy, and never trusts it."""

import math

from gmmas_core.types import Sum
from server.strategy.voice import Voice

LARGEST = 1e12
"""Nothing that a site measures for a strategy comes near; keeps every ratio finite."""

ROUNDING = 1e-6
"""A mutual information is a difference of entropies and may come out so little below zero."""


def measured(voice: Voice, name: str) -> float | None:
    """Mean of `signal.<name>`; None where the site did not measure it or its claim cannot be one (NaN, negative)."""
    metric = voice.metrics.get(f"signal.{name}")
    if not isinstance(metric, Sum) or metric.count <= 0:
        return None
    is_possible = math.isfinite(metric.mean) and -ROUNDING <= metric.mean <= LARGEST
    return max(0.0, metric.mean) if is_possible else None


def counted(voice: Voice, name: str) -> int:
    """On how many cases `signal.<name>` was measured; 0 where it was not."""
    metric = voice.metrics.get(f"signal.{name}")
    return metric.count if isinstance(metric, Sum) and measured(voice, name) is not None else 0
