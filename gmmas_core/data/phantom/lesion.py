"""The tumour: nested regions of prescribed volume, and the tissue that each sign puts into them.

A region is the given number of voxels closest to the centre in a wrinkled distance, so its volume is exact and
ET lies in TC lies in WT by construction. What varies is sampled in `plan_lesion`; `draw_lesion` only draws.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.phantom.anatomy import Anatomy, Bool3d, Float3d, Millimetres, Push, axes_mm, smooth_field, voxel_mm
from gmmas_core.data.phantom.latent import Latent
from gmmas_core.data.phantom.signal import Tissue
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS

# Centres of growth in the right hemisphere, mm.
_FRONTAL = ((30.0, 44.0, 22.0), (26.0, 34.0, 36.0), (32.0, 52.0, 8.0))
_ELSEWHERE = ((42.0, 2.0, -18.0), (44.0, -20.0, -8.0), (32.0, -36.0, 34.0), (28.0, -60.0, 16.0), (38.0, -10.0, 14.0))
WHOLE_TUMOUR_ML = (12.0, 60.0, 175.0)
"""Smallest, most frequent and largest."""


@dataclass(frozen=True, kw_only=True)
class LesionPlan:
    """Everything about a tumour that is chosen by chance, in mm, mL and shares.

    Attributes:
        centre: mm.
        stretch: factors on the three axes, product about 1.
        whole_ml: volume of WT.
        core_share: TC / WT.
        enhancing_share: ET / TC; 0 without enhancement.
        wrinkle: relative roughness of the surface.
        nodule: mm from the centre to the middle of a solid enhancing part.
        cyst: mm from the centre to the middle of a cyst.
        strength: of the mass effect.
    """

    centre: Millimetres
    stretch: Millimetres
    whole_ml: float
    core_share: float
    enhancing_share: float
    wrinkle: float
    nodule: Millimetres
    cyst: Millimetres
    strength: float

    @property
    def radius_mm(self) -> float:
        """Of a ball of the whole tumour's volume."""
        return float(np.cbrt(self.whole_ml * 1000 * 3 / (4 * np.pi)))

    @property
    def push(self) -> Push:
        """How the tumour presses its surroundings aside."""
        return Push(centre=self.centre, reach=1.2 * self.radius_mm, strength=self.strength)


class Lesion(NamedTuple):
    """A drawn tumour.

    Attributes:
        seg_XYZ: uint8 canonical labels.
        tissue_XYZ: uint8 values of Tissue; meaningful where weight is positive.
        weight_XYZ: float32 in [0, 1], share of the lesion's signal; fades towards an ill-defined margin.
        texture_XYZ: float32, relative excess of water; 0 where the signal is homogeneous.
    """

    seg_XYZ: NDArray[np.uint8]
    tissue_XYZ: NDArray[np.uint8]
    weight_XYZ: Float3d
    texture_XYZ: Float3d


def plan_lesion(latent: Latent, rng: np.random.Generator) -> LesionPlan:
    """Sample place, size and proportions; they depend on the patient only through the signs."""
    enhancing, necrotic = latent.signs["enhancement"], latent.signs["necrosis"]
    places = np.array(_FRONTAL if latent.signs["frontal"] else _ELSEWHERE)
    centre = places[rng.integers(len(places))] + rng.normal(0.0, 4.0, 3)
    centre[0] *= rng.choice([-1.0, 1.0])
    stretch = np.exp(rng.normal(0.0, 0.16, 3))
    whole_ml = float(np.exp(rng.triangular(*np.log(WHOLE_TUMOUR_ML))))
    core_share = rng.uniform(0.32, 0.65) if enhancing else rng.uniform(0.70, 0.90)
    enhancing_share = rng.uniform(0.40, 0.65) if necrotic else rng.uniform(0.25, 0.60)
    nodule, cyst = rng.normal(0.0, 4.0, 3), rng.normal(0.0, 5.0, 3)
    strength = rng.uniform(0.10, 0.28)
    return LesionPlan(
        centre=_triple(centre),
        stretch=_triple(stretch / np.cbrt(stretch.prod())),
        whole_ml=whole_ml,
        core_share=float(core_share),
        enhancing_share=float(enhancing_share) if enhancing else 0.0,
        wrinkle=0.24 if latent.signs["ill_defined"] else 0.07,
        nodule=_triple(nodule),
        cyst=_triple(cyst),
        strength=float(strength),
    )


