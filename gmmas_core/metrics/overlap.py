"""Dice and HD95 of one region of one case, in the convention of BraTS up to 2022 ("legacy").

Empty regions: both masks empty score Dice 1 and HD95 0 mm; one mask empty scores Dice 0 and HD95 373.13 mm, the
diagonal of the BraTS grid, on every grid. Distances are in mm along the grid's axes, which must be at right angles.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.types import REGIONS

HD95_MISS_MM = float(np.sqrt(240**2 + 240**2 + 155**2))
"""HD95 where exactly one of the two masks is empty."""

_REACH_MM = 20.0

Box = tuple[slice, slice, slice]
_NOTHING: Box = (slice(0), slice(0), slice(0))


def region_mask(seg_XYZ: NDArray[np.integer], region: str) -> NDArray[np.bool_]:
    """Where a canonical label map lies inside a region of REGIONS."""
    belongs = np.zeros(256, dtype=bool)
    belongs[list(REGIONS[region])] = True
    return np.asarray(belongs[seg_XYZ])


def foreground_box(mask_XYZ: NDArray[np.bool_], margin: Sequence[int] = (0, 0, 0)) -> Box | None:
    """Smallest box around the True voxels, grown by `margin` voxels per axis in the grid; None for an empty mask."""
    sides: list[slice] = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        (hits,) = np.nonzero(mask_XYZ.any(axis=others))
        if not len(hits):
            return None
        sides.append(slice(max(int(hits[0]) - margin[axis], 0), int(hits[-1]) + 1 + margin[axis]))
    return sides[0], sides[1], sides[2]


def dice(pred_XYZ: NDArray[np.bool_], ref_XYZ: NDArray[np.bool_]) -> float:
    """Twice the overlap over the sum of both sizes; 1 when both are empty."""
    total = int(pred_XYZ.sum()) + int(ref_XYZ.sum())
    return 2 * int((pred_XYZ & ref_XYZ).sum()) / total if total else 1.0


def hd95(pred_XYZ: NDArray[np.bool_], ref_XYZ: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    """95th percentile Hausdorff distance with the legacy values for empty masks.

    Args:
        pred_XYZ: predicted region.
        ref_XYZ: reference region, same grid.
        spacing_mm: voxel edge per axis.

    Returns:
        mm; 0 when both are empty, HD95_MISS_MM when one is.
    """
    has_pred, has_ref = bool(pred_XYZ.any()), bool(ref_XYZ.any())
    if has_pred and has_ref:
        return surface_hd95(pred_XYZ, ref_XYZ, spacing_mm)
    return HD95_MISS_MM if has_pred or has_ref else 0.0


def surface_hd95(pred_XYZ: NDArray[np.bool_], ref_XYZ: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    """The larger of the two directed 95th percentiles of distances between the surfaces of two non-empty masks.

    A surface is made of the voxels with a face on the outside, the border of the grid included; it is what MONAI's
    `compute_hausdorff_distance(percentile=95)` computes. Work is limited to the box around both masks.

    Raises:
        ValueError: if a mask is empty.
    """
    if not (pred_XYZ.any() and ref_XYZ.any()):
        raise ValueError("surface_hd95: found an empty mask; expected two non-empty masks; use hd95")
    box = foreground_box(pred_XYZ | ref_XYZ) or _NOTHING
    pred, ref = _surface(pred_XYZ[box]), _surface(ref_XYZ[box])
    return max(_directed_95(pred, ref, spacing_mm), _directed_95(ref, pred, spacing_mm))


def _surface(mask_XYZ: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of the mask with at least one of six faces on the outside; ten times faster than a general erosion."""
    padded = np.pad(mask_XYZ, 1)
    inside = mask_XYZ.copy()
    for axis in range(3):
        for side in (slice(None, -2), slice(2, None)):
            shifted = [slice(1, -1)] * 3
            shifted[axis] = side
            inside &= padded[tuple(shifted)]
    return mask_XYZ ^ inside


def _directed_95(from_XYZ: NDArray[np.bool_], to_XYZ: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    """95th percentile of the distances from every voxel of one surface to the nearest of another.

    Looks within a reach around the first surface only: distances up to the reach are exact there, and if any is longer
    the reach grows. A tumour's own neighbourhood is thus searched, not the whole brain an untrained network paints.
    """
    reach_mm = _REACH_MM
    while True:
        box = foreground_box(from_XYZ, [int(np.ceil(reach_mm / edge)) for edge in spacing_mm]) or _NOTHING
        whole = from_XYZ[box].shape == from_XYZ.shape
        if whole or to_XYZ[box].any():
            distance_N = _nearest_mm(from_XYZ[box], to_XYZ[box], spacing_mm)
            if whole or distance_N.max() <= reach_mm:
                return float(np.percentile(distance_N, 95))
        reach_mm *= 4


def _nearest_mm(
    from_XYZ: NDArray[np.bool_], to_XYZ: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> NDArray[np.float64]:
    points_3N = np.array(np.nonzero(from_XYZ))
    # Asking for the nearest voxel instead of the distance spares the arithmetic for all voxels off the surface.
    nearest_3XYZ = ndimage.distance_transform_edt(
        ~to_XYZ, sampling=list(spacing_mm), return_distances=False, return_indices=True
    )
    steps_3N = nearest_3XYZ[:, points_3N[0], points_3N[1], points_3N[2]] - points_3N
    return np.asarray(np.linalg.norm(steps_3N * np.array(spacing_mm, dtype=np.float64)[:, None], axis=0))
