"""A mask on the grid of a NIfTI file, laid onto the frames of the DICOM series from which that file was made.

dcm2niix turns axes round and sorts slices, so nothing is taken for granted: each frame's own position says which voxels
are its pixels. Every voxel must be the pixel of exactly one frame, else the series is refused. Nothing is resampled.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.reading_room.exports.originals import Series
from gmmas_core.data.grid import GRID_TOLERANCE, Volume


def place(mask: Volume, series: Series) -> NDArray[Any] | None:
    """The mask's values frame by frame.

    Args:
        mask: on the NIfTI file's grid.
        series: whose frames are asked for.

    Returns:
        (frames, rows, columns) in the series' order, or None where its grid is not the mask's.
    """
    frames, rows, columns = series.shape
    if frames * rows * columns != mask.data.size:
        return None
    to_voxels = np.linalg.inv(mask.affine_44)
    exact_F33 = to_voxels[:3, :3] @ series.planes_F33
    exact_F33[:, :, 2] += to_voxels[:3, 3]
    whole_F33 = np.rint(exact_F33).astype(np.int64)
    corners = np.array([[c, r, 1] for c in (0, columns - 1) for r in (0, rows - 1)]).T
    if np.abs((exact_F33 - whole_F33) @ corners).max() > GRID_TOLERANCE:
        return None
    ends = whole_F33 @ corners
    inside = (ends >= 0) & (ends < np.array(mask.data.shape)[:, None])
    if not inside.all() or not _covers(whole_F33):
        return None
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column, row, np.ones_like(row)]).reshape(3, -1)
    x, y, z = np.moveaxis(whole_F33 @ pixels, 1, 0)
    return np.asarray(mask.data[x, y, z].reshape(series.shape))


def _covers(whole_F33: NDArray[np.int64]) -> bool:
    """Whether all frames run along the same two axes, one step a pixel, each on a layer of its own."""
    steps = whole_F33[0, :, :2]
    along = np.abs(steps)
    if not (along.sum(axis=0) == 1).all() or not (along.sum(axis=1) <= 1).all():
        return False
    layers = whole_F33[:, along.sum(axis=1) == 0, 2]
    starts = whole_F33[:, along.sum(axis=1) == 1, 2]
    return bool(
        (whole_F33[:, :, :2] == steps).all()
        and (starts == starts[0]).all()
        and len(np.unique(layers)) == len(whole_F33)
    )
