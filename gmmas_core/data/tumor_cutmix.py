"""Tumor-CutMix: composites of two cases of one site, made patch by patch from the cache while training runs.

Source: GMMAS (Liu et al., arXiv 2501.17758), Figure 1: "Segments of the tumor region from one class (e.g., LGG [1,0])
are combined with tumor regions of another class (e.g., GBM [0,1]) to generate a blended tumor image, with the
corresponding labels indicating the proportion of each class in the composite (e.g., [0.6,0.4])". The formula and the
code were not published. The nearest published methods are CutMix (Yun et al. 2019, arXiv 1905.04899: a box, labels
by area), CarveMix (Zhang et al., MICCAI 2021: the lesion's own shape instead of a box, segmentation only) and TumorCP
(Yang et al., MICCAI 2021: copy-paste of tumours, segmentation only). Two forms, both ours; ablate them:

"paper": a segment of the donor's tumour (what lies on one side of a random plane through it; sometimes all of it) is
laid over the host's tumour so that the two meet. Class targets are mixed by the two tumours' shares of tumour voxels,
not by area. Where a shape is pasted, its labels are the donor's; only intensities have a soft edge.

"anatomical": a brain has one tumour and a tumour has one class. The host's tumour is replaced by the mirrored other
hemisphere, the donor's whole tumour is laid into the host's brain, and every label is the donor's.

Unlike the authors' offline list of composites, nothing is stored: each composite is new, costs two patch reads, and
the whole-brain context is changed along (context_change). A composite has the sequences that both cases have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data import context_change, soft_layer, targets
from gmmas_core.data.composite import Canvas, Composite, read_patch, shifted
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.targets import Targets
from gmmas_core.types import UNKNOWN

WHOLE_SHARE = 0.25
"""Of "paper" composites, those that take the donor's tumour uncut."""

HEAL_GROW = 3
"""Voxels by which the host's tumour is dilated before it is replaced: its rim is not normal tissue."""

PASTE_GROW = (2, 6)
"""Voxels, least and most, of the donor's surroundings that come along in "anatomical" composites."""

MIN_IN_BRAIN = 0.9
"""Share of the donor's tumour that must lie in the host's brain."""

TRIES = 12
"""Places that are tried for the donor's tumour."""


def draw_composite(
    form: str, host: PreparedCase, donor: PreparedCase, *, start: Triple, size: Triple, rng: np.random.Generator
) -> Composite | None:
    """One composite; only patches and the contexts are read.

    Args:
        form: key of FORMS.
        host: gives the brain and the place.
        donor: gives a tumour.
        start: first voxel of the patch in the host's crop; may be negative.
        size: voxels of the patch.
        rng: the only source of randomness.

    Returns:
        None where these two make none: no tumour, no common sequence, no host tumour in the patch ("paper"), a tumour
        that the other hemisphere cannot replace or no place for the donor's ("anatomical").
    """
    available_C = host.available_C & donor.available_C
    if not available_C.any() or not len(host.tumour_N3) or not len(donor.tumour_N3):
        return None
    return FORMS[form].compose(host, donor, available_C, start, size, rng)


def choose_donor(
    form: str,
    host: int,
    *,
    has_tumour_N: NDArray[np.bool_],
    available_NC: NDArray[np.bool_],
    labels_NT: NDArray[np.int64],
    rng: np.random.Generator,
) -> int | None:
    """Another case with a tumour and a sequence in common, or None; Form.prefers says which are drawn from first.

    Args:
        form: key of FORMS.
        host: index of the host.
        has_tumour_N: which cases have a mask that is not empty.
        available_NC: sequences per case.
        labels_NT: known class per case and task, UNKNOWN elsewhere.
        rng: one value is drawn, whatever there is to choose from.
    """
    pick = rng.random()
    able_N = has_tumour_N & (available_NC & available_NC[host]).any(axis=1)
    able_N[host] = False
    preferred_N = able_N & FORMS[form].prefers(labels_NT, host)
    pool = np.flatnonzero(preferred_N if preferred_N.any() else able_N)
    return int(pool[int(pick * len(pool))]) if len(pool) else None


def _blend_two(
    host: PreparedCase,
    donor: PreparedCase,
    available_C: NDArray[np.bool_],
    start: Triple,
    size: Triple,
    rng: np.random.Generator,
) -> Composite | None:
    normal_3, is_whole = rng.standard_normal(3), rng.random() < WHOLE_SHARE
    pick_host, pick_donor = rng.random(2)
    inside_N3 = host.tumour_N3[_is_inside(host.tumour_N3 - np.array(start), size)]
    if not len(inside_N3):
        return None
    seam_3 = inside_N3[int(pick_host * len(inside_N3))] - np.array(start)
    donor_seam_3 = donor.tumour_N3[int(pick_donor * len(donor.tumour_N3))]
    donor_start = _triple(donor_seam_3 - seam_3)  # the two tumours meet where both seams are
    canvas = Canvas(host, available_C, start, size)
    donor_seg_XYZ = donor.seg_patch(donor_start, size)
    segment_XYZ = (donor_seg_XYZ > 0) & canvas.brain_XYZ
    if not is_whole:
        x, y, z = (n * (np.arange(length) - at) for n, length, at in zip(normal_3, size, seam_3, strict=True))
        segment_XYZ &= x[:, None, None] + y[:, None] + z >= 0
    if not segment_XYZ.any():
        return None
    mask = soft_layer.soft_mask(segment_XYZ)
    canvas.lay(mask, read_patch(donor, available_C, shifted(donor_start, mask.low), mask.size))
    seg_XYZ = np.where(segment_XYZ, donor_seg_XYZ, host.seg_patch(start, size))
    return canvas.composite(seg_XYZ, segment_XYZ)


