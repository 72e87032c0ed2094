"""Diameters as a reader measures them with calipers: two at right angles in an axial slice, and the longest in space.

A lesion is one piece of the tumour core; its enhancing parts are measured together, because a broken enhancing ring is
one ring. For the whole tumour a lesion is one piece of it. Within a slice only the largest island of the lesion
counts. Both diameters span the outline's hull: a cavity inside a ring is included, and so is a bay of a curved lesion,
where a careful reader would measure less. "Axial" is the plane of the grid that is closest to it.

Source: RANO (Wen 2010, J Clin Oncol 28:1963): largest cross-sectional diameters at right angles; measurable from
10 mm in both, or from twice the slice thickness (here a voxel's longest edge) where slices are thicker than 5 mm, and
in two slices or more. The slice is the one with the largest product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of, cut, upright
from gmmas_core.measures.lesions import SMALLEST_ML, label_pieces
from gmmas_core.measures.outline import Points, border_points, cross_diameters, length, longest
from gmmas_core.measures.values import NOT_FOR_LENGTHS, Interval, Quantity
from gmmas_core.measures.volumes import region_of, voxel_ml

HOSTS = {"wt": "wt", "tc": "tc", "et": "tc"}
"""Region -> region whose pieces are the lesions."""

SMALLEST_MM = 10.0
THICK_MM = 5.0
FEWEST_SLICES = 2

World = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Bidimensional:
    """Two diameters of one lesion in the axial slice of their largest product.

    Attributes:
        longest, perpendicular: mm.
        product: mm2.
        height_mm: of the slice's middle in the scanner's space, superior positive.
        longest_mm, perpendicular_mm: end points in the scanner's space (RAS+ mm), for drawing.
        is_measurable: whether both diameters reach RANO's smallest size on this grid, in enough slices.
    """

    longest: Quantity
    perpendicular: Quantity
    product: Quantity
    height_mm: float
    longest_mm: tuple[World, World]
    perpendicular_mm: tuple[World, World]
    is_measurable: bool


@dataclass(frozen=True, kw_only=True)
class Diameters:
    """Diameters of one region.

    Attributes:
        lesions: largest product first; lesions below SMALLEST_ML are left out unless there is no other.
        sum_of_products: mm2 over the measurable lesions, 0 where none is; its interval holds what the others would add.
        longest_3d: mm, of the lesion for which it is largest.
    """

    lesions: tuple[Bidimensional, ...]
    sum_of_products: Quantity
    longest_3d: Quantity


def measure_diameters(seg: Volume, region: str) -> Diameters:
    """Diameters of a region that is not empty.

    Args:
        seg: canonical labels on any grid.
        region: "wt", "tc" or "et".

    Raises:
        ValueError: the region is empty.
    """
    host = upright(region_of(seg, HOSTS[region]))
    wanted = upright(region_of(seg, region))
    box = box_of(host.data, 0)  # raises on an empty one
    place = cut(Volume(wanted.data, wanted.affine_44), box)
    pieces_XYZ, _ = label_pieces(host.data[box])
    sizes_N = np.bincount(pieces_XYZ[place.data], minlength=pieces_XYZ.max() + 1)[1:]
    if not sizes_N.any():
        raise ValueError(f"{region}: an empty region has no diameters")
    large = np.flatnonzero(sizes_N * voxel_ml(seg.affine_44) >= SMALLEST_ML) + 1
    numbers = large if len(large) else [int(sizes_N.argmax()) + 1]
    found = [_measure_lesion(place, pieces_XYZ == number) for number in numbers]
    lesions = sorted((lesion for lesion, _ in found), key=lambda lesion: -lesion.product.value)
    return Diameters(
        lesions=tuple(lesions),
        sum_of_products=_sum(lesions),
        longest_3d=_length(max(mm for _, mm in found), float(np.linalg.norm(place.grid.spacing_mm))),
    )


def _measure_lesion(place: Volume, host_XYZ: NDArray[np.bool_]) -> tuple[Bidimensional, float]:
    inside = place.data & host_XYZ
    best = None
    slices = [int(z) for z in np.flatnonzero(inside.any(axis=(0, 1)))]
    for z in slices:
        island = _largest_island(inside[:, :, z], host_XYZ[:, :, z])
        cross = cross_diameters(_flat(border_points(island), place))
        product = length(cross[0]) * length(cross[1])
        if best is None or product > best[0]:
            best = (product, z, cross)
    assert best is not None
    _, z, cross = best
    in_mm = border_points(inside) @ place.affine_44[:3, :3].T
    return _bidimensional(cross, z, len(slices), place), longest(in_mm)


def _largest_island(inside_XY: NDArray[np.bool_], host_XY: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What lies in that island of the host in a slice which holds most of it."""
    islands, count = ndimage.label(host_XY, structure=np.ones((3, 3)))
    held = np.bincount(islands[inside_XY], minlength=count + 1)
    held[0] = 0
    return np.asarray(inside_XY & (islands == held.argmax()))


def _plane(place: Volume) -> tuple[Points, Points]:
    """Unit vectors (3, 2) of the axial plane, and the matrix (2, 2) from voxel steps to mm in it."""
    unit, step = np.linalg.qr(place.affine_44[:3, :2])
    return unit, step


def _flat(index_N2: Points, place: Volume) -> Points:
    flat: Points = index_N2 @ _plane(place)[1].T
    return flat


def _bidimensional(cross: tuple[Points, Points], z: int, slices: int, place: Volume) -> Bidimensional:
    x_mm, y_mm, _ = place.grid.spacing_mm
    corner = place.affine_44[:3, 3] + place.affine_44[:3, 2] * z
    in_space = [corner + segment @ _plane(place)[0].T for segment in cross]
    long_mm, short_mm = (length(segment) for segment in cross)
    error = float(np.hypot(x_mm, y_mm))  # half a voxel's diagonal at either end
    thickness = max(place.grid.spacing_mm)  # slices may have been taken in any direction
    smallest = 2 * thickness if thickness > THICK_MM else SMALLEST_MM
    return Bidimensional(
        longest=_length(long_mm, error),
        perpendicular=_length(short_mm, error),
        product=Quantity(
            value=long_mm * short_mm, unit="mm2", error=(long_mm + short_mm) * error, interval=NOT_FOR_LENGTHS
        ),
        height_mm=float(in_space[0].mean(axis=0)[2]),
        longest_mm=_ends(in_space[0]),
        perpendicular_mm=_ends(in_space[1]),
        is_measurable=min(long_mm, short_mm) >= smallest and slices >= FEWEST_SLICES,
    )


def _sum(lesions: list[Bidimensional]) -> Quantity:
    products = [lesion.product for lesion in lesions if lesion.is_measurable]
    others = [lesion.product for lesion in lesions if not lesion.is_measurable]
    value, error = (sum(numbers) for numbers in ([p.value for p in products], [p.error for p in products]))
    # A lesion that passes the smallest size makes the sum jump: what it adds is open, not nothing.
    most = value + error + sum(product.value + product.error for product in others)
    meaning = "up to the sum with the lesions that are too small to be measurable"
    interval = Interval(low=value, high=most, meaning=meaning) if others else NOT_FOR_LENGTHS
    return Quantity(value=value, unit="mm2", error=error, interval=interval)


def _length(mm: float, error: float) -> Quantity:
    return Quantity(value=mm, unit="mm", error=error, interval=NOT_FOR_LENGTHS)


def _ends(segment_23: Points) -> tuple[World, World]:
    (x0, y0, z0), (x1, y1, z1) = segment_23.tolist()
    return (x0, y0, z0), (x1, y1, z1)
