"""Volumes, shares, diameters, pieces, sides, mismatch and VASARI of the stored measures, rounded and with reasons."""

from collections.abc import Iterable, Mapping
from typing import Any

from client.reading_room.panel.numbers import percent, quantity
from client.reading_room.panel.words import SHARE_TITLES, VASARI_TITLES, VOLUME_TITLES, titled
from client.reading_room.writer.numbers import SPACE
from gmmas_core.measures.vasari import NOT_DERIVABLE

CROSSINGS = {
    "yes": "crosses the midline",
    "no": "does not cross the midline",
    "within the error of the midline": "reaches the midline within its error: crossing is open",
}

Stored = Mapping[str, Any]


def sizes_of(measures: Stored) -> dict[str, Any]:
    """Everything that was measured, as rows."""
    return {
        "volumes": [(VOLUME_TITLES[name], quantity(one)) for name, one in measures["volume"].items()],
        "shares": [(titled(SHARE_TITLES, name), quantity(one)) for name, one in measures["shares"].items()],
        "diameters": [(VOLUME_TITLES[name], _diameters(one)) for name, one in measures["diameters"].items()],
        "pieces": [(VOLUME_TITLES[name], _pieces(one)) for name, one in measures["pieces"].items()],
        "satellites": _satellites(measures["satellites"]),
        "sides": _grouped((VOLUME_TITLES[name], _side(one)) for name, one in measures["side"].items()),
        "mismatch": _mismatch(measures["mismatch"]),
        "margin": _margin(measures["margin"]),
        "vasari": [
            (name, titled(VASARI_TITLES, name), one["score"], one["meaning"])
            for name, one in measures["vasari"].items()
            if "score" in one
        ],
        "vasari_open": [
            _open_feature(name, one["reason"]) for name, one in measures["vasari"].items() if "reason" in one
        ],
        "grid": " × ".join(f"{mm:.3g}" for mm in measures["spacing_mm"]) + " mm",
    }


def _open_feature(name: str, reason: str) -> tuple[str, str, str]:
    """Id, title and reason of a feature without a score; those that no mask can tell bring their own title."""
    if name in NOT_DERIVABLE:
        title, _, rest = reason.partition(": ")
        return name, title[:1].upper() + title[1:], rest
    return name, titled(VASARI_TITLES, name), reason


def _grouped(rows: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Rows that say the same under one title."""
    found: list[tuple[str, dict[str, Any]]] = []
    for title, row in rows:
        if found and found[-1][1] == row:
            found[-1] = (f"{found[-1][0]}, {title.lower()}", row)
        else:
            found.append((title, row))
    return found


def _diameters(one: Stored) -> dict[str, Any]:
    if "reason" in one:
        return {"missing": one["reason"]}
    first = one["lesions"][0] if one["lesions"] else None
    two = None
    if first is not None:
        two = {"longest": quantity(first["longest"]), "perpendicular": quantity(first["perpendicular"])}
    return {
        "longest_3d": quantity(one["longest_3d"]),
        "axial": two,
        "lesions": len(one["lesions"]),
        "measurable": sum(lesion["is_measurable"] for lesion in one["lesions"]),
        "products": _products(one),
    }


def _products(one: Stored) -> dict[str, str]:
    if not any(lesion["is_measurable"] for lesion in one["lesions"]):
        return {"missing": "no lesion reaches the smallest size that RANO measures on this grid"}
    return quantity(one["sum_of_products"])


def _pieces(one: Stored) -> dict[str, Any]:
    if "reason" in one:
        return {"missing": one["reason"]}
    count = len(one["lesions"])
    words = "none" if not count else "one piece" if count == 1 else f"{count} separate pieces"
    if one["specks"]:
        words += f", and {one['specks']} {'speck' if one['specks'] == 1 else 'specks'} below 0.1 mL"
    return {"value": words}


def _satellites(one: Any) -> dict[str, Any]:
    if isinstance(one, Mapping):
        return {"missing": one["reason"]}
    return {"value": "none" if one == 0 else str(one)}


def _side(one: Stored) -> dict[str, Any]:
    if "reason" in one:
        return {"missing": one["reason"]}
    names = {"right": "right", "left": "left", "both": "both sides", "midline": "midline"}
    shares = [f"{percent(one[side])} {side}" for side in ("right", "left") if one[side] > 0]
    if one["undecided"] > 0:
        shares.append(f"{percent(one['undecided'])} within the midline's error")
    return {
        "value": names[one["side"]],
        "shares": ", ".join(shares),
        "crossing": CROSSINGS[one["crossing"]],
        "error": f"±{SPACE}{max(1, round(one['midline_error_mm']))}{SPACE}mm",
    }


def _mismatch(one: Stored) -> dict[str, Any]:
    if "reason" in one:
        return {"missing": one["reason"]}
    rim = "no inner part to compare with" if one["rim"] is None else _sd(one["rim"])
    return {
        "share": percent(one["share"]),
        "difference": _sd(one["difference"]),
        "rim": rim,
        "volume": f"{round(one['volume_ml'])} mL" if one["volume_ml"] >= 10 else f"{one['volume_ml']:.1f} mL",
    }


def _sd(value: float) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):.1f} SD"


def _margin(one: Stored) -> dict[str, Any]:
    if "reason" in one:
        return {"missing": one["reason"]}
    return quantity(one["thickness"]) | {"covered": percent(one["covered"])}
