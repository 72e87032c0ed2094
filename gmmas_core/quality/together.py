"""Checks of sequences against each other: one place, no copies, none under another's name.

What tells sequences apart here: fluid is bright on T2 and on nothing else, so where T2 is brightest the others are
dark, and not the other way round; in the tissue between, FLAIR goes with T2 and T1 (either) does not; and after
contrast vessels and tumour are brighter than before.
"""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.quality.check import Check, Verdict, gravest
from gmmas_core.quality.sketch import FEWEST_VOXELS, Sketch, common_brain, correlation, deep_brain, every
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_BRIGHTEST = 98  # percentile
_TISSUE = (5, 70)  # percentiles of T2 between which there is neither fluid nor most of a tumour
_SHIFT = 2  # voxels
_PLACES = 8000
_RIM_MM = 5.0  # by which brain masks of one head may differ
_SMOOTH_MM = 4.0  # small shifts between two sequences must not look like contrast agent


def check_one_grid(images: Mapping[str, Volume]) -> Check:
    """Whether all sequences lie on one grid."""
    first, *others = images.items()
    off = [name for name, volume in others if not same_grid(first[1].grid, volume.grid)]
    return Check(
        id="one_grid",
        verdict=Verdict.FAIL if off else Verdict.PASS,
        found=f"{', '.join(off)} on another grid than {first[0]}" if off else f"one grid ({first[1].grid.orientation})",
        expected="one grid for all sequences",
        action="register and resample all sequences to one grid" if off else "",
    )


