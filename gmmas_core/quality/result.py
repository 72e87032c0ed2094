"""Everything that is asked of a segmentation before it is shown as a tumour.

A check can only say that something is unusual. A single metastasis with a ring and oedema passes all of them: it looks
like a glioblastoma, to these checks and often to a reader.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of, same_grid
from gmmas_core.measures.lesions import find_pieces, label_pieces
from gmmas_core.measures.volumes import region_of, voxel_ml
from gmmas_core.quality.check import Check, Verdict, gravest
from gmmas_core.quality.sketch import FEWEST_VOXELS, Sketch, every, sketch
from gmmas_core.quality.thresholds import THRESHOLDS, Rules
from gmmas_core.types import BACKGROUND, ENHANCING

DOMINANT = 0.7
"""Share of all cores that makes one of them the tumour and the others its satellites."""

_HEALTHY_MM = 5.0  # from the tumour


def check_result(images: Mapping[str, Volume], seg: Volume, rules: Rules = THRESHOLDS) -> tuple[Check, ...]:
    """Check a segmentation against the images that it was made from.

    Args:
        images: sequence -> image; those on another grid than the segmentation are not used.
        seg: canonical labels.
        rules: thresholds by name.

    Returns:
        Every check that was made; `tumour_found` alone where there is no tumour.
    """
    tumour = Volume(seg.data != BACKGROUND, seg.affine_44)
    found = check_tumour_found(tumour)
    if found.verdict is not Verdict.PASS:
        return (found,)
    here = {name: volume for name, volume in images.items() if same_grid(volume.grid, seg.grid)}
    checks = [
        found,
        check_volume(tumour, rules),
        check_scattered(tumour, rules),
        check_cores(seg, rules),
        check_edge(tumour, rules),
    ]
    if not here:
        return (*checks, *(_no_image(name) for name in ("outside_brain", "tumour_signal", "enhancement_signal")))
    seen = (check_outside(here, tumour, rules), check_signal(here, tumour, rules))
    return (*checks, *seen, check_enhancement(here, seg, rules))


def check_tumour_found(tumour: Volume) -> Check:
    """Whether anything was segmented."""
    is_empty = not tumour.data.any()
    return Check(
        id="tumour_found",
        verdict=Verdict.FAIL if is_empty else Verdict.PASS,
        found="no tumour" if is_empty else "a tumour",
        expected="a glioma, which is all that the model knows",
        action="do not read its answers about type and genes: they suppose a glioma" if is_empty else "",
    )


def check_volume(tumour: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the whole tumour has a glioma's size."""
    ml = float(np.count_nonzero(tumour.data) * voxel_ml(tumour.affine_44))
    verdict = gravest(rules["tumour_small"].verdict(ml), rules["tumour_large"].verdict(ml))
    return _check("tumour_volume", verdict, f"{ml:.1f} mL", "1 to 300 mL", "look whether all of it is tumour")


