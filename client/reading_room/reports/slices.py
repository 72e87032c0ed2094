"""Three slices through the largest cross-section of a tumour, as a radiologist hangs them: the patient's right on the
left, the front or the top of the head above.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume, box_of, cut, same_grid, upright
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import BACKGROUND, DataError

BEST_FIRST = ("t1c", "flair", "t2", "t1")
"""The sequence that shows most of a tumour's structure, and what to take where it is missing."""

PLANES = ("axial", "coronal", "sagittal")
MARGIN = 3
"""Voxels around the head that stay in the picture."""

_DARKEST, _BRIGHTEST = 1.0, 99.5  # percentiles of the content that become black and white


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice in the order of a picture: rows from above, columns from the left.

    Attributes:
        plane: one of PLANES.
        grey_RC: brightness from 0 to 1.
        labels_RC: canonical labels.
        entropy_RC: predictive entropy in nats, or None.
        edges_mm: height and width of a voxel.
        letters: left, right, upper and lower side of the picture, e.g. "RLAP"; fewer are fine.
    """

    plane: str
    grey_RC: NDArray[np.float32]
    labels_RC: NDArray[np.uint8]
    entropy_RC: NDArray[np.float32] | None
    edges_mm: tuple[float, float]
    letters: str


def take_slices(images: Mapping[str, Path], seg: Path, uncertainty: Path | None) -> tuple[str, list[Slice]]:
    """The sequence shown and its slices in the order of PLANES.

    Args:
        images: sequence -> file.
        seg: canonical labels.
        uncertainty: on the same grid, or None.

    Raises:
        DataError: a file that cannot be read, or no image on the outline's grid.
    """
    labels = upright(load_volume(seg, "outline"))
    sequence, image = _image(images, labels)
    entropy = None if uncertainty is None else upright(load_volume(uncertainty, "map of uncertainty")).data
    box = box_of((image.data != 0) | (labels.data != BACKGROUND), MARGIN)
    labels, image = cut(labels, box), cut(image, box)
    entropy = None if entropy is None else entropy[box]
    inside = image.data[image.data != 0]
    low, high = np.percentile(inside, (_DARKEST, _BRIGHTEST)) if inside.size else (0.0, 1.0)
    tumour = labels.data != BACKGROUND
    shown = tumour if tumour.any() else image.data != 0
    x_mm, y_mm, z_mm = labels.grid.spacing_mm
    slices = []
    for plane, axis, edges, letters in (
        ("axial", 2, (y_mm, x_mm), "RLAP"),
        ("coronal", 1, (z_mm, x_mm), "RLSI"),
        ("sagittal", 0, (z_mm, y_mm), "APSI"),
    ):
        place = _largest(shown, axis)
        grey = _grey(_hung(image.data, axis, place), float(low), float(high))
        labelled = _hung(labels.data, axis, place).astype(np.uint8)
        doubt = None if entropy is None else _hung(entropy, axis, place).astype(np.float32)
        slices.append(Slice(plane, grey, labelled, doubt, edges, letters))
    return sequence, slices


def _image(images: Mapping[str, Path], labels: Volume) -> tuple[str, Volume]:
    for sequence in BEST_FIRST:
        if sequence in images:
            image = upright(load_volume(images[sequence], sequence))
            if same_grid(image.grid, labels.grid):
                return sequence, image
    raise DataError("images: found none on the grid of the outline; expected one; the outline is drawn on no other")


def _largest(shown_XYZ: NDArray[np.bool_], axis: int) -> int:
    """The slice across an axis that holds most; of several that hold as much, the middle one."""
    others = tuple(each for each in range(3) if each != axis)
    areas = np.count_nonzero(shown_XYZ, axis=others)
    fullest = np.flatnonzero(areas == areas.max())
    return int(fullest[len(fullest) // 2])


def _grey(value_RC: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Black at `low` and outside of the brain, white at `high`."""
    grey = np.clip((value_RC.astype(np.float32) - low) / max(high - low, 1e-9), 0.0, 1.0)
    return np.where(value_RC == 0, np.float32(0.0), grey)


def _hung(data_XYZ: NDArray[Any], axis: int, place: int) -> NDArray[Any]:
    """A slice as rows from above and columns from the left; right, front and top come first."""
    cut = np.take(data_XYZ, place, axis=axis)
    return np.ascontiguousarray(cut[::-1, ::-1].T)
