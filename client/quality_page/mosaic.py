"""The picture of a case: a row per sequence, seven slices, outlines of the brain and of the tumour. Site only."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of, same_grid, upright
from gmmas_core.types import BACKGROUND

BRAIN_COLOUR, TUMOUR_COLOUR = (51, 187, 255), (255, 225, 77)
HEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)
"""Axial slices, as shares of the content's height from below; the nearest gives way to the tumour's largest slice."""

_TILE_MM = 200  # at most, each way; one pixel per mm
_DARKEST, _BRIGHTEST = 1.0, 99.5  # percentiles that become black and white
_CONTENT = 0.1  # of the 99.5th percentile
_QUALITY = 75

Picture = NDArray[np.uint8]

_LETTER_GREY = 150
_LETTERS = {
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    "A": (".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
}
"""Pixels of what stands in a tile's upper left corner: which side its left edge is, right or anterior."""


@dataclass(frozen=True)
class Mosaic:
    """A picture: JPEG, RGB, and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


def draw_mosaic(images: Mapping[str, Volume], seg: Volume | None, brain: Volume | None) -> Mosaic:
    """Draw a case.

    Args:
        images: sequence -> image, at least one; each row shows its own grid where they differ.
        seg: labels, drawn on sequences of their grid.
        brain: mask of the brain, drawn likewise; without one the outline is that of what is not background.

    Returns:
        Rows in the order of `images`; per row five axial slices from below upwards, one coronal, one
        sagittal. The patient's right is on the left (R), in the sagittal slice the face is (A).
    """
    rows = [_row(volume, *(_on_grid(mask, volume) for mask in (brain, seg))) for volume in images.values()]
    height, width = (max(tile.shape[k] for row in rows for tile in row) for k in (0, 1))
    sheet = np.vstack(
        [
            np.hstack([_framed(tile, height, width, letter) for tile, letter in zip(row, "RRRRRRA", strict=True)])
            for row in rows
        ]
    )
    buffer = io.BytesIO()
    imsave(buffer, sheet, format="jpeg", pil_kwargs={"quality": _QUALITY, "subsampling": 0})
    return Mosaic(buffer.getvalue(), sheet.shape[1], sheet.shape[0])


def _on_grid(mask: Volume | None, volume: Volume) -> Volume | None:
    return mask if mask is not None and same_grid(mask.grid, volume.grid) else None


def _row(volume: Volume, brain: Volume | None, seg: Volume | None) -> list[Picture]:
    """Seven tiles of one sequence."""
    turned = upright(volume)
    data = turned.data.astype(np.float32)
    outline = content(data) if brain is None else upright(brain).data != 0
    tumour = np.zeros(data.shape, dtype=bool) if seg is None else upright(seg).data != BACKGROUND
    shown = data[outline] if outline.any() else data
    low, high = np.percentile(shown, (_DARKEST, _BRIGHTEST))
    grey = (np.clip((data - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    box = box_of(outline | tumour, 3) if (outline | tumour).any() else tuple(slice(0, n) for n in data.shape)
    grey, outline, tumour = grey[box], outline[box], tumour[box]
    x, y, z = turned.grid.spacing_mm
    right, front, up = _places(tumour, grey.shape)
    tiles = [_tile(grey[:, :, k], outline[:, :, k], tumour[:, :, k], (x, y)) for k in up]
    tiles.append(_tile(grey[:, front], outline[:, front], tumour[:, front], (x, z)))
    tiles.append(_tile(grey[right], outline[right], tumour[right], (y, z)))
    return tiles


def content(data_XYZ: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What is not background, slice by slice: without specks, its holes filled."""
    bright = data_XYZ > _CONTENT * np.percentile(data_XYZ[::2, ::2, ::2], 99.5)
    filled = np.zeros(bright.shape, dtype=bool)
    if bright.any():
        box = box_of(bright, 0)
        around = np.ones((3, 3, 1), dtype=bool)
        closed = ndimage.binary_closing(np.pad(bright[box], ((3, 3), (3, 3), (0, 0))), around, iterations=2)
        for k in range(closed.shape[2]):
            closed[:, :, k] = ndimage.binary_opening(ndimage.binary_fill_holes(closed[:, :, k]), iterations=2)
        filled[box] = closed[3:-3, 3:-3]
    return filled


def _places(tumour: NDArray[np.bool_], shape: Sequence[int]) -> tuple[int, int, list[int]]:
    """A sagittal, a coronal and five axial slices; through the tumour where there is one."""
    up = [round(share * (shape[2] - 1)) for share in HEIGHTS]
    if not tumour.any():
        return shape[0] // 2, shape[1] // 2, up
    most = [int(tumour.sum(axis=tuple(a for a in range(3) if a != axis)).argmax()) for axis in range(3)]
    nearest = min(range(len(up)), key=lambda k: abs(up[k] - most[2]))
    up[nearest] = most[2]
    return most[0], most[1], sorted(up)


def _tile(
    grey: NDArray[np.uint8], brain: NDArray[np.bool_], tumour: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> Picture:
    """One slice in mm; its first axis runs to the left of the picture, its second upwards."""
    size = [min(max(1, round(n * mm)), _TILE_MM) for n, mm in zip(grey.shape, spacing_mm, strict=True)]
    at = np.ix_(*(np.minimum((np.arange(s) + 0.5) * n / s, n - 1).astype(int) for s, n in zip(size, grey.shape)))
    picture = np.repeat(grey[at][:, :, None], 3, axis=2)
    for mask, colour in ((brain[at], BRAIN_COLOUR), (tumour[at], TUMOUR_COLOUR)):
        picture[mask & ~ndimage.binary_erosion(mask)] = colour
    return np.asarray(picture[::-1, ::-1].transpose(1, 0, 2))


def _framed(tile: Picture, height: int, width: int, letter: str) -> Picture:
    frame = np.zeros((height + 4, width + 4, 3), dtype=np.uint8)
    top, left = (height + 4 - tile.shape[0]) // 2, (width + 4 - tile.shape[1]) // 2
    frame[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    drawn = np.array([[mark == "#" for mark in line] for line in _LETTERS[letter]])
    frame[3 : 3 + len(drawn), 3 : 3 + drawn.shape[1]][drawn] = _LETTER_GREY
    return frame
