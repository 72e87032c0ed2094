"""Separate pieces of a region: how many, how large, how far from the largest.

Pieces touch by a face, an edge or a corner (26 neighbours). Pieces below `SMALLEST_ML` are counted as specks, not as
lesions: on a 1 mm grid that is a hundred voxels, and segmentation networks sprinkle smaller ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of
from gmmas_core.measures.volumes import voxel_ml

SMALLEST_ML = 0.1
"""As in inference/postprocess.py, which this package does not import because it loads torch."""

TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """One piece.

    Attributes:
        volume_ml: of its voxels.
        centre_mm: centre of mass in the scanner's space, RAS+.
        distance_mm: from the largest piece, between the nearest voxel centres; 0 for the largest itself.
    """

    volume_ml: float
    centre_mm: tuple[float, float, float]
    distance_mm: float


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """All pieces of a region, the largest first.

    Attributes:
        lesions: of at least SMALLEST_ML.
        specks: number of smaller pieces.
        specks_ml: their volume together.
    """

    lesions: tuple[Lesion, ...]
    specks: int
    specks_ml: float


def label_pieces(mask_XYZ: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Pieces numbered from 1 by size, and the voxels of each, from the largest."""
    labels = np.zeros(mask_XYZ.shape, dtype=np.int32)
    count = int(ndimage.label(mask_XYZ, structure=TOUCHING, output=labels))
    voxels = np.bincount(labels.reshape(-1), minlength=count + 1)[1:].astype(np.int64)
    order = np.argsort(-voxels, kind="stable")
    number = np.zeros(count + 1, dtype=np.int32)
    number[order + 1] = np.arange(1, count + 1)
    return number[labels], voxels[order]


def find_pieces(region: Volume) -> Pieces:
    """The separate pieces of a region.

    Args:
        region: bool voxels, any grid; an empty one has no pieces.
    """
    if not region.data.any():
        return Pieces(lesions=(), specks=0, specks_ml=0.0)
    box = box_of(region.data, 0)
    start = np.array([side.start for side in box], dtype=np.float64)
    pieces_XYZ, voxels_N = label_pieces(region.data[box])
    ml_N = voxels_N * voxel_ml(region.affine_44)
    lesions = int((ml_N >= SMALLEST_ML).sum())
    numbers = np.arange(1, lesions + 1)
    # The largest piece is the place to measure from even where it is itself a speck.
    steps_XYZ = ndimage.distance_transform_edt(pieces_XYZ != 1, sampling=region.grid.spacing_mm)
    nearest_N = ndimage.minimum(steps_XYZ, pieces_XYZ, numbers) if lesions else []
    centres = ndimage.center_of_mass(pieces_XYZ > 0, pieces_XYZ, numbers) if lesions else []
    found = tuple(
        Lesion(volume_ml=float(ml), centre_mm=_world(np.asarray(centre) + start, region), distance_mm=float(nearest))
        for ml, centre, nearest in zip(ml_N, centres, nearest_N, strict=False)
    )
    return Pieces(lesions=found, specks=len(ml_N) - lesions, specks_ml=float(ml_N[lesions:].sum()))


def _world(index_3: NDArray[np.float64], region: Volume) -> tuple[float, float, float]:
    x, y, z = (float(mm) for mm in (region.affine_44 @ [*index_3, 1.0])[:3])
    return x, y, z
