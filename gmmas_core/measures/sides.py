"""On which side a region lies, and whether it crosses the midline, as far as the midline itself is known."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gmmas_core.data.grid import Volume
from gmmas_core.measures.midline import Midline
from gmmas_core.measures.volumes import voxel_ml

CROSSING_ML = 0.1
"""Volume that must lie beyond the midline and its error; the smallest that is called a lesion."""

ONE_SIDE = 2 / 3
"""Share of what lies clear of the midline that makes a region right- or left-sided."""


class Side(StrEnum):
    """Of the patient, not of the picture."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "both"
    MIDLINE = "midline"  # nothing lies clear of the midline's error


class Crossing(StrEnum):
    """Whether a region reaches over the midline."""

    YES = "yes"
    NO = "no"
    OPEN = "within the error of the midline"


@dataclass(frozen=True, kw_only=True)
class SideShare:
    """Where a region lies.

    Attributes:
        side: of the larger part.
        right, left: shares of the volume clear of the midline by more than its error.
        undecided: share within the error; the three add up to 1.
        crossing: yes if both sides hold CROSSING_ML clear of the error, no if one side of the plane holds less than
            that even when the error is counted in, otherwise open.
        beyond_mm: how far the smaller part reaches beyond the plane.
        midline_error_mm: of the estimate used.
    """

    side: Side
    right: float
    left: float
    undecided: float
    crossing: Crossing
    beyond_mm: float
    midline_error_mm: float


def measure_side(region: Volume, midline: Midline) -> SideShare:
    """Sides of a region that is not empty.

    Args:
        region: bool voxels, any grid.
        midline: estimated from the same examination.
    """
    world_N3 = np.argwhere(region.data) @ region.affine_44[:3, :3].T + region.affine_44[:3, 3]
    right_mm = midline.right_of_mm(world_N3)
    error, ml = midline.error_mm, voxel_ml(region.affine_44)
    right, left = (int(np.count_nonzero(side > error)) for side in (right_mm, -right_mm))
    possible = min(int(np.count_nonzero(side > -error)) for side in (right_mm, -right_mm))
    if min(right, left) * ml >= CROSSING_ML:
        crossing = Crossing.YES
    elif possible * ml < CROSSING_ML:
        crossing = Crossing.NO
    else:
        crossing = Crossing.OPEN
    smaller_mm = -right_mm if np.count_nonzero(right_mm > 0) >= np.count_nonzero(right_mm < 0) else right_mm
    total = len(right_mm)
    return SideShare(
        side=_side(right, left),
        right=right / total,
        left=left / total,
        undecided=1 - (right + left) / total,
        crossing=crossing,
        beyond_mm=max(float(smaller_mm.max()), 0.0),
        midline_error_mm=error,
    )


def _side(right: int, left: int) -> Side:
    if not right + left:
        return Side.MIDLINE
    share = right / (right + left)
    if share >= ONE_SIDE:
        return Side.RIGHT
    return Side.LEFT if share <= 1 - ONE_SIDE else Side.BOTH
