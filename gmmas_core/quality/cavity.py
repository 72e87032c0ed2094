"""Whether a brain may have been operated on: fluid on one side only that reaches the surface.

Fluid is bright on T2 and dark on T1 and FLAIR, each against its own brain. What has fluid opposite it is ventricle or
sulcus. A suspicion and no more: an old infarct, an arachnoid cyst or one wide Sylvian fissure looks alike,
a cavity full of blood or protein does not, and one in the midline has itself opposite.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume
from gmmas_core.measures.midline import Midline, estimate_midline
from gmmas_core.measures.values import Missing
from gmmas_core.quality.check import Check, Verdict, not_assessable
from gmmas_core.quality.sketch import Sketch, every
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_BRIGHT, _DARK = 2.0, -1.0  # robust SD
_OPPOSITE_MM = 8.0  # halves are never exactly alike
_SURFACE_MM = 6.0


def check_cavity(images: Mapping[str, Volume], sketches: Mapping[str, Sketch], rules: Rules = THRESHOLDS) -> Check:
    """Whether there is a large one-sided hole full of fluid.

    Args:
        images: on one grid, with "t2", "flair" and one of "t1" and "t1c".
        sketches: of the same.
        rules: thresholds by name.
    """
    volume = one_sided_fluid_ml(images, sketches)
    if isinstance(volume, Missing):
        return not_assessable("cavity", volume.reason, "a brain with a midline")
    verdict = rules["cavity"].verdict(round(volume, 1))
    action = "look whether this brain was operated on: the model knows tumours before surgery only"
    return Check(
        id="cavity",
        verdict=verdict,
        found=f"{volume:.0f} mL of fluid on one side only that reach the surface",
        expected="at most 10 mL",
        action=action if verdict is not Verdict.PASS else "",
    )


def one_sided_fluid_ml(images: Mapping[str, Volume], sketches: Mapping[str, Sketch]) -> float | Missing:
    """Volume of the largest such piece, mL."""
    t1 = sketches["t1" if "t1" in sketches else "t1c"]
    t2, flair = sketches["t2"], sketches["flair"]
    fluid = (t2.value_XYZ > _BRIGHT) & (flair.value_XYZ < _DARK) & (t1.value_XYZ < _DARK)
    fluid = ndimage.binary_opening(fluid & t2.inside_XYZ)
    if not fluid.any():
        return 0.0
    first = next(iter(images.values()))
    chosen = every(first)
    affine_44 = first.affine_44.copy()
    affine_44[:3, :3] *= [side.step for side in chosen]
    coarse = {name: Volume(volume.data[chosen], affine_44) for name, volume in images.items()}
    # A hole is as little its mirror image as a tumour: it is left out where the middle is looked for.
    midline = estimate_midline(coarse, Volume(fluid, affine_44))
    if isinstance(midline, Missing):
        return midline
    alone = fluid & ~_has_opposite(fluid, affine_44, midline, t2.spacing_mm)
    return _largest_at_surface(ndimage.binary_opening(alone), t2.inside_XYZ, t2.spacing_mm)


def _has_opposite(
    fluid: NDArray[np.bool_], affine_44: NDArray[np.float64], midline: Midline, spacing: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Fluid that has fluid near its mirror image."""
    near = ndimage.distance_transform_edt(~fluid, sampling=spacing) <= _OPPOSITE_MM
    at_N3 = np.argwhere(fluid)
    world_N3 = at_N3 @ affine_44[:3, :3].T + affine_44[:3, 3]
    normal = np.array([1.0, -midline.by_y, -midline.by_z])
    normal /= np.linalg.norm(normal)
    mirrored = world_N3 - 2 * midline.right_of_mm(world_N3)[:, None] * normal
    index = np.rint((mirrored - affine_44[:3, 3]) @ np.linalg.inv(affine_44[:3, :3]).T).astype(int)
    index = np.clip(index, 0, np.array(fluid.shape) - 1)
    opposite = np.zeros_like(fluid)
    opposite[tuple(at_N3.T)] = near[tuple(index.T)]
    return opposite


def _largest_at_surface(
    alone: NDArray[np.bool_], brain: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> float:
    depth = ndimage.distance_transform_edt(np.pad(brain, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    labels, count = ndimage.label(alone)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    touching = np.unique(labels[alone & (depth <= _SURFACE_MM)])
    largest = max((int(sizes[label]) for label in touching if label), default=0)
    return largest * float(np.prod(spacing)) / 1000
