"""Checks of one sequence alone: is there an image, is it a brain's, all of it, and without its skull."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume
from gmmas_core.quality.check import Check, Verdict, gravest
from gmmas_core.quality.sketch import Sketch, correlation, every, sketch
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_CONTENT = 0.1  # of the 99.5th percentile; below it is background, also where the background is not 0


def check_constant(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the file holds an image at all."""
    values = volume.data[every(volume)]
    different = min(len(np.unique(values)), 1000)
    verdict = rules["constant"].verdict(different)
    found = f"{different} different values" if verdict is not Verdict.PASS else "an image of many values"
    action = "export the sequence again or leave it out" if verdict is not Verdict.PASS else ""
    return Check(id="constant", verdict=verdict, found=found, expected="an image", action=action, where=name)


def check_noise(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether neighbouring voxels resemble each other, along the axis with the smallest voxel edge."""
    axis = int(np.argmin(volume.grid.spacing_mm))
    data = np.moveaxis(volume.data, axis, 0)[:, ::2, ::2]
    one, other = data[:-1].astype(np.float32), data[1:].astype(np.float32)
    both = (one != 0) & (other != 0)
    likeness = correlation(one[both], other[both])
    verdict = rules["noise"].verdict(likeness)
    action = "look at the image; export it again or leave it out" if verdict is not Verdict.PASS else ""
    return Check(
        id="noise",
        verdict=verdict,
        found=f"a correlation of {likeness:.2f} between neighbouring voxels",
        expected="more than 0.5, as in any anatomy",
        action=action,
        where=name,
    )


def check_saturation(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the brightest parts were cut off: far more voxels at the largest value than at the next one."""
    content = int(np.count_nonzero(volume.data))
    largest = volume.data.max()
    below = volume.data[volume.data < largest]
    next_to_it = np.count_nonzero(below == below.max()) if below.size else 0
    excess = int(np.count_nonzero(volume.data == largest)) - 2 * int(next_to_it)
    share = max(excess, 0) / max(content, 1)
    verdict = rules["saturation"].verdict(share)
    action = "export without clipping; enhancement may be cut off" if verdict is not Verdict.PASS else ""
    return Check(
        id="saturation",
        verdict=verdict,
        found=f"{share:.2%} of the content at its largest value",
        expected="at most 0.02 %",
        action=action,
        where=name,
    )


def check_tissue_contrast(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether there is tissue of different brightness, and not a bottle of water."""
    seen = sketch(volume)
    ratio = seen.spread / abs(seen.median) if seen.median else 0.0
    verdict = rules["tissue_contrast"].verdict(ratio)
    action = "this may be no brain: look at the image" if verdict is not Verdict.PASS else ""
    return Check(
        id="tissue_contrast",
        verdict=verdict,
        found=f"a spread of {ratio:.2f} of the median",
        expected="at least 0.07, as grey matter, white matter and fluid have",
        action=action,
        where=name,
    )


def check_skull(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the skull was removed: by the empty background and by how much is not background."""
    zeros = 1 - float(np.count_nonzero(volume.data)) / volume.data.size
    content = content_ml(volume)
    verdict = gravest(rules["empty_background"].verdict(zeros), rules["large_content"].verdict(content))
    action = "remove the skull (e.g. HD-BET or SynthStrip) and register the sequences to each other"
    return Check(
        id="skull",
        verdict=verdict,
        found=f"{content:.0f} mL of content and {zeros:.0%} of exact zeros",
        expected="a brain without its skull: at most 2000 mL and 0 outside of it",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_brain_volume(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether there is as much as a brain has; too much is the skull check's matter."""
    content = content_ml(volume)
    verdict = rules["small_content"].verdict(content)
    action = "look whether the field of view or the brain mask cuts the brain" if verdict is not Verdict.PASS else ""
    return Check(
        id="brain_volume",
        verdict=verdict,
        found=f"{content:.0f} mL of content",
        expected="at least 900 mL, an adult's brain",
        action=action,
        where=name,
    )


def check_slice_thickness(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether voxels are small enough for thin structures."""
    edges = volume.grid.spacing_mm
    verdict = rules["slice_thickness"].verdict(round(max(edges), 2))
    action = "take a 3-D series if there is one; thin rims and small lesions may be missed, sizes are coarse"
    return Check(
        id="slice_thickness",
        verdict=verdict,
        found=f"voxels of {'x'.join(f'{mm:.3g}' for mm in edges)} mm",
        expected="edges of at most 3 mm",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_cut_at_edge(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the brain goes on beyond one of the six sides of what was recorded, also where 0 was filled in there."""
    inside = _content(sketch(volume))
    worst = 0.0
    for axis in range(3):
        areas = [int(np.count_nonzero(layer)) for layer in np.moveaxis(inside, axis, 0)]
        worst = max(worst, _end_area(areas) / max(*areas, 1), _end_area(areas[::-1]) / max(*areas, 1))
    verdict = rules["cut_at_edge"].verdict(worst)
    action = "the field of view cuts the brain; volumes of a tumour at the cut are too small"
    return Check(
        id="cut_at_edge",
        verdict=verdict,
        found=f"{worst:.0%} of the largest cross-section in an outermost slice",
        expected="at most 20 %",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def _end_area(areas: Sequence[int]) -> int:
    """Area with which the content ends; where empty slices follow, what is left if it goes on shrinking as it did."""
    if areas[0]:
        return areas[0]
    some = [*np.trim_zeros(areas), 0, 0]
    return max(2 * some[0] - some[1], 0) if some[1] else 0


def content_ml(volume: Volume) -> float:
    """Volume of the largest piece above background, its holes filled."""
    seen = sketch(volume)
    return float(np.count_nonzero(_content(seen)) * math.prod(seen.spacing_mm) / 1000)


def _content(seen: Sketch) -> NDArray[np.bool_]:
    values = seen.value_XYZ * max(seen.spread, 1e-9) + seen.median
    bright = ndimage.binary_fill_holes(values > _CONTENT * np.percentile(values, 99.5))
    labels, count = ndimage.label(bright)
    if not count:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(labels == np.bincount(labels.reshape(-1))[1:].argmax() + 1)