def check_coverage(name: str, sketches: Mapping[str, Sketch], rules: Rules = THRESHOLDS) -> Check:
    """Whether a sequence shows all of the brain that the others show, no piece cut off and no part almost black."""
    union = np.logical_or.reduce([one.inside_XYZ for one in sketches.values()])
    seen = sketches[name]
    share = int(np.count_nonzero(seen.inside_XYZ)) / max(int(np.count_nonzero(union)), 1)
    # value = (x - median) / spread, so x < 6 % of the median is value < -0.94 median / spread
    dark = float((seen.value_XYZ[seen.inside_XYZ] < -0.94 * seen.median / max(seen.spread, 1e-9)).mean())
    lost_ml = _largest_piece_ml(union & ~seen.inside_XYZ, seen.spacing_mm)
    verdict = gravest(
        rules["coverage"].verdict(share),
        rules["dark_part"].verdict(dark),
        rules["missing_piece"].verdict(round(lost_ml, 1)),
    )
    return Check(
        id="coverage",
        verdict=verdict,
        found=f"signal in {share:.0%} of the brain, {dark:.1%} of it almost black, "
        f"{lost_ml:.0f} mL missing in one piece",
        expected="at least 80 %, at most 4 % almost black, at most 5 mL missing in one piece",
        action="the field of view may be cut: look at this sequence" if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_duplicates(
    pair: tuple[str, str],
    images: Mapping[str, Volume],
    deep: NDArray[np.bool_],
    rules: Rules = THRESHOLDS,
) -> Check:
    """Whether two sequences are one image, exactly or but for brightness and a shift by up to two voxels."""
    one, other = pair
    identical = np.array_equal(images[one].data, images[other].data)
    likeness = 1.0 if identical else _likeness(images[one], images[other], deep)
    verdict = Verdict.FAIL if identical else rules["duplicates"].verdict(likeness)
    found = "one and the same image" if identical else f"a correlation of {likeness:.2f}"
    return Check(
        id="duplicates",
        verdict=verdict,
        found=found,
        expected="two different images",
        action="one of the two has the wrong name: replace it or leave it out" if verdict is not Verdict.PASS else "",
        where=f"{one} and {other}",
    )


def check_fluid(name: str, sketches: Mapping[str, Sketch], deep: NDArray[np.bool_], rules: Rules = THRESHOLDS) -> Check:
    """Whether T2 and another sequence have the right names, by the brightness of fluid.

    The number is how bright the other is where T2 is brightest, minus how bright T2 is where the other is brightest
    (lower quartiles); a swap turns its sign.
    """
    rule = rules["fluid_flair" if name == "flair" else "fluid_t1"]
    t2, other = (sketches[s].value_XYZ[deep] for s in ("t2", name))
    if len(t2) < FEWEST_VOXELS:
        return _too_small("fluid", f"t2 and {name}")
    sign = _where_brightest(t2, other) - _where_brightest(other, t2)
    verdict = rule.verdict(sign)
    found = {
        Verdict.PASS: "fluid bright on t2 and dark on the other",
        Verdict.WARN: "no clear sign which of the two shows fluid bright",
        Verdict.FAIL: f"fluid bright on {name} and dark on t2",
    }[verdict]
    return Check(
        id="fluid",
        verdict=verdict,
        found=f"{found} ({sign:+.1f})",
        expected=f"fluid bright on t2 and dark on {name}",
        action="look whether the two files were swapped" if verdict is not Verdict.PASS else "",
        where=f"t2 and {name}",
    )


def check_tissue(
    name: str, sketches: Mapping[str, Sketch], deep: NDArray[np.bool_], rules: Rules = THRESHOLDS
) -> Check:
    """Whether FLAIR and T1, before or after contrast, have the right names, by how their tissue goes with that of T2.

    The number is FLAIR's correlation with T2 minus the other's; a swap turns its sign.
    """
    t2, flair, other = (sketches[s].value_XYZ[deep] for s in ("t2", "flair", name))
    if len(t2) < FEWEST_VOXELS:
        return _too_small("tissue", f"{name} and flair")
    low, high = np.percentile(t2, _TISSUE)
    tissue = (t2 > low) & (t2 < high)
    sign = correlation(t2[tissue], flair[tissue]) - correlation(t2[tissue], other[tissue])
    verdict = rules["tissue"].verdict(sign)
    found = {
        Verdict.PASS: "tissue that goes with t2 on flair",
        Verdict.WARN: "no clear sign on which of the two tissue goes with t2",
        Verdict.FAIL: f"tissue that goes with t2 on {name}",
    }[verdict]
    return Check(
        id="tissue",
        verdict=verdict,
        found=f"{found} ({sign:+.2f})",
        expected=f"tissue that goes with t2 on flair more than on {name}",
        action="look whether the two files were swapped" if verdict is not Verdict.PASS else "",
        where=f"{name} and flair",
    )


def check_contrast_agent(sketches: Mapping[str, Sketch], rules: Rules = THRESHOLDS) -> Check:
    """Whether t1c is brighter than t1 where contrast goes, by the asymmetry of the two tails of the difference."""
    t1, t1c = sketches["t1"], sketches["t1c"]
    steps = [max(1, round(_SMOOTH_MM / mm)) for mm in t1.spacing_mm]
    brain = ndimage.binary_erosion(common_brain({"t1": t1, "t1c": t1c}), iterations=2)
    difference = ndimage.uniform_filter(t1c.value_XYZ - t1.value_XYZ, steps)[brain]
    if len(difference) < FEWEST_VOXELS:
        return _too_small("contrast_agent", "t1 and t1c")
    low, middle, high = np.percentile(difference, (0.5, 50, 99.5))
    sign = float(high + low - 2 * middle)
    verdict = rules["contrast_agent"].verdict(sign)
    found = {
        Verdict.PASS: "places that are brighter after contrast",
        Verdict.WARN: "no clear sign of contrast agent",
        Verdict.FAIL: "places that are brighter on t1 than on t1c",
    }[verdict]
    return Check(
        id="contrast_agent",
        verdict=verdict,
        found=f"{found} ({sign:+.1f})",
        expected="vessels and tumour brighter on t1c than on t1",
        action="look whether the two files were swapped or no contrast was given"
        if verdict is not Verdict.PASS
        else "",
        where="t1 and t1c",
    )


def _likeness(one: Volume, other: Volume, deep: NDArray[np.bool_]) -> float:
    """The largest correlation over all shifts by up to _SHIFT voxels, at places spread over the deep brain."""
    at_N3 = np.argwhere(deep) * [side.step for side in every(one)]
    at_N3 = at_N3[:: 1 + len(at_N3) // _PLACES]
    at_N3 = at_N3[((at_N3 >= _SHIFT) & (at_N3 < np.array(one.data.shape) - _SHIFT)).all(axis=1)]
    value = one.data[tuple(at_N3.T)].astype(np.float32)
    shifts = product(range(-_SHIFT, _SHIFT + 1), repeat=3)
    return max(correlation(value, other.data[tuple((at_N3 + s).T)].astype(np.float32)) for s in shifts)


def _largest_piece_ml(lost: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> float:
    """The largest piece of what balls of _RIM_MM radius fill, so that a rim counts for nothing."""
    depth = ndimage.distance_transform_edt(np.pad(lost, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    core = depth > _RIM_MM
    if not core.any():
        return 0.0
    labels, _ = ndimage.label(ndimage.distance_transform_edt(~core, sampling=spacing_mm) <= _RIM_MM)
    return int(np.bincount(labels.ravel())[1:].max()) * math.prod(spacing_mm) / 1000


def deep_of(sketches: Mapping[str, Sketch]) -> NDArray[np.bool_]:
    """Where sequences are compared: below the surface, or the common brain where that is too little."""
    deep = deep_brain(sketches)
    return deep if np.count_nonzero(deep) >= FEWEST_VOXELS else common_brain(sketches)


def _where_brightest(bright: NDArray[np.float32], value: NDArray[np.float32]) -> float:
    return float(np.percentile(value[bright >= np.percentile(bright, _BRIGHTEST)], 25))


def _too_small(check: str, where: str) -> Check:
    return Check(
        id=check,
        verdict=Verdict.NOT_ASSESSABLE,
        found="too little brain that both show",
        expected="a whole brain",
        action="see the other checks",
        where=where,
    )
