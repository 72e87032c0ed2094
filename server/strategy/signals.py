"""Reads what a site measured for a strategy, and never trusts it."""

from gmmas_core import weighing
from gmmas_core.types import Sum
from server.strategy.voice import Voice


def measured(voice: Voice, name: str) -> float | None:
    """Mean of `signal.<name>`; None where the site did not measure it or its claim cannot be one (NaN, negative)."""
    return weighing.measured(voice.metrics, name)


def counted(voice: Voice, name: str) -> int:
    """On how many cases `signal.<name>` was measured; 0 where it was not."""
    metric = voice.metrics.get(f"signal.{name}")
    return metric.count if isinstance(metric, Sum) and measured(voice, name) is not None else 0
