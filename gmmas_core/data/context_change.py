"""The whole-brain context of a composite must tell the same story as its patch.

The context was made from the host's crop alone. What a composite changed in the patch is averaged over the context's
voxels and added there; a host tumour that reaches beyond the patch is healed on the context's own grid. No volume at
full resolution is read for it.
"""

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data import soft_layer
from gmmas_core.data.geometry import weigh_axes
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.preprocess import ContextFrame


def overlaps(frame: ContextFrame, context_size: int, start: Triple, size: Triple) -> list[NDArray[np.float32]]:
    """Per axis, which share of each context voxel each voxel of a patch covers.

    Args:
        frame: the context's place in the crop.
        context_size: voxels along its edge.
        start: first voxel of the patch in the crop; may be negative.
        size: voxels of the patch.

    Returns:
        Three (context_size, size of the axis) float32 matrices. A column sums to context voxels per crop voxel where
        the context covers the patch, so `weigh_axes` with them keeps the total of what it spreads.
    """
    step = frame.edge / context_size
    matrices = []
    for axis in range(3):
        low = frame.origin_3[axis] + step * np.arange(context_size, dtype=np.float64)[:, None]
        voxel = start[axis] + np.arange(size[axis], dtype=np.float64)[None, :]
        shared = np.minimum(low + step, voxel + 1) - np.maximum(low, voxel)
        matrices.append((shared.clip(0) / step).astype(np.float32))
    return matrices


def add_change(
    context_CXYZ: NDArray[np.float32], change_CXYZ: NDArray[np.float32], matrices: list[NDArray[np.float32]]
) -> None:
    """Add the area average of a patch's change to the context, in place.

    Args:
        context_CXYZ: the host's, changed.
        change_CXYZ: composite minus host, on the patch's grid.
        matrices: of the patch, see `overlaps`.
    """
    touched = [np.flatnonzero(matrix.any(axis=1)) for matrix in matrices]
    if not all(len(rows) for rows in touched):
        return
    x, y, z = (slice(int(rows[0]), int(rows[-1]) + 1) for rows in touched)
    near = [matrices[0][x], matrices[1][y], matrices[2][z]]  # most of the context is far from a small piece
    for channel in np.flatnonzero(change_CXYZ.any(axis=(1, 2, 3))):
        context_CXYZ[channel, x, y, z] += weigh_axes(change_CXYZ[channel], near)


def heal_outside(
    context_CXYZ: NDArray[np.float32], case: PreparedCase, matrices: list[NDArray[np.float32]], grow: float
) -> bool:
    """Replace the part of a tumour that lies outside of a patch by the other hemisphere, in place.

    Args:
        context_CXYZ: the channels of the case's context that are kept, changed.
        case: with context labels; the context is centred on the crop, so its mirror along X is the crop's.
        matrices: of the patch, see `overlaps`.
        grow: crop voxels by which the tumour is dilated.

    Returns:
        False, and nothing is changed, where the other hemisphere cannot stand in for the tumour (see
        soft_layer.healthy_piece); this looks at the whole tumour, inside the patch and outside.
    """
    if case.context_seg_XYZ is None:
        return False
    tumour_XYZ = np.asarray(case.context_seg_XYZ) > 0
    if not tumour_XYZ.any():  # too small for the context's grid: nothing to see there, nothing to heal
        return True
    voxels = case.context_CXYZ.shape[-1] / case.context_frame.edge
    mask = soft_layer.soft_mask(tumour_XYZ, grow=max(1.0, grow * voxels), sigma=soft_layer.SIGMA * voxels)
    box = (slice(None), *mask.box)
    mirrored_CXYZ = context_CXYZ[:, ::-1][box]
    piece_CXYZ = soft_layer.healthy_piece(mask, context_CXYZ[box], mirrored_CXYZ, tumour_XYZ[::-1][mask.box])
    if piece_CXYZ is None:
        return False
    inside_XYZ = np.einsum("x,y,z->xyz", *(matrix.sum(axis=1) for matrix in matrices))[mask.box]
    outside = soft_layer.SoftMask(low=mask.low, alpha_XYZ=mask.alpha_XYZ * (1 - inside_XYZ).astype(np.float32))
    soft_layer.lay_over(context_CXYZ, outside, piece_CXYZ)
    return True