def draw_lesion(latent: Latent, plan: LesionPlan, anatomy: Anatomy, rng: np.random.Generator) -> Lesion:
    """Put the planned tumour into a head.

    Args:
        latent: whose signs are drawn.
        plan: sizes and places.
        anatomy: of the same patient on the wanted grid; oedema prefers its white matter.
        rng: draws the wrinkles and the texture.
    """
    size = anatomy.brain_XYZ.shape[0]
    surface, fingers, rim, water, grains = (smooth_field(rng, size, mm) for mm in (13.0, 20.0, 12.0, 9.0, 7.0))
    distance = _distance(plan.centre, plan.stretch, size) * np.exp(np.float32(plan.wrinkle) * surface)
    distance *= _reluctance(plan, anatomy)
    voxels_per_ml = 1000 / voxel_mm(size) ** 3
    whole_voxels = max(round(plan.whole_ml * voxels_per_ml), 8)
    core_voxels = max(round(whole_voxels * plan.core_share), 4)

    core = _closest(distance, anatomy.cerebrum_XYZ, core_voxels)
    spread = distance * np.exp(0.22 * fingers) * np.where(anatomy.tissue_XYZ == Tissue.GREY, np.float32(1.45), 1)
    edema = _closest(spread, anatomy.cerebrum_XYZ & ~core, whole_voxels - core_voxels)
    enhancing = _enhancing(latent, plan, core, distance * np.exp(0.10 * rim))

    seg = np.zeros(core.shape, dtype=np.uint8)
    seg[edema], seg[core], seg[enhancing] = EDEMA, NECROSIS, ENHANCING
    tissue = _tissue(latent, plan, seg, distance, grains)
    texture = np.zeros(core.shape, dtype=np.float32)
    if latent.signs["ill_defined"]:
        mixed = core & (tissue != Tissue.MISMATCH) & (tissue != Tissue.CALCIUM)
        texture[mixed] = np.clip(0.16 * water[mixed], -0.4, 0.4)
    return Lesion(seg, tissue, _weight(latent, seg, np.where(core, np.float32(0), spread)), texture)


def _reluctance(plan: LesionPlan, anatomy: Anatomy) -> Float3d:
    """Factor on the distance: growth seldom crosses the midline and hesitates at deep grey matter."""
    x = axes_mm(anatomy.brain_XYZ.shape[0])[0]
    across = np.where(x * plan.centre[0] < 0, np.float32(1.5), np.float32(1))
    deep = np.where(anatomy.tissue_XYZ == Tissue.DEEP_GREY, np.float32(1.25), np.float32(1))
    return np.asarray(across * deep, dtype=np.float32)


def _enhancing(latent: Latent, plan: LesionPlan, core: Bool3d, distance: Float3d) -> Bool3d:
    """A ring around necrosis, or a solid eccentric part of the core, or nothing."""
    if not latent.signs["enhancement"]:
        return np.zeros_like(core)
    num = max(round(int(core.sum()) * plan.enhancing_share), 1)
    if latent.signs["necrosis"]:
        return _closest(-distance, core, num)
    middle = _triple(np.add(plan.centre, plan.nodule))
    return _closest(_distance(middle, plan.stretch, core.shape[0]), core, num)


def _tissue(
    latent: Latent, plan: LesionPlan, seg: NDArray[np.uint8], distance: Float3d, grains: Float3d
) -> NDArray[np.uint8]:
    """What fills each region. Signs of the inner core leave the enhancing part alone, calcium does not."""
    core, inner = (seg == NECROSIS) | (seg == ENHANCING), seg == NECROSIS
    tissue = np.full(seg.shape, Tissue.EDEMA, dtype=np.uint8)
    tissue[core] = Tissue.NECROTIC if latent.signs["necrosis"] else Tissue.SOLID
    if latent.signs["mismatch"]:
        tissue[inner & _closest(distance, core, round(0.78 * int(core.sum())))] = Tissue.MISMATCH
    if latent.signs["cyst"]:
        middle = _triple(np.add(plan.centre, plan.cyst))
        around = _distance(middle, (1.0, 1.0, 1.0), seg.shape[0])
        tissue[_closest(around, inner, max(round(0.22 * int(inner.sum())), 1))] = Tissue.CYST
    tissue[seg == ENHANCING] = Tissue.ENHANCING
    if latent.signs["calcification"]:
        tissue[_closest(-grains, core, max(round(0.06 * int(core.sum())), 2))] = Tissue.CALCIUM
    return tissue


def _weight(latent: Latent, seg: NDArray[np.uint8], spread: Float3d) -> Float3d:
    """1 inside; towards an ill-defined margin it falls to under a half."""
    lesion = seg > 0
    if not latent.signs["ill_defined"]:
        return lesion.astype(np.float32)
    edge = float(spread[lesion].max())
    fading = np.clip(0.45 + (1 - spread / edge) / 0.35, 0, 1)
    return np.asarray(np.where(lesion, fading, 0), dtype=np.float32)


def _distance(centre: Millimetres, stretch: Millimetres, size: int) -> Float3d:
    """Distance in mm to a centre, in stretched coordinates."""
    x, y, z = ((axis - c) / s for axis, c, s in zip(axes_mm(size), centre, stretch))
    return np.asarray(np.sqrt(x**2 + y**2 + z**2), dtype=np.float32)


def _closest(distance: Float3d, allowed: Bool3d, num: int) -> Bool3d:
    """The `num` allowed voxels of smallest distance, or all where there are fewer."""
    where = np.flatnonzero(allowed)
    if num < len(where):
        where = where[np.argpartition(distance.ravel()[where], num)[:num]]
    chosen = np.zeros(allowed.shape, dtype=bool)
    chosen.ravel()[where] = True
    return chosen


def _triple(values: NDArray[np.float64]) -> Millimetres:
    x, y, z = (float(value) for value in values)
    return x, y, z
