"""Measures of the outline: volumes, diameters, place, margin, mismatch and VASARI, each with its error."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Block, Column, Paragraph, Section, Table
from client.reading_room.reports.wording import DASH, Words
from client.reading_room.writer.numbers import SPACE
from gmmas_core.measures.vasari import NOT_DERIVABLE

Measures = Mapping[str, Any]

MOST_LESIONS = 6
"""Rows of diameters of one region; a scattered outline can have hundreds."""

_REGIONS = ("wt", "tc", "et")


def volumes_section(record: Record, words: Words) -> Section:
    """Volumes with the grid's error and the model's interval, and their shares."""
    measures = record.document["measures"]
    columns = (
        Column(title=words("volumes.region"), weight=3.4),
        Column(title=words("volumes.value"), weight=2, number=True),
        Column(title=words("volumes.error"), weight=2, number=True),
        Column(title=words("volumes.interval"), weight=2.4, number=True),
    )
    rows = tuple(_volume(name, value, words) for name, value in measures["volume"].items())
    meanings = {value["interval"].get("meaning") for value in measures["volume"].values() if "value" in value}
    told = [words("volumes.note", meaning=words.said(each)) for each in sorted(meanings - {None})]
    blocks: list[Block] = [
        Table(caption=words("volumes.caption"), columns=columns, rows=rows, note=words.together(told)),
        _shares(measures["shares"], words),
    ]
    return Section(id="volumes", title=words("section.volumes"), blocks=tuple(blocks))


def _volume(name: str, measure: Measures, words: Words) -> tuple[str, ...]:
    region = words(f"region.{name}")
    if "value" not in measure:
        return region, words("not_measured", reason=words.said(measure["reason"]))
    interval, error, unit = measure["interval"], measure["error"], measure["unit"]
    spread = half_width(measure)
    ends = DASH if "low" not in interval else words.quantities(interval["low"], interval["high"], spread, unit)
    value = words.quantity(measure["value"], spread, unit)
    return region, value, words("plus_minus", value=words.quantity(error, error, unit)) if error else DASH, ends


def half_width(measure: Measures) -> float:
    """Half of what grid and model leave open together: values are rounded by it, here and in every sentence."""
    value, error, interval = measure["value"], measure["error"], measure["interval"]
    low = min(max(value - error, 0.0), interval.get("low", value))
    high = max(value + error, interval.get("high", value))
    return float(max(error, (high - low) / 2))


def _shares(shares: Measures, words: Words) -> Table:
    columns = (
        Column(title=words("shares.name"), weight=5),
        Column(title=words("shares.value"), weight=2, number=True),
        Column(title=words("volumes.error"), weight=2, number=True),
    )
    rows: list[tuple[str, ...]] = []
    for name, measure in shares.items():
        part, whole = (words(f"region.{each}") for each in name.split("/"))
        label = words("shares.of", part=part, whole=whole)
        if "value" in measure:
            error = words("plus_minus", value=words.percent(measure["error"]))
            rows.append((label, words.percent(measure["value"]), error))
        else:
            rows.append((label, words("not_measured", reason=words.said(measure["reason"]))))
    return Table(caption=words("shares.caption"), columns=columns, rows=tuple(rows))


def sizes_section(record: Record, words: Words) -> Section:
    """Diameters per lesion, then sides and pieces."""
    measures = record.document["measures"]
    diameters = measures["diameters"]
    columns = (
        Column(title=words("sizes.lesion"), weight=3.2),
        *(
            Column(title=words(f"sizes.{name}"), weight=2.2, number=True)
            for name in ("longest", "perpendicular", "product")
        ),
        Column(title=words("sizes.measurable"), weight=1.6),
    )
    rows = [row for region in _REGIONS for row in _lesions(region, diameters[region], words)]
    table = Table(caption=words("sizes.caption"), columns=columns, rows=tuple(rows))
    return Section(
        id="sizes",
        title=words("section.sizes"),
        blocks=(table, _totals(diameters, words), _places(measures, words)),
    )


def _lesions(region: str, measure: Measures, words: Words) -> list[tuple[str, ...]]:
    name = words(f"region.{region}")
    if "lesions" not in measure:
        return [(name, words("not_measured", reason=words.said(measure["reason"])))]
    rows = []
    for number, lesion in enumerate(measure["lesions"][:MOST_LESIONS], start=1):
        sizes = [_with_error(lesion[part], words) for part in ("longest", "perpendicular", "product")]
        label = words("sizes.number", region=name, number=number) if len(measure["lesions"]) > 1 else name
        rows.append((label, *sizes, words("yes") if lesion["is_measurable"] else words("no")))
    further = len(measure["lesions"]) - MOST_LESIONS
    if further > 0:
        rows.append((name, words("sizes.more", count=further)))
    return rows


def _totals(diameters: Measures, words: Words) -> Table:
    columns = (
        Column(title=words("volumes.region"), weight=3),
        Column(title=words("sizes.sum"), weight=3, number=True),
        Column(title=words("sizes.longest_3d"), weight=3, number=True),
    )
    rows = []
    for region in _REGIONS:
        measure, name = diameters[region], words(f"region.{region}")
        if "lesions" in measure:
            parts = (_with_error(measure[part], words) for part in ("sum_of_products", "longest_3d"))
            rows.append((name, *parts))
        else:
            rows.append((name, words("not_measured", reason=words.said(measure["reason"]))))
    return Table(caption=words("sizes.totals"), columns=columns, rows=tuple(rows))


def _with_error(measure: Measures, words: Words) -> str:
    """Value and error with one unit, e.g. "38 ± 6 mm"; only the value where it is 0."""
    value = words.quantity(measure["value"], measure["error"], measure["unit"])
    if measure["value"] <= 0 or measure["error"] <= 0:
        return value
    error = words.quantity(measure["error"], measure["error"], measure["unit"])
    return f"{value.partition(SPACE)[0]}{SPACE}{words('plus_minus', value=error)}"


def _places(measures: Measures, words: Words) -> Table:
    columns = (
        Column(title=words("volumes.region"), weight=2.4),
        Column(title=words("places.side"), weight=2.6),
        Column(title=words("places.crossing"), weight=3),
        Column(title=words("places.pieces"), weight=1, number=True),
    )
    rows = [_place(region, measures, words) for region in _REGIONS]
    count = measures["satellites"]
    if isinstance(count, int):
        rows.append((words("places.satellites"), DASH, DASH, str(count)))
    else:
        told = words("not_measured", reason=words.said(count["reason"]))
        rows.append((words("places.satellites"), told))
    return Table(caption=words("places.caption"), columns=columns, rows=tuple(rows), note=words("places.note"))


def _place(region: str, measures: Measures, words: Words) -> tuple[str, ...]:
    name, side, pieces = words(f"region.{region}"), measures["side"][region], measures["pieces"][region]
    if "side" not in side:
        return name, words("not_measured", reason=words.said(side["reason"]))
    crossing = side["crossing"]
    error = words.number(side["midline_error_mm"], 1) + " mm"
    told = words(crossing) if crossing in ("yes", "no") else words("crossing.open", error=error)
    return name, words(f"side.{side['side']}"), told, _pieces(pieces)


def _pieces(pieces: Measures) -> str:
    return str(len(pieces["lesions"])) if "lesions" in pieces else DASH


def signs_section(record: Record, words: Words) -> Section:
    """Margin, mismatch and the VASARI features, with why the others cannot be told."""
    measures = record.document["measures"]
    rows = (*_margin(measures["margin"], words), *_mismatch(measures["mismatch"], words))
    signs = Table(
        caption=words("signs.caption"),
        columns=(Column(weight=3), Column(weight=6)),
        rows=rows,
        note=words("signs.mismatch_note"),
    )
    told = {name: each for name, each in measures["vasari"].items() if "score" in each}
    rest = {name: each for name, each in measures["vasari"].items() if "score" not in each}
    columns = (
        Column(title=words("vasari.feature"), weight=4),
        Column(title=words("vasari.score"), weight=1, number=True),
        Column(title=words("vasari.meaning"), weight=4),
    )
    scores = tuple((words(f"vasari.{n}"), str(each["score"]), words.said(each["meaning"])) for n, each in told.items())
    blocks: list[Block] = [signs]
    if scores:
        blocks.append(Table(caption=words("vasari.caption"), columns=columns, rows=scores))
    blocks.append(Paragraph(lead=words("vasari.rest") + words("colon").rstrip(), text=_rest(rest, words), small=True))
    return Section(id="signs", title=words("section.signs"), blocks=tuple(blocks))


def _margin(margin: Measures, words: Words) -> tuple[tuple[str, str], ...]:
    label = words("signs.margin")
    if "thickness" not in margin:
        return ((label, words("not_measured", reason=words.said(margin["reason"]))),)
    thickness = margin["thickness"]
    ends = [words.number(thickness["interval"][end], 1) + " mm" for end in ("low", "high")]
    value = words.quantity(thickness["value"], thickness["error"], "mm")
    return ((label, words("signs.margin_value", value=value, low=ends[0], high=ends[1])),)


def _mismatch(mismatch: Measures, words: Words) -> tuple[tuple[str, str], ...]:
    label = words("signs.mismatch")
    if "share" not in mismatch:
        return ((label, words("not_measured", reason=words.said(mismatch["reason"]))),)
    volume = words.number(mismatch["volume_ml"], 1) + " mL"
    share = words("signs.mismatch_value", share=words.percent(mismatch["share"]), volume=volume)
    difference = words("signs.robust", value=words.number(mismatch["difference"], 1, sign=True))
    rim = DASH if mismatch["rim"] is None else words("signs.robust", value=words.number(mismatch["rim"], 1, sign=True))
    return (label, share), (words("signs.difference"), difference), (words("signs.rim"), rim)


def _rest(rest: Measures, words: Words) -> str:
    """Features that cannot be told, those of one reason together."""
    groups: dict[str, list[str]] = {}
    for name, each in rest.items():
        reason = words.said(each["reason"])
        if words.language == "en" and name in NOT_DERIVABLE:
            reason = reason.partition(": ")[2]  # the feature's own name; the other languages' phrases leave it out
        groups.setdefault(reason, []).append(words(f"vasari.{name}"))
    return "; ".join(f"{words.listed(names)} ({reason})" for reason, names in groups.items()) or words("none")
