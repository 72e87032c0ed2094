"""What may be taken out of a segmentation afterwards: components that are likely no tumour. Nothing is ever added.

Components touch by a face, an edge or a corner (26 neighbours), whatever their labels. Works on the brain crop, before
labels go to the scanner's grid.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.metrics.overlap import foreground_box
from gmmas_core.types import BACKGROUND

SPARSE = 0.1
"""A tumour that fills less of its bounding box than this is scattered."""
KEPT_SHARE = 0.5
"""Of a scattered tumour's voxels, the largest components that reach this share stay."""
SECOND_LESION = 0.1
"""Of the largest component's volume: smaller ones are no second lesion."""
SMALLEST_ML = 0.1
"""Nothing smaller is called a lesion."""

PostProcess = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]
Keep = Callable[[NDArray[np.int64], float], NDArray[np.bool_]]


def unchanged(labels_XYZ: NDArray[np.uint8], _voxel_ml: float) -> NDArray[np.uint8]:
    """The segmentation as it is."""
    return labels_XYZ


def drop_from_scattered(labels_XYZ: NDArray[np.uint8], voxel_ml: float) -> NDArray[np.uint8]:
    """Of a whole tumour that fills less than a tenth of its bounding box, the largest components up to half of it.

    The published code measures the density after resampling the box to 128^3, which leaves it as it is.

    Source: GMMAS, post-processing of the whole tumour.
    """
    box = foreground_box(labels_XYZ != BACKGROUND)
    if box is None or (labels_XYZ[box] != BACKGROUND).mean() >= SPARSE:
        return labels_XYZ
    return _keep_components(labels_XYZ, voxel_ml, _half_of_the_tumour)


def keep_lesions(labels_XYZ: NDArray[np.uint8], voxel_ml: float) -> NDArray[np.uint8]:
    """Every component of at least a tenth of the largest and 0.1 mL: several lesions stay, specks go.

    A tumour of nothing but specks is no tumour.
    """
    return _keep_components(labels_XYZ, voxel_ml, _lesions)


POSTPROCESS: Mapping[str, PostProcess] = {
    "none": unchanged,
    "paper": drop_from_scattered,
    "multifocal": keep_lesions,
}
"""Name in evaluation.postprocess -> (uint8 canonical labels, mL of a voxel) to labels; the input is not written to."""


def _keep_components(labels_XYZ: NDArray[np.uint8], voxel_ml: float, keep: Keep) -> NDArray[np.uint8]:
    component_XYZ, count = ndimage.label(labels_XYZ != BACKGROUND, structure=np.ones((3, 3, 3)))
    if not count:
        return labels_XYZ
    voxels_N = np.bincount(component_XYZ.reshape(-1), minlength=count + 1)[1:].astype(np.int64)
    kept = np.concatenate([[False], keep(voxels_N, voxel_ml)])
    return np.where(kept[component_XYZ], labels_XYZ, BACKGROUND).astype(np.uint8)


def _half_of_the_tumour(voxels_N: NDArray[np.int64], _voxel_ml: float) -> NDArray[np.bool_]:
    largest_first = np.argsort(-voxels_N, kind="stable")
    before = np.cumsum(voxels_N[largest_first]) - voxels_N[largest_first]
    kept = np.zeros(len(voxels_N), dtype=bool)
    kept[largest_first[before < KEPT_SHARE * voxels_N.sum()]] = True
    return kept


def _lesions(voxels_N: NDArray[np.int64], voxel_ml: float) -> NDArray[np.bool_]:
    return np.asarray(voxels_N * voxel_ml >= max(SECOND_LESION * voxels_N.max() * voxel_ml, SMALLEST_ML))
