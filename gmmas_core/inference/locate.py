"""Where the tumour is: the segmentation as it is stated, and the crop that the image-level answers are read from.

Every reader of a case asks here, so that a stochastic reading and a plain one look at the same crop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.config import Config
from gmmas_core.inference.postprocess import POSTPROCESS
from gmmas_core.inference.reading import Reading, Triple
from gmmas_core.inference.segment import segment
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import BACKGROUND

Centre = tuple[Fraction, Fraction, Fraction]


@dataclass(frozen=True, kw_only=True, eq=False)
class Located:
    """One deterministic segmentation.

    Attributes:
        probability_KXYZ: float32 on the brain crop, as the network gave it.
        labels_XYZ: uint8, most probable class, after post-processing.
        has_tumour: whether anything but background is left in the labels.
        start: first voxel of the crop on the tumour, or in the middle of the brain where there is none.
    """

    probability_KXYZ: Tensor
    labels_XYZ: Tensor
    has_tumour: bool
    start: Triple


def locate(model: GMMAS, reading: Reading, config: Config, *, spacing_mm: float) -> Located:
    """Segment a brain and find the crop."""
    return locate_in(segment(model, reading, config.model, config.evaluation), config, spacing_mm=spacing_mm)


def locate_in(probability_KXYZ: Tensor, config: Config, *, spacing_mm: float) -> Located:
    """Find the crop in a segmentation; post-processing is `config.evaluation.postprocess`."""
    shape = probability_KXYZ.shape[1:]
    labels_XYZ = torch.from_numpy(labels_in(probability_KXYZ, config, spacing_mm=spacing_mm))
    labels_XYZ = labels_XYZ.to(probability_KXYZ.device)
    centre = tumour_centre(labels_XYZ)
    middle = tuple(Fraction(n - 1, 2) for n in shape)
    return Located(
        probability_KXYZ=probability_KXYZ,
        labels_XYZ=labels_XYZ,
        has_tumour=centre is not None,
        start=crop_around(centre or middle, shape, config.model.crop_size),
    )


def labels_in(probability_KXYZ: Tensor, config: Config, *, spacing_mm: float) -> NDArray[np.uint8]:
    """Most probable label of every voxel after `config.evaluation.postprocess`."""
    raw_XYZ = probability_KXYZ.argmax(0).to(device="cpu", dtype=torch.uint8).numpy()
    return POSTPROCESS[config.evaluation.postprocess](raw_XYZ, spacing_mm**3 / 1000)


def tumour_centre(labels_XYZ: Tensor) -> Centre | None:
    """Centre of mass of everything but background, in voxels, exact; None when there is none."""
    tumour = labels_XYZ != BACKGROUND
    mass = int(tumour.sum())
    if mass == 0:
        return None
    centre = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        profile = tumour.sum(dim=others)
        places = torch.arange(len(profile), device=profile.device)
        centre.append(Fraction(int((profile * places).sum()), mass))
    return centre[0], centre[1], centre[2]


def crop_around(centre: Sequence[Fraction | int], shape: Sequence[int], edge: int) -> Triple:
    """First voxel of the crop nearest to this centre, moved inside the brain crop; a smaller brain is centred in it.

    A mirror image of the brain gets the mirror image of the crop, which is why fractions are exact and ties go to the
    middle of the brain. One voxel of difference remains where nothing else is possible: a crop in the very middle of
    a brain whose voxels are even along an axis and the crop's odd, or the reverse.
    """
    starts = []
    for middle, extent in zip(centre, shape, strict=True):
        # A voxel's centre lies half a voxel behind its first edge.
        wanted = middle + Fraction(1 - edge, 2)
        is_early = wanted <= Fraction(extent - edge, 2)
        start = math.floor(wanted + Fraction(1, 2)) if is_early else math.ceil(wanted - Fraction(1, 2))
        starts.append(-((edge - extent) // 2) if extent < edge else min(max(start, 0), extent - edge))
    return starts[0], starts[1], starts[2]
