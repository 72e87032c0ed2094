"""Checks of where an image says that it lies: directions, voxel sizes, field of view."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of, upright
from gmmas_core.quality.check import Check, Verdict, gravest, not_assessable
from gmmas_core.quality.sketch import correlation
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_COARSE_MM = 4.0
_FEWEST = 500  # coarse voxels of a brain


def states_orientation(path: Path) -> bool:
    """Whether a NIfTI file says in which direction its axes run; without, left and right are a guess."""
    header = nib.load(path).header
    return bool(int(header["sform_code"]) or int(header["qform_code"]))


def check_orientation(name: str, volume: Volume, is_stated: bool, rules: Rules = THRESHOLDS) -> Check:
    """Whether left is left, as far as that can be known: the header says it, nearly along the axes.

    Args:
        name: of the sequence.
        volume: the image.
        is_stated: see `states_orientation`.
        rules: thresholds by name.
    """
    tilt = _tilt_degrees(volume.affine_44)
    verdict = gravest(Verdict.PASS if is_stated else Verdict.FAIL, rules["oblique"].verdict(round(tilt, 1)))
    said = f"axes {volume.grid.orientation}" if is_stated else "a header that states no orientation (codes 0)"
    action = "convert it from DICOM again, so that left and right are known; do not guess them"
    return Check(
        id="orientation",
        verdict=verdict,
        found=f"{said}, {tilt:.0f} degrees oblique",
        expected="stated axes, at most 20 degrees oblique",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_symmetry_axis(images: Mapping[str, Volume], rules: Rules = THRESHOLDS) -> Check:
    """Whether the axis that is called left to right is the one along which a head is its own mirror image.

    Finds axes under each other's names. Does not find left for right, upside down or front to back.
    """
    found = [likeness for likeness in map(_mirror_likeness, images.values()) if likeness is not None]
    if not found:
        return not_assessable("symmetry_axis", "too little brain", "a whole brain")
    right, anterior, superior = (float(value) for value in np.mean(found, axis=0))
    other = max(anterior, superior)
    verdict = rules["symmetry_axis"].verdict(round(right - other, 3))
    action = "the header may name the axes wrongly: look whether the picture shows the slices that it says"
    return Check(
        id="symmetry_axis",
        verdict=verdict,
        found=f"a mirror likeness of {right:.2f} left to right and {other:.2f} along another axis",
        expected="most left to right",
        action=action if verdict is not Verdict.PASS else "",
    )


def check_spacing(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether voxel edges can be millimetres; too thick ones are the slice thickness check's matter."""
    edges = volume.grid.spacing_mm
    verdict = rules["voxel_edge"].verdict(round(min(edges), 3))
    return Check(
        id="spacing",
        verdict=verdict,
        found=f"voxels of {'x'.join(f'{mm:.3g}' for mm in edges)} mm",
        expected="edges of at least 0.4 mm",
        action="check the unit in the header; convert it again" if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_field_of_view(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether a brain fits into the volume at all."""
    extent = [n * mm for n, mm in zip(volume.data.shape, volume.grid.spacing_mm, strict=True)]
    verdict = rules["extent"].verdict(round(min(extent), 1))
    return Check(
        id="field_of_view",
        verdict=verdict,
        found=f"{'x'.join(f'{mm:.0f}' for mm in extent)} mm",
        expected="at least 110 mm along every axis",
        action="this is a slab or a cut series: take one that covers the brain" if verdict is not Verdict.PASS else "",
        where=name,
    )


def _tilt_degrees(affine_44: NDArray[np.float64]) -> float:
    """The largest angle between a grid axis and the anatomical one nearest to it."""
    directions = affine_44[:3, :3] / np.linalg.norm(affine_44[:3, :3], axis=0)
    nearest = np.abs(directions).max(axis=0)
    return float(np.degrees(np.arccos(np.clip(nearest, 0, 1))).max())


def _mirror_likeness(volume: Volume) -> tuple[float, float, float] | None:
    """Correlation with the mirror image along right, anterior and superior; the box's middle is the mirror."""
    turned = upright(volume)
    steps = tuple(slice(None, None, max(1, round(_COARSE_MM / mm))) for mm in turned.grid.spacing_mm)
    value = ndimage.uniform_filter(turned.data.astype(np.float32), [side.step for side in steps])[steps]
    inside = value > 0.1 * np.percentile(value, 99.5)
    if np.count_nonzero(inside) < _FEWEST:
        return None
    box = box_of(inside, 0)
    value, inside = np.clip(value[box], 0, np.percentile(value[box], 98)), inside[box]
    right, anterior, superior = (
        max(_shifted_likeness(value, inside, axis, shift) for shift in range(-2, 3)) for axis in range(3)
    )
    return right, anterior, superior


def _shifted_likeness(value: NDArray[np.float32], inside: NDArray[np.bool_], axis: int, shift: int) -> float:
    flipped = np.roll(np.flip(value, axis), shift, axis)
    either = inside | np.roll(np.flip(inside, axis), shift, axis)
    return correlation(value[either], flipped[either])
