"""Dice and HD95 per lesion, by the rules of BraTS 2023, so that a missed satellite costs what it should.

Reference lesions that touch after growing by 3 voxels (at 1 mm) count as one. A predicted component belongs to every
grown lesion that it touches; each lesion is compared with all components that belong to it. A lesion that nothing
touches scores Dice 0 and HD95 374 mm, and so does every predicted component that touches no lesion. Reference lesions
of at most 0.05 mL (50 voxels at 1 mm) are not scored, and components that touch only them are no false positives.
When nothing is left to score the case has Dice 1 and HD95 0.

One difference: the challenge weighs surface elements by their area, here every surface voxel counts once, as in
`overlap`.
Source: BraTS 2023 challenge rules; behaviour of the organisers' rachitsaluja/BraTS-2023-Metrics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.metrics.overlap import dice, foreground_box, surface_hd95

HD95_MISS_MM = 374.0
"""HD95 of a missed lesion and of a false positive."""

_TOUCHING = np.ones((3, 3, 3), dtype=bool)  # 26 neighbours
_GROWTH = ndimage.generate_binary_structure(3, 2)  # 18 neighbours


@dataclass(frozen=True, kw_only=True)
class LesionRules:
    """What counts as one lesion.

    Attributes:
        dilation_mm: how far reference lesions grow before they are joined and matched; whole voxels, at least one.
        min_volume_ml: reference lesions up to and including this volume are not scored.
    """

    dilation_mm: float = 3.0
    min_volume_ml: float = 0.05

    def iterations(self, spacing_mm: Sequence[float]) -> int:
        """Voxel steps of growth on a grid: 3 at 1 mm, by the edge of a cube of one voxel's volume on others."""
        return max(1, round(self.dilation_mm / math.cbrt(math.prod(spacing_mm))))


BRATS_2023_GLIOMA = LesionRules()


@dataclass(frozen=True, kw_only=True)
class LesionScore:
    """One region of one case, lesion by lesion.

    Attributes:
        dice, hd95_mm: means over scored lesions and false positives.
        num_lesions: scored reference lesions.
        num_missed: of these, touched by no predicted component.
        num_false_positives: predicted components that touch no reference lesion of any size.
    """

    dice: float
    hd95_mm: float
    num_lesions: int
    num_missed: int
    num_false_positives: int


def lesion_wise(
    pred_XYZ: NDArray[np.bool_],
    ref_XYZ: NDArray[np.bool_],
    spacing_mm: Sequence[float],
    rules: LesionRules = BRATS_2023_GLIOMA,
) -> LesionScore:
    """Score every lesion of one region.

    Args:
        pred_XYZ: predicted region.
        ref_XYZ: reference region, same grid. A crop is allowed if it leaves room for the growth.
        spacing_mm: voxel edge per axis.
        rules: what counts as one lesion.
    """
    lesion_XYZ, num_grown = _components(_grow(ref_XYZ, rules.iterations(spacing_mm)))
    piece_XYZ, num_pieces = _components(pred_XYZ)
    both = (lesion_XYZ > 0) & (piece_XYZ > 0)
    touching = np.zeros((num_grown + 1, num_pieces + 1), dtype=bool)
    touching[lesion_XYZ[both], piece_XYZ[both]] = True
    volume_ml = np.bincount(lesion_XYZ[ref_XYZ], minlength=num_grown + 1) * math.prod(spacing_mm) / 1000
    dices: list[float] = []
    distances: list[float] = []
    missed = 0
    for lesion in np.flatnonzero(volume_ml > rules.min_volume_ml):
        if touching[lesion].any():
            found, wanted = touching[lesion][piece_XYZ], ref_XYZ & (lesion_XYZ == lesion)
            dices.append(dice(found, wanted))
            distances.append(surface_hd95(found, wanted, spacing_mm))
        else:
            missed += 1
    false_positives = num_pieces - int(touching.any(axis=0).sum())
    scored = len(dices) + missed + false_positives
    penalty = HD95_MISS_MM * (missed + false_positives)
    return LesionScore(
        dice=sum(dices) / scored if scored else 1.0,
        hd95_mm=(sum(distances) + penalty) / scored if scored else 0.0,
        num_lesions=len(dices) + missed,
        num_missed=missed,
        num_false_positives=false_positives,
    )


def _grow(mask_XYZ: NDArray[np.bool_], iterations: int) -> NDArray[np.bool_]:
    """The mask and its neighbourhood, worked out in the box it can reach."""
    grown = np.zeros_like(mask_XYZ)
    box = foreground_box(mask_XYZ, [iterations] * 3)
    if box is not None:
        grown[box] = ndimage.binary_dilation(mask_XYZ[box], structure=_GROWTH, iterations=iterations)
    return grown


def _components(mask_XYZ: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    labels = np.zeros(mask_XYZ.shape, dtype=np.int32)
    return labels, int(ndimage.label(mask_XYZ, structure=_TOUCHING, output=labels))
