"""The mid-sagittal plane, estimated twice from the images, so that its error can be stated instead of assumed.

First from the outline: the middles between the leftmost and the rightmost voxel of the brain, over all rows. Then from
the content: the plane about which the brain, tumour left out, is most like its mirror image. The second is the one
used; how far the two lie apart where the tumour lies is the error, and never less than the step of the coarse grid
that the search works on. Not known to it: a midline that a tumour bends is no plane, and what lies beyond the plane is
then not all on the other side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from gmmas_core.data.grid import Volume, upright
from gmmas_core.measures.values import Missing

COARSE_MM = 4.0
"""Edge of the voxels that are compared with their mirror images."""

LIKENESS_NEEDED = 0.3
"""Correlation with the mirror image below which nothing symmetric was found. Set after seeing ten real brains (tumour
left out: 0.6 to 0.84) and phantoms (0.41 to 0.6); noise has about 0."""

WORST_ERROR_MM = 15.0
"""A quarter of a hemisphere's width: an estimate this uncertain says nothing about sides."""

_ROWS_ABOVE = 0.5  # rows of at least this share of the widest one; short rows at the poles say little
_FEWEST_VOXELS = 500
_MOST_POINTS = 6000  # compared with their mirror images; more change nothing but the time
_ROUNDS = 8  # of leaving out rows that fit badly

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Midline:
    """The plane x = offset + by_y * y + by_z * z in the scanner's space, mm.

    Attributes:
        offset_mm, by_y, by_z: of the plane.
        error_mm: distance of the two estimates where the tumour lies, at least COARSE_MM / 2.
        likeness: correlation of the brain with its mirror image.
    """

    offset_mm: float
    by_y: float
    by_z: float
    error_mm: float
    likeness: float

    def right_of_mm(self, world_N3: Floats) -> Floats:
        """Signed distance of points (N, 3) from the plane, positive to the patient's right."""
        return _distance((self.offset_mm, self.by_y, self.by_z), world_N3)


@dataclass(frozen=True, eq=False)
class _Coarse:
    """Images on a coarse upright grid: (S, X, Y, Z) standardised inside the brain, the brain, and where to compare."""

    images_SXYZ: NDArray[np.float32]
    brain_XYZ: NDArray[np.bool_]
    healthy_XYZ: NDArray[np.bool_]
    affine_44: Floats


def estimate_midline(images: Mapping[str, Volume], tumour: Volume) -> Midline | Missing:
    """The midline of a brain.

    Args:
        images: sequence -> image on the tumour's grid, 0 outside the brain (a head with its skull is as symmetric).
        tumour: bool voxels; left out of the comparison, and where the error is taken. May be empty.
    """
    if not images:
        return Missing("no image on the segmentation's grid was given to find the midline in")
    coarse = _coarse(images, tumour)
    if np.count_nonzero(coarse.healthy_XYZ) < _FEWEST_VOXELS:
        return Missing("too little brain outside the tumour to find the midline in")
    by_outline = _plane_of_outline(coarse)
    by_content, likeness = _plane_of_symmetry(coarse, by_outline)
    if likeness < LIKENESS_NEEDED:
        return Missing(f"the brain resembles no mirror image of itself (correlation {likeness:.2f})")
    where = _points(coarse.affine_44, coarse.brain_XYZ & ~coarse.healthy_XYZ)
    if not len(where):
        where = _points(coarse.affine_44, coarse.brain_XYZ)
    apart = np.abs(_distance(by_content, where) - _distance(by_outline, where)).max()
    error = max(float(apart), COARSE_MM / 2)
    if error > WORST_ERROR_MM:
        return Missing(f"two estimates of the midline lie {error:.0f} mm apart")
    offset, by_y, by_z = by_content
    return Midline(offset_mm=offset, by_y=by_y, by_z=by_z, error_mm=error, likeness=likeness)


def likeness_of_halves(images: Mapping[str, Volume]) -> float:
    """Correlation of a brain with its mirror image about the best plane; 0 where there is next to no brain.

    Args:
        images: on one grid, at least one.
    """
    first = next(iter(images.values()))
    coarse = _coarse(images, Volume(np.zeros(first.data.shape, dtype=bool), first.affine_44))
    if np.count_nonzero(coarse.healthy_XYZ) < _FEWEST_VOXELS:
        return 0.0
    return _plane_of_symmetry(coarse, _plane_of_outline(coarse))[1]


def _coarse(images: Mapping[str, Volume], tumour: Volume) -> _Coarse:
    turned = [upright(volume) for volume in images.values()]
    spacing = turned[0].grid.spacing_mm
    steps = [max(1, round(COARSE_MM / mm)) for mm in spacing]
    brain = _means(np.logical_or.reduce([volume.data != 0 for volume in turned]), steps) > 0.5
    sick = _means(upright(tumour).data, steps) > 0
    stack = []
    for volume in turned:
        image = _means(volume.data, steps)
        inside = image[brain] if brain.any() else np.zeros(1, dtype=np.float32)
        low, high = np.percentile(inside, (1, 99))
        stack.append(np.where(brain, np.clip((image - inside.mean()) / max(high - low, 1e-6), -1, 1), 0))
    affine_44 = turned[0].affine_44.copy()
    affine_44[:3, 3] += affine_44[:3, :3] @ [(step - 1) / 2 for step in steps]
    affine_44[:3, :3] *= steps
    return _Coarse(np.stack(stack).astype(np.float32), brain, brain & ~ndimage.binary_dilation(sick), affine_44)