def _replace_one(
    host: PreparedCase,
    donor: PreparedCase,
    available_C: NDArray[np.bool_],
    start: Triple,
    size: Triple,
    rng: np.random.Generator,
) -> Composite | None:
    places_N3, grow = rng.random((TRIES, 3)), int(rng.integers(PASTE_GROW[0], PASTE_GROW[1] + 1))
    canvas = Canvas(host, available_C, start, size)
    covered = canvas.overlaps((0, 0, 0), size)
    if not context_change.heal_outside(canvas.context_CXYZ, host, covered, HEAL_GROW) or not _heal(canvas):
        return None
    donor_start = _find_place(donor, canvas.brain_XYZ, places_N3)
    if donor_start is None:
        return None
    donor_seg_XYZ = donor.seg_patch(donor_start, size)
    tumour_XYZ = (donor_seg_XYZ > 0) & canvas.brain_XYZ
    mask = soft_layer.soft_mask(tumour_XYZ, grow)
    canvas.lay(mask, read_patch(donor, available_C, shifted(donor_start, mask.low), mask.size))
    return canvas.composite(np.where(tumour_XYZ, donor_seg_XYZ, np.uint8(0)), tumour_XYZ)


def _heal(canvas: Canvas) -> bool:
    """Replace the host's tumour in the patch by the other hemisphere; False where that cannot be done."""
    host, margin = canvas.host, soft_layer.reach(HEAL_GROW)  # a tumour beside the patch can reach into it
    start = shifted(canvas.start, (-margin, -margin, -margin))
    tumour_XYZ = host.seg_patch(start, shifted(canvas.size, (2 * margin, 2 * margin, 2 * margin))) > 0
    if not tumour_XYZ.any():
        return True
    mask = soft_layer.cut_mask(soft_layer.soft_mask(tumour_XYZ, HEAL_GROW), margin, canvas.size)
    if mask is None:
        return True
    low = shifted(canvas.start, mask.low)
    mirrored_low = (host.shape[0] - low[0] - mask.size[0], low[1], low[2])
    mirrored_CXYZ = read_patch(host, canvas.available_C, mirrored_low, mask.size)[:, ::-1]
    mirrored_tumour_XYZ = host.seg_patch(mirrored_low, mask.size)[::-1] > 0
    below_CXYZ = canvas.image_CXYZ[(slice(None), *mask.box)]
    piece_CXYZ = soft_layer.healthy_piece(mask, below_CXYZ, mirrored_CXYZ, mirrored_tumour_XYZ)
    if piece_CXYZ is None:
        return False
    canvas.lay(mask, piece_CXYZ)
    return True


def _find_place(donor: PreparedCase, brain_XYZ: NDArray[np.bool_], places_N3: NDArray[np.float64]) -> Triple | None:
    """Where to read the donor so that its tumour lies in the host's brain and in the patch, or None.

    The stored tumour voxels are asked first, which costs nothing; then all of them.
    """
    size = _triple(np.array(brain_XYZ.shape))
    first_3, last_3 = donor.tumour_N3.min(axis=0), donor.tumour_N3.max(axis=0)
    room_3 = np.array(size) - (last_3 - first_3 + 1)
    reach_3 = room_3 + np.where(room_3 < 0, -1, 1)  # a tumour with stray voxels may be wider than the patch
    for place_3 in places_N3:
        start_3 = first_3 - (place_3 * reach_3).astype(int)
        at_N3 = donor.tumour_N3 - start_3
        within_N3 = at_N3[_is_inside(at_N3, size)]
        if np.count_nonzero(brain_XYZ[tuple(within_N3.T)]) < MIN_IN_BRAIN * len(at_N3):
            continue
        start = _triple(start_3)
        tumour_XYZ = donor.seg_patch(start, size) > 0
        if brain_XYZ[tumour_XYZ].mean() >= MIN_IN_BRAIN:
            return start
    return None


def _differs(labels_NT: NDArray[np.int64], host: int) -> NDArray[np.bool_]:
    """Which cases have another known class than the host in some task."""
    known_NT = (labels_NT != UNKNOWN) & (labels_NT[host] != UNKNOWN)
    differs_N: NDArray[np.bool_] = (known_NT & (labels_NT != labels_NT[host])).any(axis=1)
    return differs_N


def _any(labels_NT: NDArray[np.int64], _host: int) -> NDArray[np.bool_]:
    return np.ones(len(labels_NT), dtype=bool)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way of making composites.

    Attributes:
        compose: makes one of a host and a donor.
        targets: its labels from the host's and the donor's and the host's share of the tumour.
        prefers: donors that are drawn from first.
        least_tumour_share: of host patches placed on the host's tumour, whatever the configuration says.
    """

    compose: Callable[
        [PreparedCase, PreparedCase, NDArray[np.bool_], Triple, Triple, np.random.Generator], Composite | None
    ]
    targets: Callable[[Targets, Targets, float], Targets]
    prefers: Callable[[NDArray[np.int64], int], NDArray[np.bool_]]
    least_tumour_share: float


FORMS: Mapping[str, Form] = {
    "paper": Form(compose=_blend_two, targets=targets.mix, prefers=_differs, least_tumour_share=1.0),
    "anatomical": Form(compose=_replace_one, targets=targets.adopt, prefers=_any, least_tumour_share=0.0),
}
"""Values of data.tumor_cutmix other than "none"."""


def _is_inside(place_N3: NDArray[np.int64], size: Triple) -> NDArray[np.bool_]:
    return np.asarray(((place_N3 >= 0) & (place_N3 < np.array(size))).all(axis=1))


def _triple(values_3: NDArray[Any]) -> Triple:
    x, y, z = values_3.tolist()
    return int(x), int(y), int(z)
