"""What a measure is: a number with its unit and its errors, or the reason why there is none. Never a zero instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """Why something was not measured."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A range around a value, in the value's unit, and what it means: no range here promises a coverage."""

    low: float
    high: float
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number.

    Attributes:
        value: in `unit`.
        unit: "mL", "mm", "mm2" or "share".
        error: what the grid alone leaves open, plus or minus, same unit; the model's doubt is not in it.
        interval: what the model's doubt leaves open, or why that is not known.
    """

    value: float
    unit: str
    error: float
    interval: Interval | Missing

    @property
    def band(self) -> tuple[float, float]:
        """Lowest and highest value that grid and model leave open, each side by the larger of the two."""
        low, high = max(self.value - self.error, 0.0), self.value + self.error
        if isinstance(self.interval, Interval):
            return min(low, self.interval.low), max(high, self.interval.high)
        return low, high


Measure = Quantity | Missing

NO_DOUBT_GIVEN = Missing("no stochastic passes and no map of doubt were given")
NOT_FOR_LENGTHS = Missing("the model's doubt is stated for volumes only")


def share_of(part: Measure, whole: Measure) -> Measure:
    """One volume as a share of another that contains it; the error is the grid's worst case."""
    if isinstance(part, Missing):
        return part
    if isinstance(whole, Missing):
        return whole
    if whole.value <= 0:
        return Missing("the whole of which this is a share is empty")
    value = part.value / whole.value
    # A part inside the whole: its border counts in both, so the worst case is bounded by the part's own error.
    error = min((part.error + value * whole.error) / whole.value, 1.0)
    return Quantity(value=value, unit="share", error=error, interval=Missing("stated for the two volumes, not for it"))
