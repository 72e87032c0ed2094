"""Was contrast agent given? Asked of one T1 with or without skull, before anything is registered.

After contrast, vessels and choroid plexus outshine white matter, whether or not a tumour enhances. In a ball of 45 mm
around the middle of the brain at 2 mm, freed of slow shading, the brightest two in a thousand are compared with white
matter (the 90th percentile). Ten patients seen (eight of BraTS, one of TCGA, one of them raw too, a metastasis): before
contrast 1.07 to 1.14, after it 1.32 to 2.62 (`pytest -s tests/core/onboarding/test_recognition.py`). The thresholds
were set on these few; strong shading, bright blood, fat in the ball or inflow may look like contrast, and 2-D slices
of 8 mm may hide it. So a name that says so outright is never overruled by it, only doubted.
"""

import numpy as np
from scipy import ndimage

from gmmas_core.data.geometry import to_ras_grid
from gmmas_core.data.grid import Volume
from gmmas_core.onboarding.strip.tissue import STEP_MM, middle_of_brain
from gmmas_core.types import DataError

ENHANCED = 1.28
PLAIN = 1.2
"""Brighter than the one, contrast was given; darker than the other, not; between them nobody can tell."""

_GROW = 5  # voxels, from the ball of 35 mm that strip/tissue.py takes for brain in every adult
_SHADING_MM = 20.0


def brightest_spots(volume: Volume) -> float | None:
    """The brightest spots deep in the brain, in units of white matter.

    Args:
        volume: a T1 on any grid.

    Returns:
        At least 1, or None where no head is found.
    """
    coarse = to_ras_grid(Volume(volume.data.astype(np.float32), volume.affine_44), STEP_MM, order=1)
    try:
        core = middle_of_brain({"t1": coarse.data})
    except DataError:
        return None
    ball = ndimage.binary_dilation(core, iterations=_GROW) & (coarse.data > 0)
    if not ball.any():
        return None
    white = float(np.percentile(coarse.data[ball], 90))
    # Spots are cut off before the shading is measured, or they would take part of themselves away.
    smooth = ndimage.gaussian_filter(np.where(ball, np.minimum(coarse.data, white), 0.0), _SHADING_MM / STEP_MM)
    share = ndimage.gaussian_filter(ball.astype(np.float32), _SHADING_MM / STEP_MM)
    values = coarse.data[ball] / np.maximum(smooth[ball] / share[ball], 1e-6)
    low, high = np.percentile(values, (90, 99.8))
    return round(float(high / low), 3) if low > 0 else None


def looks(spots: float | None) -> str | None:
    """ "t1c", "t1", or None where nobody can tell."""
    if spots is None or PLAIN < spots < ENHANCED:
        return None
    return "t1c" if spots >= ENHANCED else "t1"
