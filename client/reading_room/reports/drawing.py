"""Slices as pictures: outlines drawn on grey, doubt in colours, sides named at the borders."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from client.reading_room.reports.fonts import path_of
from client.reading_room.reports.slices import Slice
from gmmas_core.types import REGIONS

TILE, GAP = 520, 10
"""Pixels: edge of one slice, and between two."""

COLOURS = {"wt": (255, 214, 10), "tc": (255, 69, 58), "et": (64, 156, 255)}
"""Region -> colour of its line, drawn in this order."""

MOST_NATS = float(np.log(4))
"""Entropy of four equally likely labels."""

_LINE = 3  # pixels
_RAMP = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], dtype=np.float64)
_RGB = NDArray[np.uint8]


def outlines(slices: Sequence[Slice], regions: Sequence[str] = tuple(COLOURS)) -> tuple[bytes, int, int]:
    """Slices side by side with the regions' outlines: PNG, width, height."""
    return _png([_outlined(each, regions) for each in slices])


def doubts(slices: Sequence[Slice]) -> tuple[bytes, int, int]:
    """The entropy of the same slices with the whole tumour's outline: PNG, width, height."""
    return _png([_doubtful(each) for each in slices])


def _outlined(slice_: Slice, regions: Sequence[str]) -> Image.Image:
    scale = _scale(slice_)
    grey = np.clip(_enlarged(slice_.grey_RC, scale, slice_, order=1) * 255, 0, 255).astype(np.uint8)
    tile = np.repeat(grey[:, :, None], 3, axis=2)
    for region in regions:
        tile[_border(slice_, region, scale)] = COLOURS[region]
    return _framed(tile, slice_)


def _doubtful(slice_: Slice) -> Image.Image:
    assert slice_.entropy_RC is not None
    scale = _scale(slice_)
    share = np.clip(_enlarged(slice_.entropy_RC, scale, slice_, order=0) / MOST_NATS, 0, 1)
    steps = np.linspace(0, 1, len(_RAMP))
    tile = np.stack([np.interp(share, steps, _RAMP[:, channel]) for channel in range(3)], axis=2).astype(np.uint8)
    tile[_border(slice_, "wt", scale)] = (255, 255, 255)
    return _framed(tile, slice_)


def _scale(slice_: Slice) -> float:
    """Pixels per mm that let the longer side fill a tile."""
    rows, columns = slice_.grey_RC.shape
    return float(TILE / max(rows * slice_.edges_mm[0], columns * slice_.edges_mm[1]))


def _enlarged(values_RC: NDArray[np.generic], scale: float, slice_: Slice, order: Literal[0, 1]) -> NDArray[np.float32]:
    """A slice at the picture's size; a voxel becomes a rectangle of its true proportions."""
    size = [max(1, round(n * mm * scale)) for n, mm in zip(values_RC.shape, slice_.edges_mm, strict=True)]
    places = [(np.arange(want) + 0.5) * have / want - 0.5 for want, have in zip(size, values_RC.shape, strict=True)]
    grid: NDArray[np.float64] = np.stack(np.meshgrid(*places, indexing="ij"))
    found = ndimage.map_coordinates(values_RC.astype(np.float32), grid, None, order, "nearest")
    return np.asarray(found, dtype=np.float32)


def _border(slice_: Slice, region: str, scale: float) -> NDArray[np.bool_]:
    """A line of `_LINE` pixels just inside a region."""
    inside = _enlarged(np.isin(slice_.labels_RC, REGIONS[region]), scale, slice_, order=1) >= 0.5
    return np.asarray(inside & ~ndimage.binary_erosion(inside, iterations=_LINE))


def _framed(tile_RC3: _RGB, slice_: Slice) -> Image.Image:
    """A slice in the middle of a black tile with the letters of its four sides."""
    tile = Image.new("RGB", (TILE, TILE))
    picture = Image.fromarray(tile_RC3)
    tile.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    draw = ImageDraw.Draw(tile)
    middle, near, far = TILE // 2, 8, TILE - 8
    places = ((near, middle, "lm"), (far, middle, "rm"), (middle, near, "mt"), (middle, far, "mb"))
    for letter, (x, y, anchor) in zip(slice_.letters, places, strict=False):
        draw.text((x, y), letter, font=_letters(), fill="white", anchor=anchor, stroke_width=2, stroke_fill="black")
    return tile


@cache
def _letters() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path_of("bold")), 30)


def _png(tiles: Sequence[Image.Image]) -> tuple[bytes, int, int]:
    width = len(tiles) * TILE + (len(tiles) - 1) * GAP
    whole = Image.new("RGB", (width, TILE), "white")
    for place, tile in enumerate(tiles):
        whole.paste(tile, (place * (TILE + GAP), 0))
    content = io.BytesIO()
    whole.save(content, "PNG")
    return content.getvalue(), width, TILE