def _means(data: NDArray[np.generic], steps: list[int]) -> NDArray[np.float32]:
    """Means over blocks of voxels; what does not fill a block at the far ends is left out."""
    counts = [n // step for n, step in zip(data.shape, steps, strict=True)]
    x, y, z = (slice(0, count * step) for count, step in zip(counts, steps, strict=True))
    blocks = data[x, y, z].reshape(counts[0], steps[0], counts[1], steps[1], counts[2], steps[2])
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))


def _plane_of_outline(coarse: _Coarse) -> tuple[float, float, float]:
    """Least squares through the middles of the rows, three quarters of them after leaving out the worst."""
    brain = coarse.brain_XYZ
    first, last = brain.argmax(axis=0), brain.shape[0] - 1 - brain[::-1].argmax(axis=0)
    width = np.where(brain.any(axis=0), last - first + 1, 0)
    rows_N2 = np.argwhere(width >= _ROWS_ABOVE * width.max())
    middles = (first + last)[tuple(rows_N2.T)] / 2
    world = np.column_stack([middles, rows_N2, np.ones(len(rows_N2))]) @ coarse.affine_44[:3].T
    design = np.column_stack([np.ones(len(world)), world[:, 1:]])
    kept = np.ones(len(world), dtype=bool)
    for _ in range(_ROUNDS):
        plane = np.linalg.lstsq(design[kept], world[kept, 0], rcond=None)[0]
        off = np.abs(world[:, 0] - design @ plane)
        kept = off <= np.quantile(off, 0.75)
    offset, by_y, by_z = (float(value) for value in plane)
    return offset, by_y, by_z


def _plane_of_symmetry(coarse: _Coarse, start: tuple[float, float, float]) -> tuple[tuple[float, float, float], float]:
    """The plane with the largest correlation between the healthy brain and its mirror image, near a first guess."""
    step = 1 + int(np.count_nonzero(coarse.healthy_XYZ)) // _MOST_POINTS
    world = _points(coarse.affine_44, coarse.healthy_XYZ)[::step]
    middle = world.mean(axis=0)
    here_SN = coarse.images_SXYZ[:, coarse.healthy_XYZ][:, ::step]
    to_index = np.linalg.inv(coarse.affine_44)
    healthy = coarse.healthy_XYZ.astype(np.float32)

    def plane_of(shift: Floats) -> tuple[float, float, float]:
        # Slopes turn about the brain's middle, so that the three numbers do not fight each other.
        by_y, by_z = start[1] + shift[1], start[2] + shift[2]
        offset = start[0] + shift[0] - shift[1] * middle[1] - shift[2] * middle[2]
        return float(offset), float(by_y), float(by_z)

    def unlikeness(scaled: Floats) -> float:
        mirrored = _mirror(plane_of(scaled * [10.0, 0.1, 0.1]), world)
        index_3N = (mirrored @ to_index[:3, :3].T + to_index[:3, 3]).T
        both = ndimage.map_coordinates(healthy, index_3N, order=1) > 0.99
        if np.count_nonzero(both) < 200:
            return 1.0
        there_SN = [ndimage.map_coordinates(image, index_3N[:, both], order=1) for image in coarse.images_SXYZ]
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = np.array([np.corrcoef(one[both], other)[0, 1] for one, other in zip(here_SN, there_SN)])
        known = pairs[~np.isnan(pairs)]  # an image without contrast is like everything and says nothing
        return -float(known.mean()) if len(known) else 0.0

    simplex = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], dtype=np.float64)
    found = optimize.minimize(
        unlikeness,
        np.zeros(3),
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-4, "maxfev": 120},
    )
    return plane_of(found.x * [10.0, 0.1, 0.1]), -float(found.fun)


def _points(affine_44: Floats, mask_XYZ: NDArray[np.bool_]) -> Floats:
    world: Floats = np.argwhere(mask_XYZ) @ affine_44[:3, :3].T + affine_44[:3, 3]
    return world


def _normal(plane: tuple[float, float, float]) -> Floats:
    normal: Floats = np.array([1.0, -plane[1], -plane[2]])
    return np.asarray(normal / np.linalg.norm(normal))


def _distance(plane: tuple[float, float, float], world_N3: Floats) -> Floats:
    distance: Floats = (world_N3 - [plane[0], 0.0, 0.0]) @ _normal(plane)
    return distance


def _mirror(plane: tuple[float, float, float], world_N3: Floats) -> Floats:
    mirrored: Floats = world_N3 - 2 * _distance(plane, world_N3)[:, None] * _normal(plane)
    return mirrored
