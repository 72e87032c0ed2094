"""Checks of how a sequence was recorded and stored: number range, noise, interpolated slices, ghosts, FLAIR."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of
from gmmas_core.quality.check import Check, Verdict, not_assessable
from gmmas_core.quality.sketch import FEWEST_VOXELS, Sketch, every, sketch
from gmmas_core.quality.thresholds import THRESHOLDS, Rules

_LIMITS = (255, 1023, 4095, 16383, 32767, 65535)
"""Largest values of 8, 10, 12, 14, 15 and 16 bits."""

_AXES = dict.fromkeys("RL", "left to right") | dict.fromkeys("AP", "front to back") | dict.fromkeys("SI", "up and down")
_ALIKE_EDGES = 1.5
_HEAD = 0.1  # of the 99.5th percentile
_FEWEST_BACKGROUND = 2000  # voxels on each pair of sides


def check_number_limit(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether brightness ends exactly where a number type ends."""
    largest = float(volume.data.max())
    is_limit = largest in _LIMITS
    verdict = rules["number_limit"].verdict(float(is_limit))
    at_most = int(np.count_nonzero(volume.data == largest))
    action = "brightness was clipped there or stretched to it: export the scanner's own values"
    return Check(
        id="number_limit",
        verdict=verdict,
        found=f"a largest value of {largest:g} ({at_most} of its voxels)" + ", where a number type ends" * is_limit,
        expected="a largest value below what the number type holds",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_signal_to_noise(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether tissue stands out of the noise.

    The noise is estimated from the finest diagonal Haar wavelets inside the brain (Donoho and Johnstone 1994,
    doi:10.1093/biomet/81.3.425); interpolation lowers it, so that a resampled image passes too easily.
    """
    noise, signal = noise_and_signal(volume)
    if noise is None:
        return not_assessable("signal_to_noise", "too little brain, or none of its noise left", "a brain", name)
    ratio = signal / noise
    verdict = rules["signal_to_noise"].verdict(round(ratio, 1))
    return Check(
        id="signal_to_noise",
        verdict=verdict,
        found=f"a ratio of {ratio:.0f}",
        expected="at least 8",
        action="look at the image; repeat it or leave it out" if verdict is not Verdict.PASS else "",
        where=name,
    )


def noise_and_signal(volume: Volume) -> tuple[float | None, float]:
    """Standard deviation of the noise, None where none can be found, and the median of the head or brain.

    In the plane of the two finest axes: along a thick axis anatomy itself differs from voxel to voxel.
    """
    fine = sorted(np.argsort(volume.grid.spacing_mm, kind="stable")[:2])
    plane = np.moveaxis(volume.data, fine, (0, 1))
    x, y = (n // 2 * 2 for n in plane.shape[:2])
    blocks = plane[:x, :y].astype(np.float32).reshape(x // 2, 2, y // 2, 2, -1)
    least = _HEAD * np.percentile(blocks, 99.5)
    inside = (blocks > max(float(least), 0.0)).all(axis=(1, 3))
    if np.count_nonzero(inside) < FEWEST_VOXELS:
        return None, 0.0
    wavelet = (blocks[:, 0, :, 0] - blocks[:, 0, :, 1] - blocks[:, 1, :, 0] + blocks[:, 1, :, 1])[inside] / 2
    noise = float(np.median(np.abs(wavelet)) / 0.6745)
    return (noise if noise > 0 else None), float(np.median(blocks[:, 0, :, 0][inside]))


def check_interpolated(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether a fine grid hides thick slices: interpolation leaves their axis far smoother than the others.

    The roughness along an axis is the mean size of second differences, 6 mm and more below the surface.
    """
    edges = volume.grid.spacing_mm
    seen = sketch(volume)
    # Not the rim of a cut field of view that was filled with almost nothing: it is rough across the slices.
    signal = seen.inside_XYZ & (seen.value_XYZ * seen.spread > -0.94 * seen.median)
    at_N3 = np.argwhere(ndimage.binary_erosion(signal, iterations=3)) * [side.step for side in every(volume)]
    at_N3 = at_N3[((at_N3 > 0) & (at_N3 < np.array(volume.data.shape) - 1)).all(axis=1)]
    if max(edges) > _ALIKE_EDGES * min(edges) or len(at_N3) < FEWEST_VOXELS:
        return not_assessable("interpolated", "edges too unlike or too little brain", "a brain in even voxels", name)
    before, here, after = (
        [volume.data[tuple((at_N3 + k * step).T)].astype(np.float32) for step in np.eye(3, dtype=int)]
        for k in (-1, 0, 1)
    )
    rough = [float(np.abs(a - 2 * b + c).mean()) for a, b, c in zip(before, here, after, strict=True)]
    ratio = min(rough) / max(*rough, 1e-9)
    verdict = rules["interpolated"].verdict(round(ratio, 2))
    axis = _AXES[volume.grid.orientation[int(np.argmin(rough))]]
    action = "slices seem to have been thick: thin rims and small lesions may be missed, sizes are coarse"
    return Check(
        id="interpolated",
        verdict=verdict,
        found=f"{ratio:.2f} of the roughness along {axis}, its smoothest axis",
        expected="0.35 and more of the roughest axis's, as 3-D scans have",
        action=action if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_ghosting(name: str, volume: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the head is repeated beside itself, as in the phase direction of a patient who moved.

    The percent-signal-ghosting ratio of the American College of Radiology's phantom test, of the middle slices. Needs
    the air around the head: nothing can be said of a brain without its skull.
    """
    flat = np.moveaxis(volume.data, int(np.argmax(volume.grid.spacing_mm)), -1)
    middle = flat[:, :, flat.shape[2] // 3 : 2 * flat.shape[2] // 3].astype(np.float32)
    head = middle > _HEAD * np.percentile(middle, 99.5)
    if not head.any() or np.count_nonzero(middle == 0) > 0.5 * np.count_nonzero(~head):
        found = "an empty background: the skull was removed or the air masked"
        return not_assessable("ghosting", found, "air around the head", name)
    rows, columns, _ = box_of(ndimage.binary_opening(head), 2)
    beside = np.concatenate([middle[: rows.start, columns].ravel(), middle[rows.stop :, columns].ravel()])
    before = np.concatenate([middle[rows, : columns.start].ravel(), middle[rows, columns.stop :].ravel()])
    if min(beside.size, before.size) < _FEWEST_BACKGROUND:
        return not_assessable("ghosting", "too little air around the head", "air on all sides of the head", name)
    ratio = float(abs(beside.mean() - before.mean()) / (2 * middle[head].mean()))
    verdict = rules["ghosting"].verdict(round(ratio, 4))
    return Check(
        id="ghosting",
        verdict=verdict,
        found=f"a ghosting ratio of {ratio:.1%}",
        expected="at most 3 %",
        action="look for repeated edges; the patient may have moved" if verdict is not Verdict.PASS else "",
        where=name,
    )


def check_fluid_on_flair(sketches: Mapping[str, Sketch], deep: NDArray[np.bool_], rules: Rules = THRESHOLDS) -> Check:
    """Whether fluid is dark on FLAIR, where the other sequences show fluid: bright on T2, dark on T1.

    Args:
        sketches: with "t2", "flair" and one of "t1" and "t1c", on one grid.
        deep: where to look, see `together.deep_of`.
        rules: thresholds by name.
    """
    t1 = sketches["t1" if "t1" in sketches else "t1c"].value_XYZ[deep]
    t2, flair = sketches["t2"].value_XYZ[deep], sketches["flair"].value_XYZ[deep]
    if len(t2) < FEWEST_VOXELS:
        return not_assessable("fluid_on_flair", "too little brain that all show", "a whole brain", "flair")
    fluid = (t2 >= np.percentile(t2, 97)) & (t1 <= np.percentile(t1, 10))
    if np.count_nonzero(fluid) < 20:
        return not_assessable("fluid_on_flair", "no fluid that t2 and t1 agree on", "ventricles", "flair")
    value = float(np.percentile(flair[fluid], 25))
    verdict = rules["fluid_on_flair"].verdict(round(value, 2))
    return Check(
        id="fluid_on_flair",
        verdict=verdict,
        found=f"fluid at {value:+.1f} robust SD of the median brain",
        expected="fluid darker than the brain",
        action="look whether this is a FLAIR, and whether it suppresses fluid" if verdict is not Verdict.PASS else "",
        where="flair",
    )
