"""From the grid inside back to the scanner's own grid.

Where the two grids hold the same voxels (only axes swapped, mirrored or cut), labels are moved and nothing is
interpolated. Otherwise class probabilities are interpolated linearly and the most probable class is taken: nearest
neighbour on labels would put steps of half an inside voxel on every border.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.data.preprocess import Prepared, to_native
from gmmas_core.types import BACKGROUND, NUM_SEG_CLASSES

WHOLE_VOXEL = 1e-3
"""Voxels: grids that differ by less hold the same voxels; headers store float32."""


def labels_on_native(probability_KXYZ: Tensor, labels_XYZ: Tensor, prepared: Prepared) -> NDArray[np.uint8]:
    """Most probable label per native voxel; outside the brain crop it is background.

    A voxel that post-processing took out of the tumour has no probability of tumour left; its neighbours, most likely
    background already, keep theirs, so that none of them becomes tumour by interpolation.

    Args:
        probability_KXYZ: on the brain crop, any device.
        labels_XYZ: its arg max, where post-processing may have put background.
        prepared: knows both grids.

    Returns:
        uint8 canonical labels in the native file's axis order.
    """
    if same_voxels(prepared):
        moved = to_native(labels_XYZ.to(device="cpu", dtype=torch.uint8).numpy(), prepared, order=0)
        return np.ascontiguousarray(moved, dtype=np.uint8)
    removed_XYZ = (labels_XYZ == BACKGROUND) & (probability_KXYZ.argmax(0) != BACKGROUND)
    probability = probability_KXYZ.masked_fill(removed_XYZ, 0.0).cpu().numpy()
    classes = range(BACKGROUND + 1, NUM_SEG_CLASSES)
    tumour = {k: np.asarray(to_native(probability[k], prepared, order=1), dtype=np.float32) for k in classes}
    # Background also fills what the brain crop does not cover.
    best = 1.0 - np.sum(list(tumour.values()), axis=0, dtype=np.float32)
    labels = np.zeros(best.shape, dtype=np.uint8)
    for k in classes:
        better = tumour[k] > best
        labels[better] = k
        best = np.where(better, tumour[k], best)
    return labels


def values_on_native(value_XYZ: Tensor, prepared: Prepared) -> NDArray[np.float32]:
    """A voxel map of the brain crop on the native file's grid and axes; interpolated linearly unless voxels agree.

    Returns:
        float32; 0 outside the brain crop.
    """
    order = 0 if same_voxels(prepared) else 1
    moved = to_native(value_XYZ.float().cpu().numpy(), prepared, order)
    return np.ascontiguousarray(moved, dtype=np.float32)


def same_voxels(prepared: Prepared) -> bool:
    """Whether every native voxel centre is a voxel centre of the grid inside, and the sizes agree."""
    change = np.linalg.inv(prepared.inside.affine_44) @ prepared.native.affine_44
    turn, shift = change[:3, :3], change[:3, 3]
    extent = max(*prepared.native.shape, *prepared.inside.shape)
    is_permutation = np.array_equal(np.abs(np.rint(turn)).sum(0), np.ones(3)) and np.array_equal(
        np.abs(np.rint(turn)).sum(1), np.ones(3)
    )
    # An error in the direction grows along the image; an error in the place does not.
    off = np.abs(turn - np.rint(turn)).max() * extent + np.abs(shift - np.rint(shift)).max()
    return bool(is_permutation and off < WHOLE_VOXEL)


def volume_ml(voxels: int, affine_44: NDArray[np.float64]) -> float:
    """Millilitres of so many native voxels."""
    return float(voxels * abs(np.linalg.det(affine_44[:3, :3])) / 1000.0)
