"""The form a number takes in a summary: JSON-able, with its interval beside it."""

from typing import Any

from gmmas_core.metrics.ranking import Interval

Summary = dict[str, Any]
"""JSON-able: dicts, lists, strings, numbers and None."""


def as_score(value: float | None, interval: Interval | None = None) -> Summary:
    """A value and its 95 % interval, each None where there is none."""
    return {"value": value, "interval": as_list(interval)}


def as_list(interval: Interval | None) -> list[float] | None:
    """An interval as JSON has it."""
    return None if interval is None else list(interval)
