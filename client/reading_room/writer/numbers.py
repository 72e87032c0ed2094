"""Numbers with their unit as a person reads them: never more digits than the error allows, never a false certainty."""

import math
from collections.abc import Mapping

SPACE = "\N{NO-BREAK SPACE}"
_TO = {"en": " to ", "de": " bis ", "zh": "至"}
_POINTS = {"en": f"{SPACE}percentage points", "de": f"{SPACE}Prozentpunkte", "zh": f"{SPACE}个百分点"}
_UNITS: Mapping[str, str] = {"mL": "mL", "mm": "mm", "mm2": "mm²"}
_DECIMALS: Mapping[str, tuple[int, int]] = {"mL": (0, 2), "mm": (0, 1), "mm2": (-1, 0)}
"""Unit -> fewest and most decimals, whatever the error says."""


def percent(share: float, language: str) -> str:
    """A probability or share as a whole percent; nothing reads as impossible or certain."""
    return f"{_whole(share)}{SPACE}%" if language != "zh" else f"{_whole(share)}%"


def percent_range(low: float, high: float, language: str) -> str:
    """Two of them, e.g. "31 to 64 %"; one where they read the same."""
    if _whole(low) == _whole(high):
        return percent(low, language)
    return f"{_whole(low)}{_TO[language]}{percent(high, language)}"


def points(change: float, language: str) -> str:
    """A change of a probability in whole percentage points, with its sign."""
    whole = round(100 * change)
    sign = "±" if whole == 0 else "+" if whole > 0 else "−"
    return f"{sign}{abs(whole)}{_POINTS[language]}"


def quantity(value: float, error: float, unit: str, language: str) -> str:
    """A measure with its unit, rounded to the first digit of its error; a small one reads "<1 mL" and never 0.

    Args:
        value: above 0.
        error: plus or minus, same unit.
        unit: "mL", "mm" or "mm2".
        language: of the decimal mark.
    """
    return f"{_rounded(value, error, unit, language)}{SPACE}{_UNITS[unit]}"


def quantity_range(low: float, high: float, error: float, unit: str, language: str) -> str:
    """Two of them, e.g. "1 to 27 mL", with the digits of the value they surround."""
    first = "0" if low <= 0 else _rounded(low, error, unit, language)
    return f"{first}{_TO[language]}{quantity(high, error, unit, language)}"


def _whole(share: float) -> str:
    if share < 0.005:
        return "<1"
    return ">99" if share >= 0.995 else f"{max(round(100 * share), 1)}"


def _rounded(value: float, error: float, unit: str, language: str) -> str:
    decimals = _decimals(error, unit)
    rounded = round(value, decimals)
    if rounded <= 0:
        return "<" + _mark(f"{10.0**-decimals:.{max(decimals, 0)}f}", language)
    return _mark(f"{rounded:.{max(decimals, 0)}f}", language)


def _decimals(error: float, unit: str) -> int:
    fewest, most = _DECIMALS[unit]
    if error <= 0:
        return most
    return min(max(-math.floor(math.log10(error)), fewest), most)


def _mark(number: str, language: str) -> str:
    return number.replace(".", ",") if language == "de" else number
