"""A head made of ellipsoids, tubes and smooth noise: brain, cortical ribbon, sulci, ventricles, cerebellum.

Everything is measured in millimetres and every random field lives on a lattice in millimetres, so one patient drawn at
32 and at 96 voxels is the same patient. Axes are X right, Y anterior, Z superior; the origin is the volume's centre.
The mass effect of a tumour is a warp of the coordinates at which the healthy anatomy is looked up: the midline bends
and ventricles are pressed aside, the skull does not give way.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.phantom.latent import Latent
from gmmas_core.data.phantom.signal import Tissue

Float3d = NDArray[np.float32]
Bool3d = NDArray[np.bool_]
Millimetres = tuple[float, float, float]

FIELD_OF_VIEW_MM = 192.0

# Ellipsoids (centre, half axes) in mm. Parts beside the midline are mirrored.
_CEREBRUM = ((0.0, 0.0, 12.0), (66.0, 84.0, 54.0))
_TEMPORAL = ((43.0, 6.0, -24.0), (23.0, 42.0, 23.0))
_FRONTAL_BASE = ((15.0, 42.0, -10.0), (26.0, 32.0, 22.0))
_CEREBELLUM = ((0.0, -49.0, -34.0), (50.0, 32.0, 26.0))
_BRAINSTEM = ((0.0, -22.0, -48.0), (13.0, 13.0, 26.0))
_THALAMUS = ((12.0, -16.0, 6.0), (9.0, 14.0, 9.0))
_LENTIFORM = ((25.0, 4.0, 4.0), (7.0, 17.0, 11.0))
_CALLOSAL_REACH = ((0.0, -4.0, 4.0), (1e6, 52.0, 26.0))  # within it the hemispheres are joined

# Frontal horn, body, trigone, temporal horn of the right lateral ventricle: x, y, z, radius in mm.
_VENTRICLE = ((8, 33, 6, 4.0), (10, 10, 19, 4.5), (15, -18, 20, 5.5), (25, -37, 9, 5.5), (33, -20, -13, 2.5))
_THIRD_VENTRICLE = ((0.0, -8.0, 3.0), (2.2, 14.0, 9.0))

_B_SPLINE_SD = 0.3324  # of a cubic B-spline of white noise in three dimensions, averaged over the cell


class Anatomy(NamedTuple):
    """The healthy head on one grid.

    Attributes:
        brain_XYZ: bool, what skull stripping leaves.
        tissue_XYZ: uint8 values of Tissue; CSF outside the brain.
        csf_share_XYZ: float32 in [0, 1], fluid of sulci and fissures finer than a voxel.
        depth_mm_XYZ: float32, roughly the distance to the brain's surface.
        cerebrum_XYZ: bool, where a supratentorial tumour may grow: no ventricle, no cerebellum.
    """

    brain_XYZ: Bool3d
    tissue_XYZ: NDArray[np.uint8]
    csf_share_XYZ: Float3d
    depth_mm_XYZ: Float3d
    cerebrum_XYZ: Bool3d


@dataclass(frozen=True, kw_only=True)
class Push:
    """Mass effect: centre and reach (mm) of a displacement of `strength` times the distance to the centre."""

    centre: Millimetres
    reach: float
    strength: float


def voxel_mm(size: int) -> float:
    """Edge of a voxel of a volume of size³ voxels."""
    return FIELD_OF_VIEW_MM / size


def axes_mm(size: int) -> tuple[Float3d, Float3d, Float3d]:
    """Coordinates of the voxel centres, as three arrays that broadcast to (size, size, size)."""
    line = ((np.arange(size) - (size - 1) / 2) * voxel_mm(size)).astype(np.float32)
    return line[:, None, None], line[None, :, None], line[None, None, :]


def smooth_field(rng: np.random.Generator, size: int, lattice_mm: float) -> Float3d:
    """Smooth random field of zero mean and unit variance, the same in mm whatever the size.

    Args:
        rng: draws the lattice.
        size: voxels per axis.
        lattice_mm: distance of the lattice points; features are about twice as large.
    """
    knots = int(np.ceil(FIELD_OF_VIEW_MM / lattice_mm)) + 3
    weights = _spline_weights(size, knots)
    lattice = rng.standard_normal((knots, knots, knots), dtype=np.float32)
    field = (weights @ lattice.reshape(knots, -1)).reshape(size, knots, knots)
    return np.asarray((weights @ field) @ weights.T / np.float32(_B_SPLINE_SD), dtype=np.float32)


@lru_cache(maxsize=64)
def _spline_weights(size: int, knots: int) -> NDArray[np.float32]:
    """(size, knots) cubic B-spline weights of the lattice points at each voxel."""
    position = (np.arange(size) + 0.5) / size * (knots - 3) + 1.0
    distance = np.abs(position[:, None] - np.arange(knots)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def draw_anatomy(latent: Latent, size: int, rng: np.random.Generator, push: Push) -> Anatomy:
    """The patient's head without the tumour, but pressed aside by it.

    Ventricles, sulci and periventricular white-matter change follow the apparent age; the size of the head follows sex.

    Args:
        latent: the patient.
        size: voxels per axis.
        rng: draws the individual shape.
        push: mass effect of the tumour.
    """
    scale = float(np.clip(rng.normal(0.985 if latent.sex == "M" else 0.95, 0.02), 0.9, 1.02))
    bumps, folds, wobble = (smooth_field(rng, size, mm) for mm in (40.0, 10.0, 24.0))
    ageing = float(np.clip((latent.apparent_age - 20.0) / 60.0, 0.0, 1.2))

    still = [axis / np.float32(scale) for axis in axes_mm(size)]
    outside = np.maximum(_cerebral_depth(*still), _hind_depth(*still)) + 1.2 * bumps
    brain = outside > 0
    x, y, z = _pushed(size, push, scale)
    side = np.abs(x)
    upper, lower = _cerebral_depth(x, y, z), _hind_depth(x, y, z)
    depth = np.minimum(outside, np.maximum(upper, lower) + 1.2 * bumps)
    cerebral = upper > lower
    to_ventricle = _ventricle_distance(side, y, z, 0.7 + 0.75 * ageing) + 0.8 * wobble
    to_sulcus = np.asarray(np.abs(folds) * 6.0, dtype=np.float32)

    tissue = np.full(brain.shape, Tissue.WHITE, dtype=np.uint8)
    tissue[(depth < 4.6) | ((to_sulcus < 4.2) & (depth < 20.0) & cerebral)] = Tissue.GREY
    tissue[~cerebral & (_inside(_CEREBELLUM, x, y, z) > 0) & (to_sulcus > 2.0)] = Tissue.GREY  # folia
    deep = np.maximum(_inside(_THALAMUS, side, y, z), _inside(_LENTIFORM, side, y, z)) + 0.6 * wobble
    tissue[deep > 0] = Tissue.DEEP_GREY
    tissue[(to_ventricle < 9.0 * (ageing - 0.35)) & (tissue == Tissue.WHITE)] = Tissue.AGED_WHITE
    ventricle = cerebral & ((to_ventricle < 0) | (_inside(_THIRD_VENTRICLE, x, y, z) > 0))
    tissue[ventricle | ~brain] = Tissue.CSF

    csf = np.where((depth < 17.0) & cerebral, _share(0.3 + 1.0 * ageing - to_sulcus, size), np.float32(0))
    apart = cerebral & (_inside(_CALLOSAL_REACH, x, y, z) < 0) & (depth < 40.0)
    csf = np.maximum(csf, np.where(apart, _share(0.8 + 0.7 * ageing - side - 0.3 * wobble, size), 0))
    csf = np.maximum(csf, _share(0.2 + 1.0 * ageing - depth, size)).astype(np.float32)
    return Anatomy(brain, tissue, csf, depth, brain & cerebral & ~ventricle & (csf < 0.5))


def _pushed(size: int, push: Push, scale: float) -> tuple[Float3d, Float3d, Float3d]:
    """Where the tissue now at each voxel came from, in the coordinates of a head of standard size."""
    offsets = [axis - np.float32(c) for axis, c in zip(axes_mm(size), push.centre)]
    squared = offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2
    pull = np.float32(push.strength) * np.exp(squared / np.float32(-2.0 * push.reach**2))
    x, y, z = ((axis - pull * offset) / np.float32(scale) for axis, offset in zip(axes_mm(size), offsets))
    return x, y, z


def _inside(ellipsoid: tuple[Millimetres, Millimetres], x: Float3d, y: Float3d, z: Float3d) -> Float3d:
    """Roughly the depth in mm inside an ellipsoid; negative outside."""
    (cx, cy, cz), (a, b, c) = ellipsoid
    radius = np.sqrt(((x - cx) * (1 / a)) ** 2 + ((y - cy) * (1 / b)) ** 2 + ((z - cz) * (1 / c)) ** 2)
    return np.asarray((1 - radius) * np.float32(min(a, b, c)), dtype=np.float32)


def _cerebral_depth(x: Float3d, y: Float3d, z: Float3d) -> Float3d:
    """Roughly the distance to the surface of the two hemispheres; negative outside."""
    side = np.abs(x)
    lobes = np.maximum(_inside(_TEMPORAL, side, y, z), _inside(_FRONTAL_BASE, side, y, z))
    return np.maximum(_inside(_CEREBRUM, x, y, z), lobes)


def _hind_depth(x: Float3d, y: Float3d, z: Float3d) -> Float3d:
    """Roughly the distance to the surface of cerebellum and brain stem; negative outside."""
    return np.maximum(_inside(_CEREBELLUM, x, y, z), _inside(_BRAINSTEM, x, y, z))


def _ventricle_distance(side: Float3d, y: Float3d, z: Float3d, width: float) -> Float3d:
    """Distance in mm to the wall of the lateral ventricles, `width` times as wide as usual; negative inside."""
    nearest = np.full(np.broadcast_shapes(side.shape, y.shape, z.shape), np.inf, dtype=np.float32)
    for start, end in pairwise(_VENTRICLE):
        way = [b - a for a, b in zip(start[:3], end[:3])]
        px, py, pz = side - start[0], y - start[1], z - start[2]
        along = np.clip((px * way[0] + py * way[1] + pz * way[2]) / sum(w * w for w in way), 0, 1)
        squared = (px - along * way[0]) ** 2 + (py - along * way[1]) ** 2 + (pz - along * way[2]) ** 2
        radius = width * (start[3] + along * (end[3] - start[3]))
        nearest = np.minimum(nearest, np.sqrt(squared) - radius)
    return np.asarray(nearest, dtype=np.float32)


def _share(depth_mm: Float3d, size: int) -> Float3d:
    """Share of a voxel behind a flat wall whose signed depth at the voxel's centre is given."""
    return np.asarray(np.clip(0.5 + depth_mm / voxel_mm(size), 0, 1), dtype=np.float32)
