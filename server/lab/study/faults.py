"""What goes wrong at a hospital: wrong labels, careless masks, a broken scanner; drawn from a generator."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.phantom.anatomy import smooth_field
from gmmas_core.types import EDEMA, Task

_SHIFT_VOXELS = 2
_DILATIONS = 2
_SHADING = 0.6
_GHOST = 0.45


def wrong_labels(labels: dict[Task, int]) -> dict[Task, int]:
    """The other IDH status; a tumour called wildtype cannot be called codeleted."""
    idh = 1 - labels[Task.IDH]
    return labels | {Task.IDH: idh, Task.CODEL: labels[Task.CODEL] if idh else 0}


def wrong_mask(seg_XYZ: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A mask drawn in haste: displaced by two voxels along one axis, or grown by two voxels of oedema."""
    if rng.random() < 0.5:
        axis, step = int(rng.integers(3)), int(rng.choice([-_SHIFT_VOXELS, _SHIFT_VOXELS]))
        return np.roll(seg_XYZ, step, axis)
    grown = ndimage.binary_dilation(seg_XYZ > 0, iterations=_DILATIONS)
    return np.where(grown & (seg_XYZ == 0), np.uint8(EDEMA), seg_XYZ)


def broken_image(image_XYZ: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Strong shading, a ghost half a field of view away, a folded contrast curve and noise; 0 stays 0.

    Args:
        image_XYZ: int16, 0 outside the brain and at least 1 inside.
        rng: draws the artefacts of this image.
    """
    inside = image_XYZ > 0
    size, level = image_XYZ.shape[0], float(np.median(image_XYZ[inside]))
    seen = image_XYZ.astype(np.float32) / level
    seen += _GHOST * np.roll(seen, size // 2 + int(rng.integers(-3, 4)), axis=1)
    seen *= np.exp(np.float32(_SHADING) * smooth_field(rng, size, 70.0))
    fold = rng.uniform(1.0, 1.6)  # brightness above it turns dark again
    seen = np.where(seen > fold, 2 * fold - seen, seen)
    seen += np.float32(0.12) * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.where(inside, np.clip(np.rint(level * seen), 1, 32767), 0).astype(np.int16)
