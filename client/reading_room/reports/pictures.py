"""The pictures of a report as blocks: slices with the outline, their uncertainty, one calm picture."""

from dataclasses import replace
from pathlib import Path

from client.reading_room.record import MASK, UNCERTAINTY, Record
from client.reading_room.reports.content import Block, Paragraph, Picture
from client.reading_room.reports.drawing import COLOURS, MOST_NATS, doubts, outlines
from client.reading_room.reports.slices import PLANES, take_slices
from client.reading_room.reports.wording import Words
from gmmas_core.types import DataError


def clinician_pictures(record: Record, words: Words) -> tuple[Block, ...]:
    """Three planes with the outlines and, where it was computed, their uncertainty; a note where none can be drawn."""
    try:
        sequence, slices = take_slices(record.images, record.folder / MASK, _uncertainty(record))
    except DataError as error:
        return (Paragraph(text=words("picture.not_drawn", reason=str(error))),)
    planes = words.listed([words(f"plane.{plane}") for plane in PLANES])
    name = words.sequences([sequence])
    shown = _shown(record)
    if shown:
        lines = words.listed([words(f"picture.line.{region}") for region in shown])
        told = words("picture.slices", planes=planes, sequence=name, lines=lines)
    else:
        told = words("picture.slices_empty", planes=planes, sequence=name)
    caption = words.together([told, words("picture.letters")])
    png, width, height = outlines(slices, shown)
    pictures: list[Block] = [Picture(png=png, width=width, height=height, alt=caption, caption=caption)]
    if slices[0].entropy_RC is not None:
        png, width, height = doubts(slices)
        told = words("picture.uncertainty", most=words.number(MOST_NATS, 2))
        pictures.append(Picture(png=png, width=width, height=height, alt=told, caption=told))
    return tuple(pictures)


def first_picture(record: Record) -> bytes:
    """Three planes with the outlines as a PNG: what a viewer shows until it can draw by itself.

    Raises:
        DataError: nothing can be drawn.
    """
    _, slices = take_slices(record.images, record.folder / MASK, None)
    return outlines(slices, _shown(record))[0]


def patient_picture(record: Record, words: Words) -> tuple[Block, ...]:
    """One axial slice with the line around the whole area; none where nothing can be drawn."""
    try:
        _, slices = take_slices(record.images, record.folder / MASK, None)
    except DataError:
        return ()
    regions = _shown(record)[:1] if "wt" in _shown(record) else ()
    calm = replace(slices[0], letters=slices[0].letters[:2])
    png, width, height = outlines([calm], regions)
    caption = words("patient.picture") if regions else words("patient.picture_empty")
    alt = words("patient.picture_alt")
    return (Picture(png=png, width=width, height=height, alt=alt, caption=caption, share=0.3),)


def _shown(record: Record) -> tuple[str, ...]:
    """Regions that may be drawn: those that the sequences allow and that were found."""
    volumes = record.document["measures"]["volume"]
    return tuple(region for region in COLOURS if volumes[region].get("value", 0.0) > 0.0)


def _uncertainty(record: Record) -> Path | None:
    path = record.folder / UNCERTAINTY
    return path if record.document["uncertainty_map"] is not None and path.is_file() else None