def check_scattered(tumour: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether most of the tumour hangs together."""
    _, voxels_N = label_pieces(tumour.data[box_of(tumour.data, 0)])
    share = 1 - float(voxels_N[0] / voxels_N.sum())
    found = f"{share:.0%} outside the largest of {len(voxels_N)} pieces"
    action = "look at every piece; several tumours, or a model that is lost"
    return _check("scattered", rules["scattered"].verdict(share), found, "at most 30 %", action)


def check_cores(seg: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether there are several cores of like size, as metastases have."""
    cores = find_pieces(region_of(seg, "tc")).lesions
    total = sum(core.volume_ml for core in cores)
    alike = len(cores) if cores and cores[0].volume_ml < DOMINANT * total else min(len(cores), 1)
    action = "think of metastases, abscesses, lymphoma, multifocal glioma: the model knows gliomas only"
    found = (
        f"{len(cores)} separate tumour cores, the largest {cores[0].volume_ml / total:.0%} of all" if cores else "none"
    )
    verdict = rules["multiple_cores"].verdict(alike)
    return _check("multiple_cores", verdict, found, "one or two, or one that holds most", action)


def check_edge(tumour: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the tumour ends where the volume ends."""
    border = np.ones(tumour.data.shape, dtype=bool)
    border[1:-1, 1:-1, 1:-1] = False
    voxels = int(np.count_nonzero(tumour.data & border))
    verdict = rules["tumour_at_edge"].verdict(voxels)
    action = "the field of view cuts the tumour: its volume is a lower bound"
    return _check("tumour_at_edge", verdict, f"{voxels} tumour voxels on the border", "none", action)


def check_outside(images: Mapping[str, Volume], tumour: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the tumour lies where some image has signal."""
    empty = np.logical_and.reduce([volume.data == 0 for volume in images.values()])
    share = float(np.count_nonzero(empty & tumour.data) / np.count_nonzero(tumour.data))
    action = "check that segmentation and images belong together and are not flipped"
    verdict = rules["outside_brain"].verdict(share)
    return _check("outside_brain", verdict, f"{share:.0%} of the tumour where every image is 0", "none", action)


def check_signal(images: Mapping[str, Volume], tumour: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether the tumour is brighter than the healthy brain on T2 or FLAIR."""
    names = [name for name in ("t2", "flair") if name in images]
    if not names:
        return _no_image("tumour_signal")
    gains = [_gain(sketch(images[name]), tumour, tumour) for name in names]
    known = {name: gain for name, gain in zip(names, gains, strict=True) if gain is not None}
    if not known:
        return _no_image("tumour_signal", "too little tumour or too little healthy brain")
    found = ", ".join(f"{gain:+.1f} on {name}" for name, gain in known.items())
    verdict = rules["tumour_signal"].verdict(max(known.values()))
    action = "the segmentation may lie in the wrong place: look at it on T2 and FLAIR"
    return _check("tumour_signal", verdict, found, "above +0.5 robust SD on one of them", action)


def check_enhancement(images: Mapping[str, Volume], seg: Volume, rules: Rules = THRESHOLDS) -> Check:
    """Whether what is called enhancing is brighter after contrast."""
    enhancing = Volume(seg.data == ENHANCING, seg.affine_44)
    if not enhancing.data.any():
        return _no_image("enhancement_signal", "no enhancing tumour")
    if not {"t1", "t1c"} <= set(images):
        return _no_image("enhancement_signal", "not both of t1 and t1c on the segmentation's grid")
    t1, t1c = (sketch(images[name]) for name in ("t1", "t1c"))
    both = Sketch(t1c.value_XYZ - t1.value_XYZ, t1.inside_XYZ & t1c.inside_XYZ, 0.0, 1.0, t1.spacing_mm)
    gain = _gain(both, enhancing, Volume(seg.data != BACKGROUND, seg.affine_44))
    if gain is None:
        return _no_image("enhancement_signal", "too little enhancing tumour or too little healthy brain")
    action = "look whether it enhances or was bright before contrast (blood), and whether t1 and t1c were swapped"
    verdict = rules["enhancement_signal"].verdict(gain)
    return _check("enhancement_signal", verdict, f"{gain:+.1f} robust SD", "above +0.5", action)


def _gain(seen: Sketch, part: Volume, tumour: Volume) -> float | None:
    """Median inside a part of the tumour minus the healthy brain's; None where either is too little to say."""
    chosen = every(part)
    inside: NDArray[np.bool_] = part.data[chosen] & seen.inside_XYZ
    far = ndimage.distance_transform_edt(~tumour.data[chosen], sampling=seen.spacing_mm) > _HEALTHY_MM
    healthy = seen.inside_XYZ & far
    if np.count_nonzero(inside) < 10 or np.count_nonzero(healthy) < FEWEST_VOXELS:
        return None
    return float(np.median(seen.value_XYZ[inside]) - np.median(seen.value_XYZ[healthy]))


def _check(name: str, verdict: Verdict, found: str, expected: str, action: str) -> Check:
    told = action if verdict is not Verdict.PASS else ""
    return Check(id=name, verdict=verdict, found=found, expected=expected, action=told)


def _no_image(name: str, found: str = "no image for it on the segmentation's grid") -> Check:
    return Check(
        id=name,
        verdict=Verdict.NOT_ASSESSABLE,
        found=found,
        expected="images and tumour to compare",
        action="judge it by eye",
    )
