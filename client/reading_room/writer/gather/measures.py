"""Sizes, sides and pieces of what was outlined. What was not measured is no fact here; see `open_questions`."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import BOTH, CLINICIAN_ONLY, Fact, Kind
from client.reading_room.writer.numbers import percent, quantity, quantity_range
from client.reading_room.writer.words import named, word
from gmmas_core.types import REGIONS

OUTLINED = ("wt", "tc", "et", "necrosis", "edema")
Document = Mapping[str, Any]


def measure_facts(document: Document, language: str) -> Iterator[Fact]:
    """`tumour`, `region.et`, `volume.wt`, `volume.wt.range`, `share.et_wt`, `longest_3d.wt`, `products.et`,
    `pieces.tc`, `satellites`, `side.wt`, `crossing.wt`, `margin` and `mismatch`."""
    found = "segmentation" not in document["abstained"]
    words = word("tumour.found" if found else "tumour.none", language)
    yield Fact(id="tumour", kind=Kind.TUMOUR, value={"found": found}, text=words, audiences=BOTH)
    if not found:
        return
    measures = document["measures"]
    for region in OUTLINED:
        yield from _region(region, measures["volume"][region], language)
    yield from _shares(measures, language)
    yield from _lengths(measures, language)
    yield from _pieces(measures, language)
    for region in REGIONS:
        yield from _side(region, measures["side"][region], language)
    yield from _signs(measures, language)


def _region(region: str, volume: Mapping[str, Any], language: str) -> Iterator[Fact]:
    if "value" not in volume:
        return
    name, value = named(region, language), volume["value"]
    audiences = BOTH if region == "wt" else CLINICIAN_ONLY
    words = word("region.present" if value > 0 else "region.absent", language, **name)
    yield Fact(id=f"region.{region}", kind=Kind.REGION, value={"region": region, "present": value > 0}, text=words)
    if value <= 0:
        return
    low, high = _band(volume)
    error = max(volume["error"], (high - low) / 2)
    yield Fact(
        id=f"volume.{region}",
        kind=Kind.VOLUME,
        value={"region": region, "ml": value},
        text=word("volume", language, **name),
        value_text=quantity(value, error, "mL", language),
        audiences=audiences,
    )
    by_model = "low" in volume["interval"]
    yield Fact(
        id=f"volume.{region}.range",
        kind=Kind.VOLUME_RANGE,
        value={"region": region, "low_ml": low, "high_ml": high, "by": "grid and model" if by_model else "grid"},
        text=word("volume_range.model" if by_model else "volume_range", language, **name),
        value_text=quantity_range(low, high, error, "mL", language),
    )


def _band(quantity_: Mapping[str, Any]) -> tuple[float, float]:
    """What grid and model leave open together, as `Quantity.band`."""
    value, error, interval = quantity_["value"], quantity_["error"], quantity_["interval"]
    low, high = max(value - error, 0.0), value + error
    return min(low, interval.get("low", low)), max(high, interval.get("high", high))


def _shares(measures: Document, language: str) -> Iterator[Fact]:
    for name, share in measures["shares"].items():
        part, whole = name.split("/")
        if "value" in share and share["value"] > 0:
            yield Fact(
                id=f"share.{part}_{whole}",
                kind=Kind.SHARE,
                value={"part": part, "whole": whole, "share": share["value"]},
                text=word(
                    "share", language, part=word(f"region.{part}", language), of_whole=word(f"of.{whole}", language)
                ),
                value_text=percent(share["value"], language),
            )


def _lengths(measures: Document, language: str) -> Iterator[Fact]:
    for region, diameters in measures["diameters"].items():
        for measure, key in (("longest_3d", "longest_3d"), ("products", "sum_of_products")):
            length = diameters.get(key, {})
            if length.get("value", 0) > 0:
                yield Fact(
                    id=f"{measure}.{region}",
                    kind=Kind.LENGTH,
                    value={"region": region, "measure": measure, "value": length["value"], "unit": length["unit"]},
                    text=word(f"length.{measure}", language, **named(region, language)),
                    value_text=quantity(length["value"], length["error"], length["unit"], language),
                )


def _pieces(measures: Document, language: str) -> Iterator[Fact]:
    for region, pieces in measures["pieces"].items():
        count = len(pieces.get("lesions", ()))
        if count:
            yield Fact(
                id=f"pieces.{region}",
                kind=Kind.PIECES,
                value={"region": region, "count": count},
                text=word("pieces", language, **named(region, language)),
                value_text=str(count),
            )
    satellites = measures["satellites"]
    if isinstance(satellites, int):
        words = word("satellites", language)
        yield Fact(
            id="satellites", kind=Kind.SATELLITES, value={"count": satellites}, text=words, value_text=str(satellites)
        )


_CROSSING = {"yes": "yes", "no": "no", "within the error of the midline": "open"}


def _side(region: str, share: Mapping[str, Any], language: str) -> Iterator[Fact]:
    if "side" not in share:
        return
    name, side, crossing = named(region, language), share["side"], _CROSSING[share["crossing"]]
    audiences = BOTH if region == "wt" else CLINICIAN_ONLY
    yield Fact(
        id=f"side.{region}",
        kind=Kind.SIDE,
        value={"region": region, "side": side},
        text=word(f"side.{side}", language, **name),
        audiences=audiences,
    )
    yield Fact(
        id=f"crossing.{region}",
        kind=Kind.CROSSING,
        value={"region": region, "crossing": crossing},
        text=word(f"crossing.{crossing}", language, **name),
    )


def _signs(measures: Document, language: str) -> Iterator[Fact]:
    thickness = measures["margin"].get("thickness")
    if thickness and thickness["value"] > 0:
        yield Fact(
            id="margin",
            kind=Kind.MARGIN,
            value={"mm": thickness["value"]},
            text=word("margin", language),
            value_text=quantity(thickness["value"], thickness["error"], "mm", language),
        )
    if "share" in measures["mismatch"]:
        share = measures["mismatch"]["share"]
        yield Fact(
            id="mismatch",
            kind=Kind.MISMATCH,
            value={"share": share},
            text=word("mismatch", language),
            value_text=percent(share, language),
        )
