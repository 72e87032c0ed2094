"""Measures from the JSON that they were stored as, so that a case can be compared without measuring it again."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gmmas_core.errors import DataError
from gmmas_core.measures.case import CaseMeasures
from gmmas_core.measures.diameters import Bidimensional, Diameters
from gmmas_core.measures.lesions import Lesion, Pieces
from gmmas_core.measures.margin import Margin
from gmmas_core.measures.midline import Midline
from gmmas_core.measures.mismatch import Mismatch
from gmmas_core.measures.sides import Crossing, Side, SideShare
from gmmas_core.measures.values import Interval, Missing, Quantity
from gmmas_core.measures.vasari import Score

Stored = Mapping[str, Any]
T = TypeVar("T")


def measures_from(stored: Stored) -> CaseMeasures:
    """What `dataclasses.asdict` of a CaseMeasures gave, after JSON, as a CaseMeasures again.

    Raises:
        DataError: parts are missing or are of another kind.
    """
    try:
        return CaseMeasures(
            case_id=stored["case_id"],
            model_id=stored["model_id"],
            created_at=stored["created_at"],
            sequences_used=tuple(stored["sequences_used"]),
            spacing_mm=_three(stored["spacing_mm"]),
            orientation=stored["orientation"],
            volume=_each(stored["volume"], _quantity),
            shares=_each(stored["shares"], _quantity),
            diameters=_each(stored["diameters"], _diameters),
            pieces=_each(stored["pieces"], _pieces),
            satellites=_missing(stored["satellites"]) or int(stored["satellites"]),
            midline=_missing(stored["midline"]) or Midline(**stored["midline"]),
            side=_each(stored["side"], _side),
            margin=_or_missing(stored["margin"], _margin),
            mismatch=_missing(stored["mismatch"]) or Mismatch(**stored["mismatch"]),
            vasari=_each(stored["vasari"], lambda one: Score(**one)),
            disclaimer=stored["disclaimer"],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            "measures: found a stored form that cannot be read; expected that of this release; read the case again"
        ) from None


def _missing(one: Any) -> Missing | None:
    return Missing(one["reason"]) if isinstance(one, Mapping) and set(one) == {"reason"} else None


def _or_missing(one: Stored, build: Callable[[Stored], T]) -> T | Missing:
    return _missing(one) or build(one)


def _each(many: Stored, build: Callable[[Stored], T]) -> dict[str, T | Missing]:
    return {name: _or_missing(one, build) for name, one in many.items()}


def _quantity(one: Stored) -> Quantity:
    interval = _or_missing(one["interval"], lambda ends: Interval(**ends))
    return Quantity(value=one["value"], unit=one["unit"], error=one["error"], interval=interval)


def _diameters(one: Stored) -> Diameters:
    return Diameters(
        lesions=tuple(map(_bidimensional, one["lesions"])),
        sum_of_products=_quantity(one["sum_of_products"]),
        longest_3d=_quantity(one["longest_3d"]),
    )


def _bidimensional(one: Stored) -> Bidimensional:
    return Bidimensional(
        longest=_quantity(one["longest"]),
        perpendicular=_quantity(one["perpendicular"]),
        product=_quantity(one["product"]),
        height_mm=one["height_mm"],
        longest_mm=_ends(one["longest_mm"]),
        perpendicular_mm=_ends(one["perpendicular_mm"]),
        is_measurable=one["is_measurable"],
    )


def _ends(two: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    first, last = two
    return _three(first), _three(last)


def _three(values: Any) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z


def _pieces(one: Stored) -> Pieces:
    lesions = tuple(
        Lesion(volume_ml=each["volume_ml"], centre_mm=_three(each["centre_mm"]), distance_mm=each["distance_mm"])
        for each in one["lesions"]
    )
    return Pieces(lesions=lesions, specks=one["specks"], specks_ml=one["specks_ml"])


def _side(one: Stored) -> SideShare:
    return SideShare(**{**one, "side": Side(one["side"]), "crossing": Crossing(one["crossing"])})


def _margin(one: Stored) -> Margin:
    return Margin(thickness=_quantity(one["thickness"]), covered=one["covered"])
