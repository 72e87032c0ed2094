"""Stored measures and changes as a person may read them: the writer's rounding, so that page and report say the same.

A reason stands wherever there is no number.
"""

from collections.abc import Mapping
from typing import Any

from client.reading_room.writer import numbers as written

LANGUAGE = "en"
MINUS = "−"


def percent(probability: float) -> str:
    """Whole percent; neither 0 nor 100, which would claim certainty."""
    return written.percent(probability, LANGUAGE)


def percent_range(low: float, high: float) -> str:
    """Two percentages, e.g. "31 to 64 %"."""
    return written.percent_range(low, high, LANGUAGE)


def proportion(hits: int, count: int) -> str:
    """A counted share; unlike a probability it may be all or none. Needs its count beside it."""
    return share_of_count(hits / count)


def share_of_count(value: float) -> str:
    """An end of a counted share's interval, or the share itself, in whole percent."""
    if value in (0.0, 1.0):
        return f"{round(100 * value)}{written.SPACE}%"
    return percent(value)


def points(change: float) -> str:
    """A change of a probability in percentage points, with its sign, e.g. "+12 points"."""
    whole = round(100 * change)
    if whole == 0:
        return f"<1{written.SPACE}point"
    return f"{_signed(whole)}{written.SPACE}{'point' if abs(whole) == 1 else 'points'}"


def relative(change: float) -> str:
    """A relative change in whole percent, with its sign."""
    return f"{_signed(round(100 * change))}{written.SPACE}%"


def quantity(measure: Mapping[str, Any]) -> dict[str, str]:
    """A stored Quantity or Missing as texts.

    Returns:
        "value" with unit, "error" ("± 7 mL" or ""), "interval" ("1 to 27 mL" or ""), "meaning" of the interval or why
        there is none; or only "missing", the reason.
    """
    if "reason" in measure:
        return {"missing": str(measure["reason"])}
    if measure["unit"] == "share":
        return _share(measure)
    value, error, unit, interval = (measure[part] for part in ("value", "error", "unit", "interval"))
    texts = {
        "value": "none found" if value == 0 else written.quantity(value, error, unit, LANGUAGE),
        "error": ""
        if value == 0 or error <= 0
        else f"±{written.SPACE}{written.quantity(error, error, unit, LANGUAGE)}",
    }
    if "reason" in interval:
        return texts | {"interval": "", "meaning": str(interval["reason"])}
    return texts | {"interval": _interval(interval, error, unit), "meaning": str(interval["meaning"])}


def _interval(interval: Mapping[str, Any], error: float, unit: str) -> str:
    low, high = interval["low"], interval["high"]
    if high <= 0:
        return "none at both ends"
    words = written.quantity_range(low, high, error, unit, LANGUAGE)
    first, _, last = words.partition(" to ")
    return f"{last} at both ends" if last.startswith(f"{first}{written.SPACE}") else words


def _share(measure: Mapping[str, Any]) -> dict[str, str]:
    error = f"± {max(1, round(100 * measure['error']))} points" if measure["error"] > 0 else ""
    value = "none" if measure["value"] == 0 else percent(measure["value"])
    return {"value": value, "error": error, "interval": "", "meaning": str(measure["interval"].get("reason", ""))}


def nats(value: float) -> str:
    """An entropy to two decimals."""
    return "<0.01" if value < 0.005 else f"{value:.2f}"


def _signed(whole: int) -> str:
    return f"{'+' if whole > 0 else MINUS if whole < 0 else '±'}{abs(whole)}"
