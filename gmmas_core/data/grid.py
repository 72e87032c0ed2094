"""Where voxels lie: grids, parts of grids, and the RAS+ grid that covers a native one. No voxel value is touched."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

GRID_TOLERANCE = 0.1
"""Two grids are one grid when no voxel centre is off by more than this share of a voxel: headers round."""

Box = tuple[slice, slice, slice]
"""Voxels of a grid: start (inclusive) and stop (exclusive) per axis."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels lie.

    Attributes:
        shape: voxels per axis, in the axis order of the file.
        affine_44: float64, voxel index to mm in RAS+ world space.
    """

    shape: tuple[int, int, int]
    affine_44: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel along the grid's own axes."""
        x, y, z = np.linalg.norm(self.affine_44[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def orientation(self) -> str:
        """Closest anatomical directions of the axes, e.g. "LPS"."""
        return "".join(nib.aff2axcodes(self.affine_44))

    def __str__(self) -> str:
        shape = "x".join(str(n) for n in self.shape)
        spacing = "x".join(f"{mm:.3g}" for mm in self.spacing_mm)
        origin = ", ".join(f"{mm:.1f}" for mm in self.affine_44[:3, 3])
        return f"{shape} voxels of {spacing} mm, {self.orientation}, origin ({origin}) mm"


@dataclass(frozen=True, eq=False)
class Volume:
    """An array and its place in space; the array may be a view, possibly with negative strides."""

    data: NDArray[Any]
    affine_44: NDArray[np.float64]

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        x, y, z = self.data.shape
        return Grid((x, y, z), self.affine_44)


def same_grid(one: Grid, other: Grid) -> bool:
    """True when both have one shape and no voxel centre differs by more than GRID_TOLERANCE of a voxel."""
    if one.shape != other.shape:
        return False
    drift = np.linalg.inv(one.affine_44) @ other.affine_44 - np.eye(4)
    return bool(np.abs(drift @ corners(one.shape).T)[:3].max() <= GRID_TOLERANCE)


def corners(shape: tuple[int, int, int], margin: float = 0.0) -> NDArray[np.float64]:
    """Homogeneous indices (8, 4) of the corner voxels' centres, moved outwards by `margin` voxels."""
    ends = [(-margin, n - 1 + margin) for n in shape]
    return np.array([(x, y, z, 1.0) for x in ends[0] for y in ends[1] for z in ends[2]])


def ras_grid(native: Grid, spacing_mm: float) -> Grid:
    """The RAS+ grid that covers a native grid's field of view.

    Args:
        native: any orientation, oblique included.
        spacing_mm: edge of the cubic voxels inside.

    Returns:
        An axis-aligned grid around the same centre. Where the native grid has this spacing and is not oblique, its
        voxels coincide with the native ones.
    """
    edges_mm = (native.affine_44 @ corners(native.shape, margin=0.5).T)[:3]
    low_mm, high_mm = edges_mm.min(axis=1), edges_mm.max(axis=1)
    extent = (high_mm - low_mm) / spacing_mm
    x, y, z = np.maximum(np.ceil(extent - GRID_TOLERANCE), 1).astype(int)
    affine_44 = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine_44[:3, 3] = (low_mm + high_mm) / 2 - spacing_mm * (np.array([x, y, z]) - 1) / 2
    return Grid((int(x), int(y), int(z)), affine_44)


def upright(volume: Volume) -> Volume:
    """The same voxels with axes that run right, anterior, superior as nearly as they can; nothing is interpolated."""
    turn = nib.orientations.io_orientation(volume.affine_44)
    affine_44 = volume.affine_44 @ nib.orientations.inv_ornt_aff(turn, volume.data.shape)
    return Volume(nib.orientations.apply_orientation(volume.data, turn), affine_44)


def cut(volume: Volume, box: Box) -> Volume:
    """A part of a volume, as a view in its own place."""
    return Volume(volume.data[box], cut_grid(volume.grid, box).affine_44)


def cut_grid(grid: Grid, box: Box) -> Grid:
    """The part of a grid that a box of voxels (slices with start and stop inside the grid) makes up."""
    affine_44 = grid.affine_44.copy()
    affine_44[:3, 3] += affine_44[:3, :3] @ [float(side.start) for side in box]
    x, y, z = (side.stop - side.start for side in box)
    return Grid((x, y, z), affine_44)


def box_of(mask_XYZ: NDArray[Any], margin: int) -> Box:
    """Bounding box of the non-zero voxels plus a margin, within the array.

    Raises:
        ValueError: every voxel is zero.
    """
    sides = []
    for axis in range(3):
        filled = np.flatnonzero(mask_XYZ.any(axis=tuple(k for k in range(3) if k != axis)))
        if len(filled) == 0:
            raise ValueError("an empty mask has no bounding box")
        sides.append(slice(max(int(filled[0]) - margin, 0), min(int(filled[-1]) + 1 + margin, mask_XYZ.shape[axis])))
    return sides[0], sides[1], sides[2]


def box_on(grid: Grid, part: Grid, margin: int) -> Box:
    """The box of a grid's voxels that covers another grid's field of view plus a margin."""
    edges = np.linalg.inv(grid.affine_44) @ part.affine_44 @ corners(part.shape, margin=0.5).T
    low = np.floor(edges[:3].min(axis=1)).astype(int) - margin
    high = np.ceil(edges[:3].max(axis=1)).astype(int) + 1 + margin
    x, y, z = (slice(max(int(b), 0), min(int(e), n)) for b, e, n in zip(low, high, grid.shape, strict=True))
    return x, y, z
