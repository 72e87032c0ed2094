"""A brain mask without any trained weights: what is neither bone nor fat, where it hangs together through thick necks.

Bone and air are dark in every sequence, and fluid only in some: where one of T2 and FLAIR shows signal there is no
bone. Fat is bright before contrast. What is left is the brain with its fluid, tied to eyes, muscles and scalp by narrow
bridges; eroding cuts them, the piece around the centre is kept and grown back. Three erosions of different depth vote,
so that no single radius decides; how far they agree is told, and a low agreement means that the mask is not to be
trusted.

Why not a deformable surface: on the one raw glioma case at hand (TCGA-FG-6692, 5.5 mm slices) the maintained BET was
seen to leave the brain at the base and the sides. This mask agrees with the published one by Dice 0.95 and is 100 mL
larger, mostly at the vertex (tests/client/raw/test_real.py), but its constants were set on that very case. One case
proves little: look at every mask.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.geometry import resample
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.types import DataError

STEP_MM = 2.0
"""The mask is made at this spacing; a brain's surface is smooth."""

RADII_MM = (4.5, 6.5, 8.5)
"""Depths of erosion that vote; a bridge thinner than twice the depth is cut."""

_CORE_MM = 35.0  # a ball of this radius around the brain's centre is brain and fluid in every adult
_BELOW_TOP_MM = 75.0  # of the head's top lies the brain's centre
_CLOSE_MM = 8.0  # sulci and the rim of a tumour at the surface are closed over
_MARGIN = 10  # voxels of emptiness around, so that closing does not stick to the border
_BONE = 0.5  # of the brain's median, in T2; T1 and FLAIR a little lower, because fluid is dark there anyway
_FAT = 1.6
_FAT_T1 = 1.4
_FLUID = 1.1  # of the brain's median in T2: brighter is fluid, however dark the others are

Array = NDArray[np.bool_]


def tissue_mask(images: Mapping[str, Volume]) -> tuple[Array, float]:
    """Mask the brain.

    Args:
        images: sequence -> head on one RAS+ grid, at least one.

    Returns:
        (mask of the grid's shape, agreement): the agreement is the smallest Dice of a vote with the result, in [0, 1].

    Raises:
        DataError: no head is found, or nothing around its centre looks like brain.
    """
    first = next(iter(images.values()))
    coarse = _coarse(first.grid)
    heads = {name: resample(volume, coarse, order=1) for name, volume in images.items()}
    core = middle_of_brain(heads)
    relative = {name: _relative(head, core) for name, head in heads.items()}
    candidate = np.pad(_candidate(relative), _MARGIN)
    core = np.pad(core, _MARGIN)
    votes = [_piece(candidate, core, radius) for radius in RADII_MM]
    result = _smooth(np.mean(votes, axis=0) > 0.5)
    agreement = min(dice(vote, result) for vote in votes)
    inner = (slice(_MARGIN, -_MARGIN),) * 3
    back = resample(Volume(result[inner].astype(np.float32), coarse.affine_44), first.grid, order=1)
    return np.asarray(back > 0.5), agreement


def dice(one: Array, other: Array) -> float:
    """Overlap of two masks; 1 where both are empty."""
    total = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2 * int(np.count_nonzero(one & other)) / total if total else 1.0


def _coarse(grid: Grid) -> Grid:
    """The same field of view at STEP_MM."""
    steps = np.array([STEP_MM / mm for mm in grid.spacing_mm])
    x, y, z = np.maximum(np.ceil(np.array(grid.shape) / steps), 1).astype(int)
    affine_44 = grid.affine_44 @ np.diag([*steps, 1.0])
    affine_44[:3, 3] = (grid.affine_44 @ [*((steps - 1) / 2), 1.0])[:3]
    return Grid((int(x), int(y), int(z)), affine_44)


def middle_of_brain(heads: Mapping[str, NDArray[np.float32]]) -> Array:
    """A ball in the middle of the brain, found from the head's outline."""
    outlines = [head > 0.15 * np.percentile(head, 99) for head in heads.values()]
    head = ndimage.binary_opening(np.mean(outlines, axis=0) > 0.5, iterations=2)
    if not head.any():
        raise DataError("brain mask: found no head in the images; expected one; look at them")
    levels = np.flatnonzero(head.any(axis=(0, 1)))
    low, top = int(levels[0]), int(levels[-1])
    z = max(top - _BELOW_TOP_MM / STEP_MM, (top + low) / 2)
    slab = head[:, :, max(int(z) - 10, low) : int(z) + 11]
    x, y, _ = ndimage.center_of_mass(slab)
    place = np.ogrid[: head.shape[0], : head.shape[1], : head.shape[2]]
    squares = sum((axis - middle) ** 2 for axis, middle in zip(place, (x, y, z), strict=True))
    return np.asarray((squares <= (_CORE_MM / STEP_MM) ** 2) & head)


def _relative(head: NDArray[np.float32], core: Array) -> NDArray[np.float32]:
    """Brightness in units of the brain's median."""
    median = float(np.median(head[core])) if core.any() else 0.0
    if median <= 0:
        raise DataError("brain mask: found nothing in the middle of the head; expected a brain; look at the images")
    return np.asarray(head / median, dtype=np.float32)


def _candidate(relative: Mapping[str, NDArray[np.float32]]) -> Array:
    """Where there may be brain: neither bone nor fat as far as the sequences that are there can tell."""
    shape = next(iter(relative.values())).shape
    fluid = relative["t2"] > _FLUID if "t2" in relative else np.zeros(shape, bool)
    candidate = np.ones(shape, bool)
    if "t2" in relative:
        candidate &= relative["t2"] > _BONE
    for name in ("flair", "t1", "t1c"):
        if name in relative:
            candidate &= (relative[name] > 0.9 * _BONE) | fluid
    plain = relative.get("t1", relative.get("t1c"))
    if plain is not None:
        candidate &= plain < _FAT
    if "flair" in relative:
        # Oedema is as bright as fat on FLAIR but dark on T1; without a T1 nothing tells them apart.
        candidate &= (relative["flair"] < 1.7) | (plain < _FAT_T1 if plain is not None else False)
    return candidate


def _piece(candidate: Array, core: Array, radius_mm: float) -> Array:
    """The piece around the core that hangs together after eroding, grown back and closed."""
    pieces, count = ndimage.label(_erode(candidate, radius_mm))
    sizes = np.bincount(pieces[core], minlength=count + 1)
    sizes[0] = 0
    if not sizes.any():
        raise DataError("brain mask: found no brain in the middle of the head; expected one; look at the images")
    grown = _dilate(pieces == sizes.argmax(), radius_mm + STEP_MM / 2) & candidate
    return np.asarray(ndimage.binary_fill_holes(_erode(_dilate(grown, _CLOSE_MM), _CLOSE_MM)))


def _smooth(mask: Array) -> Array:
    return np.asarray(ndimage.gaussian_filter(mask.astype(np.float32), 1.0) > 0.5)


def _erode(mask: Array, mm: float) -> Array:
    """What lies deeper than mm; the border of the array is no surface."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=STEP_MM) > mm)


def _dilate(mask: Array, mm: float) -> Array:
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=STEP_MM) <= mm)
