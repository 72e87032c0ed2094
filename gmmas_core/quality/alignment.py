"""Whether sequences that share a grid also share their anatomy: what registration left over, measured from the images.

The rigid motion of one sequence that makes it tell most about the other (normalised mutual information, Studholme et
al. 1999, doi:10.1016/S0031-3203(98)00091-0) is looked for near no motion; the residual is the mean way that the brain's
voxels go in it. Voxels are compared at random places between their centres, for the centres themselves, which are not
interpolated, would make no motion look best.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from gmmas_core.data.grid import Volume, box_of, cut
from gmmas_core.quality.check import Check, Verdict, not_assessable
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_POINTS_MM = 3.0  # between the points that are compared
_DEPTH_MM = 6.0  # below the surface, where a brain mask shared by all sequences says nothing about them
_AROUND_MM = 10.0
_GREYS = 24
_MOST_POINTS = 12_000
_FEWEST_POINTS = 500
_SURE_MM = 8.0  # above, that it lies far away is known, how far is not: 20 mm were once measured as 34
_FIRST_STEP_MM = 3.0
_ARM_MM = 60.0  # turns are counted as the way of a point this far from the middle

Floats = NDArray[np.float64]

_FAR: Sequence[Floats] = [
    sign * step * np.eye(6)[k] for k in range(6) for step in (8.0, 16.0, 24.0, 32.0) for sign in (-1, 1)
]
"""Motions, mm, from which a large one is looked for."""


def check_alignment(name: str, reference: str, images: Mapping[str, Volume], rules: Rules = THRESHOLDS) -> Check:
    """Whether a sequence lies where the reference lies.

    Args:
        name, reference: two keys of `images`, both on one grid.
        images: sequence -> image, 0 outside the brain or head.
        rules: thresholds by name.
    """
    where = f"{name} on {reference}"
    residual = residual_mm(images[reference], images[name])
    if residual is None:
        return not_assessable("alignment", "too little brain that both show", "a whole brain", where)
    verdict = rules["alignment"].verdict(round(residual, 1))
    told = f"{residual:.1f} mm" if residual <= _SURE_MM else f"more than {_SURE_MM:.0f} mm"
    return Check(
        id="alignment",
        verdict=verdict,
        found=f"{told} between the two, measured from the images",
        expected="at most 3 mm",
        action="look at both side by side; register them again" if verdict is not Verdict.PASS else "",
        where=where,
    )


def residual_mm(fixed: Volume, moving: Volume, seed: int = 0) -> float | None:
    """How far a sequence lies from another on the same grid: mean over the brain, mm; None with too little brain.

    Args:
        fixed, moving: 0 outside the brain or head.
        seed: of the places between the voxels.
    """
    box = box_of((fixed.data != 0) | (moving.data != 0), 0)
    fixed, moving = cut(fixed, box), cut(moving, box)
    points_N3 = _points(fixed, moving, np.random.default_rng(seed))
    if len(points_N3) < _FEWEST_POINTS:
        return None
    world_N3 = points_N3 @ fixed.affine_44[:3, :3].T
    middle = world_N3.mean(axis=0)
    from_middle_N3 = world_N3 - middle
    to_index = np.linalg.inv(moving.affine_44[:3, :3])
    fixed_N = ndimage.map_coordinates(_flat(fixed), points_N3.T, order=1)
    classes_N = np.searchsorted(_edges(fixed_N), fixed_N) * _GREYS
    image = _flat(moving)
    edges = _edges(ndimage.map_coordinates(image, points_N3.T, order=1))

    def moved(motion_6: Floats) -> Floats:
        way: Floats = motion_6[:3] + np.cross(motion_6[3:] / _ARM_MM, from_middle_N3)
        return way

    def unlikeness(motion_6: Floats) -> float:
        at_N3 = points_N3 + moved(motion_6) @ to_index.T
        value_N = ndimage.map_coordinates(image, at_N3.T, order=1, mode="nearest")
        return -_information(np.bincount(classes_N + np.searchsorted(edges, value_N), minlength=_GREYS**2))

    motion_6, least = _descend(unlikeness, np.zeros(6))
    far = min(_FAR, key=unlikeness)  # from no motion a large one is not found: its slope is too short
    if unlikeness(far) < least:
        motion_6, _ = _descend(unlikeness, far)
    return float(np.linalg.norm(moved(motion_6), axis=1).mean())


def _descend(unlikeness: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    """The motion that the search ends at, and its unlikeness."""
    found = optimize.minimize(
        unlikeness,
        start,
        method="Nelder-Mead",
        options={
            "initial_simplex": start + np.vstack([np.zeros(6), np.eye(6) * _FIRST_STEP_MM]),
            "xatol": 0.05,
            "fatol": 1e-5,
            "maxfev": 250,
        },
    )
    return np.asarray(found.x), float(found.fun)


def _points(fixed: Volume, moving: Volume, rng: np.random.Generator) -> Floats:
    """Places (N, 3) between voxels, as indices, deep in what both show."""
    spacing = fixed.grid.spacing_mm
    x, y, z = (slice(None, None, max(1, round(_POINTS_MM / mm))) for mm in spacing)
    both = ((fixed.data != 0) & (moving.data != 0))[x, y, z]
    coarse = [mm * (side.step or 1) for mm, side in zip(spacing, (x, y, z), strict=True)]
    deep = ndimage.distance_transform_edt(np.pad(both, 1), sampling=coarse)[1:-1, 1:-1, 1:-1] > _DEPTH_MM
    points_N3 = np.argwhere(deep) * [x.step, y.step, z.step]
    points_N3 = points_N3[:: 1 + len(points_N3) // _MOST_POINTS]
    return np.asarray(points_N3 + rng.uniform(-0.5, 0.5, points_N3.shape))


def _flat(volume: Volume) -> NDArray[np.float32]:
    """The image as each place looks against its surroundings, so that a coil's shading aligns with nothing."""
    inside = (volume.data != 0).astype(np.float32)
    size = [1 + 2 * round(_AROUND_MM / mm) for mm in volume.grid.spacing_mm]
    weight = np.maximum(ndimage.uniform_filter(inside, size), 1e-3)
    value = volume.data.astype(np.float32)
    value -= ndimage.uniform_filter(value, size) / weight
    value *= inside
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(value * value, size), 0) / weight)
    return np.asarray(value / np.maximum(spread, 1e-6 + 0.05 * float(spread.max())))


def _edges(value_N: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between classes that are equally filled; fewer than there could be where values repeat."""
    return np.unique(np.percentile(value_N, np.linspace(0, 100, _GREYS + 1)[1:-1])).astype(np.float32)


def _information(joint: NDArray[np.int_]) -> float:
    """Normalised mutual information of a joint histogram: 1 for independence, 2 for identity."""
    share = joint.reshape(_GREYS, _GREYS) / joint.sum()
    return (_entropy(share.sum(axis=0)) + _entropy(share.sum(axis=1))) / _entropy(share)


def _entropy(share: Floats) -> float:
    known = share[share > 0]
    return float(-(known * np.log(known)).sum())
