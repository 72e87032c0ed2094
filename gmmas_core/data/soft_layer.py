"""Pieces with a soft edge that are laid over an image: the brush of Tumor-CutMix.

Geometry is decided once, on the mask, and the same opacity is used for every sequence. All work is done in the box
around a piece, so that a small tumour in a large patch stays cheap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.prepared_case import Triple

SIGMA = 1.5
"""Voxels, standard deviation of the Gaussian that softens an edge."""

MAX_UNUSABLE = 0.2
"""A tumour is healed only if at most this share of its mirrored place is tumour too, or not brain."""

_TRUNCATE = 3.0  # standard deviations after which the Gaussian ends


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftMask:
    """Where a piece lies in an array and how opaque it is.

    Attributes:
        low: first voxel of the box in the array.
        alpha_XYZ: float32 in the box, 1 in the piece, falling to 0 outside of it.
    """

    low: Triple
    alpha_XYZ: NDArray[np.float32]

    @property
    def size(self) -> Triple:
        """Voxels of the box."""
        x, y, z = self.alpha_XYZ.shape
        return x, y, z

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The box as an index into the array."""
        return _box(self.low, self.size)


def reach(grow: float, sigma: float = SIGMA) -> int:
    """Voxels beyond the mask at which a soft mask can still be above 0."""
    return int(np.ceil(grow)) + int(_TRUNCATE * sigma + 0.5)


def soft_mask(mask_XYZ: NDArray[np.bool_], grow: float = 0.0, sigma: float = SIGMA) -> SoftMask:
    """Dilate a mask and soften its edge outwards.

    The Gaussian of the dilated mask is doubled and cut at 1: a straight edge is fully opaque up to the edge and fades
    beyond it, so the labelled voxels of a piece carry the piece's own intensities and nothing else.

    Args:
        mask_XYZ: not empty.
        grow: voxels (Euclidean) by which the mask is dilated first.
        sigma: voxels, of the Gaussian.
    """
    margin = reach(grow, sigma)
    low, high = [], []
    for axis in range(3):
        places = np.flatnonzero(mask_XYZ.any(axis=tuple({0, 1, 2} - {axis})))
        low.append(max(int(places[0]) - margin, 0))
        high.append(min(int(places[-1]) + 1 + margin, mask_XYZ.shape[axis]))
    mask = mask_XYZ[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    grown = ndimage.distance_transform_edt(~mask) <= grow if grow > 0 else mask
    smooth = ndimage.gaussian_filter(grown.astype(np.float32), sigma, mode="nearest", truncate=_TRUNCATE)
    alpha_XYZ = np.where(mask, np.float32(1), np.minimum(2 * smooth, 1)).astype(np.float32)
    return SoftMask(low=(low[0], low[1], low[2]), alpha_XYZ=alpha_XYZ)


def cut_mask(mask: SoftMask, margin: int, size: Triple) -> SoftMask | None:
    """A soft mask made in an array with a margin on all sides, as a mask of the array without it.

    Args:
        mask: made in an array of size + 2 * margin.
        margin: voxels.
        size: voxels of the array without margins.

    Returns:
        None where nothing is left of it.
    """
    low = [max(begin - margin, 0) for begin in mask.low]
    high = [min(begin + n - margin, k) for begin, n, k in zip(mask.low, mask.size, size, strict=True)]
    if any(b >= e for b, e in zip(low, high, strict=True)):
        return None
    x, y, z = (slice(b + margin - m, e + margin - m) for b, e, m in zip(low, high, mask.low, strict=True))
    return SoftMask(low=(low[0], low[1], low[2]), alpha_XYZ=mask.alpha_XYZ[x, y, z])


def lay_over(image_CXYZ: NDArray[np.float32], mask: SoftMask, piece_CXYZ: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blend a piece into an image, in place; where either is not brain (0 in all sequences) nothing changes.

    Args:
        image_CXYZ: changed inside mask.box.
        mask: opacity.
        piece_CXYZ: in the box.

    Returns:
        What was added, (C, X, Y, Z) in the box.
    """
    below_CXYZ = image_CXYZ[(slice(None), *mask.box)]
    tissue_XYZ = (below_CXYZ != 0).any(axis=0) & (piece_CXYZ != 0).any(axis=0)
    change_CXYZ: NDArray[np.float32] = (mask.alpha_XYZ * tissue_XYZ) * (piece_CXYZ - below_CXYZ)
    below_CXYZ += change_CXYZ
    return change_CXYZ


def healthy_piece(
    mask: SoftMask,
    below_CXYZ: NDArray[np.float32],
    mirrored_CXYZ: NDArray[np.float32],
    mirrored_tumour_XYZ: NDArray[np.bool_],
) -> NDArray[np.float32] | None:
    """Tissue of the other hemisphere to lay over a tumour.

    Args:
        mask: of the tumour.
        below_CXYZ: the image in mask.box.
        mirrored_CXYZ: the other hemisphere in the same box, mirrored along X; 0 where it is not brain.
        mirrored_tumour_XYZ: the tumour there.

    Returns:
        (C, X, Y, Z) for `lay_over`, or None where more than MAX_UNUSABLE of it is tumour or not brain. The few voxels
        that are hold the mean of the others.
    """
    usable_XYZ = (mirrored_CXYZ != 0).any(axis=0) & ~mirrored_tumour_XYZ
    needed_XYZ = (mask.alpha_XYZ > 0.5) & (below_CXYZ != 0).any(axis=0)
    if needed_XYZ.any() and usable_XYZ[needed_XYZ].mean() < 1 - MAX_UNUSABLE:
        return None
    tissue_XYZ = usable_XYZ & (mask.alpha_XYZ > 0)
    mean_C = mirrored_CXYZ.sum(axis=(1, 2, 3), where=tissue_XYZ) / max(int(tissue_XYZ.sum()), 1)
    return np.where(usable_XYZ, mirrored_CXYZ, mean_C[:, None, None, None]).astype(np.float32)


def _box(low: Triple, size: Triple) -> tuple[slice, slice, slice]:
    x, y, z = (slice(begin, begin + length) for begin, length in zip(low, size, strict=True))
    return x, y, z
