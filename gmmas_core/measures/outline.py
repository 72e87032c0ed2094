"""Outlines as points in millimetres: where the border runs, how far apart its points lie.

A border runs half-way between the centre of a voxel inside and that of its neighbour outside. Counting voxel centres
would make everything one voxel too short; counting outer corners, up to a voxel diagonal too long.
D is 2 (a slice) or 3; N points.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

Points = NDArray[np.float64]

_TIE = 1e-6  # relative; pairs this close to the longest are as long


def border_points(mask: NDArray[np.bool_]) -> Points:
    """Voxel indices (N, D), half of them between two voxels, of every face between inside and outside.

    Args:
        mask: any number of axes; what lies beyond the array is outside.
    """
    padded = np.pad(mask, 1)
    found = []
    for axis in range(mask.ndim):
        changes = np.argwhere(np.diff(padded, axis=axis)).astype(np.float64) - 1.0
        changes[:, axis] += 0.5
        found.append(changes)
    return np.concatenate(found)


def corners_of_hull(points_ND: Points) -> Points:
    """The points that matter for distances: the corners of the convex hull, in order around it where D is 2."""
    corners: Points = points_ND[ConvexHull(points_ND).vertices]
    return corners


def longest(points_ND: Points) -> float:
    """The largest distance between two points of an outline."""
    return float(pdist(corners_of_hull(points_ND)).max())


def cross_diameters(points_N2: Points) -> tuple[Points, Points]:
    """The longest diameter of an outline in a plane, and the longest chord of its hull at right angles to it.

    Where several pairs are equally long the one with the longer chord is taken, so that no choice depends on the order
    of axes.

    Args:
        points_N2: from a slice, in mm.

    Returns:
        Two segments (2, 2): first and last point each.
    """
    hull = corners_of_hull(points_N2)
    distance = squareform(pdist(hull))
    pairs = np.argwhere(np.triu(distance >= distance.max() * (1 - _TIE)))
    crosses = [(hull[[i, j]], _longest_chord(hull, hull[j] - hull[i])) for i, j in pairs]
    return max(crosses, key=lambda cross: length(cross[1]))


def length(segment_2D: Points) -> float:
    """Of a segment (2, D)."""
    return float(np.linalg.norm(segment_2D[1] - segment_2D[0]))


def _longest_chord(hull_N2: Points, along_2: NDArray[np.float64]) -> Points:
    """The longest chord of a convex polygon at right angles to a direction; it starts at a corner of the polygon."""
    unit = along_2 / np.linalg.norm(along_2)
    across = np.array([-unit[1], unit[0]])
    t, v = hull_N2 @ unit, hull_N2 @ across
    low, high = np.full(len(t), np.inf), np.full(len(t), -np.inf)
    for (t0, v0), (t1, v1) in pairwise([*zip(t, v), (t[0], v[0])]):
        steps = (t - t0) / (t1 - t0) if abs(t1 - t0) > 1e-9 else np.where(np.abs(t - t0) < 1e-9, 0.0, np.inf)
        on_edge = (steps >= -1e-9) & (steps <= 1 + 1e-9)
        here = v0 + np.where(on_edge, steps, 0.0) * (v1 - v0)
        low = np.where(on_edge, np.minimum(low, here), low)
        high = np.where(on_edge, np.maximum(high, here), high)
    best = int(np.argmax(high - low))
    return np.array([t[best] * unit + low[best] * across, t[best] * unit + high[best] * across])
