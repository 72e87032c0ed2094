"""T2-FLAIR mismatch as numbers, not as a sign that is present or absent.

Inside the tumour without its enhancing part, T2 minus FLAIR, each in robust standard deviations of the healthy brain
(median and 1.4826 MAD of the brain outside the tumour). Stated are the share of the volume in which T2 is the brighter
of the two, the median difference, and how much brighter the outer 3 mm (at least a voxel) are than the rest on FLAIR.
That last one is the bright rim of the sign where the outline is tight; an outline that takes in some healthy brain
hides it.

Source: subtraction of FLAIR from T2 and the share of positive voxels, AJNR 2024;45:188 (non-enhancing gliomas: a share
of 0.42 and more was 100 % specific for IDH-mutant astrocytoma, with 20 to 32 % sensitivity). Its normalisation is not
the one used here, so its thresholds do not carry over and none is applied. The sign itself: a bright T2 core that FLAIR
suppresses but for its rim (Patel 2017, Clin Cancer Res 23:6078).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of
from gmmas_core.measures.values import Missing
from gmmas_core.measures.volumes import voxel_ml
from gmmas_core.types import BACKGROUND, ENHANCING

SMALLEST_ML = 1.0
"""Of the volume that is looked at; in less, the border's mixed voxels decide."""

RIM_MM = 3.0

_AROUND_MM = 5.0  # beside a tumour the brain is not healthy


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """T2 against FLAIR; brightness in robust standard deviations of the healthy brain.

    Attributes:
        share: of the volume in which T2 exceeds FLAIR, 0 to 1.
        difference: median of T2 minus FLAIR.
        rim: median FLAIR of the outer RIM_MM minus that of the rest; None where there is no rest.
        volume_ml: looked at.
    """

    share: float
    difference: float
    rim: float | None
    volume_ml: float


def measure_mismatch(images: Mapping[str, Volume], seg: Volume, missing: str | None) -> Mismatch | Missing:
    """The mismatch of one tumour.

    Args:
        images: on the segmentation's grid, 0 outside the brain.
        seg: canonical labels.
        missing: why it is not assessable although both images are here, or None.
    """
    absent = [name for name in ("t2", "flair") if name not in images]
    if missing is not None or absent:
        return Missing(missing or f"no {' and no '.join(absent)} on the segmentation's grid")
    tumour = seg.data != BACKGROUND
    looked_at = tumour & (seg.data != ENHANCING)
    volume_ml = float(np.count_nonzero(looked_at) * voxel_ml(seg.affine_44))
    if volume_ml < SMALLEST_ML:
        return Missing(f"less than {SMALLEST_ML:g} mL of tumour that does not enhance")
    healthy = _healthy(images, tumour, seg.grid.spacing_mm)
    if np.count_nonzero(healthy) < 1000:
        return Missing("too little brain outside the tumour to compare with")
    t2, flair = (_standardised(images[name].data, looked_at, healthy) for name in ("t2", "flair"))
    depth_N = _depth_mm(looked_at, seg.grid.spacing_mm)
    rim_N = depth_N <= max(RIM_MM, *seg.grid.spacing_mm)
    return Mismatch(
        share=float((t2 > flair).mean()),
        difference=float(np.median(t2 - flair)),
        rim=None if rim_N.all() else float(np.median(flair[rim_N]) - np.median(flair[~rim_N])),
        volume_ml=volume_ml,
    )


def _healthy(
    images: Mapping[str, Volume], tumour_XYZ: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    healthy: NDArray[np.bool_] = (images["t2"].data != 0) & (images["flair"].data != 0)
    box = box_of(tumour_XYZ, int(np.ceil(_AROUND_MM / min(spacing_mm))))
    healthy[box] &= ndimage.distance_transform_edt(~tumour_XYZ[box], sampling=spacing_mm) > _AROUND_MM
    return healthy


def _standardised(
    image_XYZ: NDArray[Any], wanted: NDArray[np.bool_], healthy: NDArray[np.bool_]
) -> NDArray[np.float64]:
    normal = image_XYZ[healthy].astype(np.float64)
    middle = np.median(normal)
    spread = 1.4826 * np.median(np.abs(normal - middle))
    return np.asarray((image_XYZ[wanted] - middle) / max(spread, 1e-9), dtype=np.float64)


def _depth_mm(mask_XYZ: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance of every voxel of a mask from its outside, in the order of the mask's voxels."""
    box = box_of(mask_XYZ, 0)
    padded = np.pad(mask_XYZ[box], 1)
    return np.asarray(ndimage.distance_transform_edt(padded, sampling=spacing_mm)[padded])
