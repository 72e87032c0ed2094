"""Numbers as a person may read them: no more digits than the error allows, always with a unit, never a bare zero.

A reason stands wherever there is no number.
"""

import math
from collections.abc import Mapping
from typing import Any

UNITS = {"mL": "mL", "mm": "mm", "mm2": "mm²"}

MINUS = "−"
FINEST = -1
"""Power of ten below which no measure is stated, whatever its error."""


def percent(probability: float) -> str:
    """Whole percent; neither 0 nor 100, which would claim certainty."""
    if probability < 0.005:
        return "<1 %"
    if probability > 0.995:
        return ">99 %"
    return f"{round(100 * probability)} %"


def percent_range(low: float, high: float) -> str:
    """Two percentages, e.g. "31 to 64 %"."""
    first, last = percent(low), percent(high)
    return first if first == last else f"{first.removesuffix(' %')} to {last}"


def proportion(hits: int, count: int) -> str:
    """A counted share; unlike a probability it may be all or none. Needs its count beside it."""
    return share_of_count(hits / count)


def share_of_count(value: float) -> str:
    """An end of a counted share's interval, or the share itself, in whole percent."""
    return "<1 %" if 0 < value < 0.005 else ">99 %" if 0.995 < value < 1 else f"{round(100 * value)} %"


def points(change: float) -> str:
    """A change of a probability in percentage points, with its sign, e.g. "+12 points"."""
    whole = round(100 * change)
    if whole == 0:
        return "less than 1 point"
    return f"{'+' if whole > 0 else MINUS}{abs(whole)} {'point' if abs(whole) == 1 else 'points'}"


def relative(change: float) -> str:
    """A relative change in whole percent, with its sign."""
    whole = round(100 * change)
    sign = "+" if whole > 0 else MINUS if whole < 0 else "±"
    return f"{sign}{abs(whole)} %"


def place_of(error: float) -> int:
    """Power of ten of the last digit that an error allows: one digit of it, two where it begins with 1 or 2."""
    if error <= 0 or not math.isfinite(error):
        return FINEST
    power = math.floor(math.log10(error))
    leading = error / 10.0**power
    return max(power - 1 if leading < 3 else power, FINEST)


def rounded(value: float, place: int) -> str:
    """A number to a power of ten, without a minus before zero."""
    step = round(value / 10.0**place) * 10.0**place
    text = f"{step:.{max(-place, 0)}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", MINUS)


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
    unit, place = UNITS[measure["unit"]], place_of(measure["error"])
    interval, texts = measure["interval"], {"error": "", "interval": "", "meaning": ""}
    value = f"{rounded(measure['value'], place)} {unit}"
    if measure["value"] == 0 and measure["unit"] == "mL":
        value = "none found"
    elif measure["error"] > 0:
        texts["error"] = f"± {rounded(measure['error'], place)} {unit}"
    if "reason" in interval:
        texts["meaning"] = str(interval["reason"])
    else:
        coarse = max(place, place_of((interval["high"] - interval["low"]) / 2))
        low, high = rounded(interval["low"], coarse), rounded(interval["high"], coarse)
        texts["interval"] = f"{low} {unit} at both ends" if low == high else f"{low} to {high} {unit}"
        texts["meaning"] = str(interval["meaning"])
    return {"value": value, **texts}


def _share(measure: Mapping[str, Any]) -> dict[str, str]:
    error = f"± {max(1, round(100 * measure['error']))} points" if measure["error"] > 0 else ""
    value = "none" if measure["value"] == 0 else percent(measure["value"])
    return {"value": value, "error": error, "interval": "", "meaning": str(measure["interval"].get("reason", ""))}


def plain(value: float, error: float, unit: str) -> str:
    """A number without an interval, e.g. "12 mm"."""
    return f"{rounded(value, place_of(error))} {unit}"


def nats(value: float) -> str:
    """An entropy to two decimals."""
    return "<0.01" if value < 0.005 else f"{value:.2f}"
