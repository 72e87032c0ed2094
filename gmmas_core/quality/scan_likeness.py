"""Whether two cases hold the same scan, also where one was cropped, scaled or turned: each as a small thumbnail."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of, upright

SIDE = 16
"""Voxels along each edge of a thumbnail."""


def thumbnail(volume: Volume) -> NDArray[np.float32]:
    """The content of a volume, (SIDE**3,) with mean 0 and length 1; zeros where there is no content to speak of.

    Args:
        volume: any orientation; it is turned upright, cut to its content and looked at coarsely. What is slow in space
            (the shape of every head) is taken out, so that two people's scans differ.
    """
    turned = upright(volume).data
    inside = turned > 0.1 * np.percentile(turned[::2, ::2, ::2], 99.5)
    if not inside.any():
        return np.zeros(SIDE**3, dtype=np.float32)
    box = turned[box_of(inside, 0)].astype(np.float32)
    per_side = [n / SIDE for n in box.shape]
    smooth = ndimage.gaussian_filter(box, [0.5 * step for step in per_side])
    at = np.meshgrid(*((np.arange(SIDE) + 0.5) * step - 0.5 for step in per_side), indexing="ij")
    small = ndimage.map_coordinates(smooth, at, order=1, mode="nearest")
    fine = small - ndimage.gaussian_filter(small, 1.7)
    fine -= fine.mean()
    length = float(np.linalg.norm(fine))
    return np.asarray(fine.reshape(-1) / length if length > 0 else fine.reshape(-1) * 0, dtype=np.float32)


def alike(thumbnails: Sequence[NDArray[np.float32]], least: float) -> list[tuple[int, int, float]]:
    """Pairs of thumbnails (first index below the second) whose correlation is above `least`, with it."""
    if not thumbnails:
        return []
    all_ND = np.stack(thumbnails)
    pairs = []
    for start in range(0, len(all_ND), 512):  # never the whole matrix of a large site
        correlation = all_ND[start : start + 512] @ all_ND.T
        for row, column in np.argwhere(correlation > least):
            if start + row < column:
                pairs.append((int(start + row), int(column), float(correlation[row, column])))
    return pairs
