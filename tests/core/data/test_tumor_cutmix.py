"""Composites: one geometry for all sequences, labels that follow the voxels, a context that tells the same story."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from gmmas_core.data.geometry import Grid
from gmmas_core.data.prepared_case import PreparedCase
from gmmas_core.data.preprocess import ContextFrame, make_context
from gmmas_core.data.targets import Targets, adopt, mix
from gmmas_core.data.tumor_cutmix import FORMS, choose_donor, draw_composite
from gmmas_core.types import UNKNOWN

SHAPE = (48, 40, 36)
SIZE = (48, 40, 36)
START = (0, 0, 0)
CONTEXT = 24  # of an edge of 48: two crop voxels per context voxel


def ball(centre, radius) -> np.ndarray:
    return sum((np.indices(SHAPE)[k] - c) ** 2 for k, c in enumerate(centre)) <= radius**2


def brain() -> np.ndarray:
    return sum(((np.indices(SHAPE)[k] - (n - 1) / 2) / (n / 2 - 2)) ** 2 for k, n in enumerate(SHAPE)) < 1


def prepared(name, tissue, label, *tumours, available=(True,) * 4) -> PreparedCase:
    """A brain, symmetric along X, of around `tissue`; tumours (centre, radius) of one label, 10 brighter.

    Sequence c is (c + 1) times the first one, so one geometry for all keeps that ratio.
    """
    index = np.indices(SHAPE)
    base = tissue + 0.02 * index[1] + 0.1 * np.cos((index[0] - (SHAPE[0] - 1) / 2) / 5)
    seg = np.zeros(SHAPE, np.uint8)
    for centre, radius in tumours:
        seg[ball(centre, radius) & brain()] = label
    base = np.where(brain(), base + 10 * (seg > 0), 0)
    image = np.stack([(c + 1) * base * available[c] for c in range(4)]).astype(np.float16)
    frame, context, context_seg = make_context(image, seg, CONTEXT)
    grid = Grid(SHAPE, np.eye(4))
    return PreparedCase(
        case_id=name,
        image_CXYZ=image,
        seg_XYZ=seg,
        context_CXYZ=context,
        context_seg_XYZ=context_seg,
        tumour_N3=np.argwhere(seg > 0).astype(np.int16),
        available_C=np.array(available),
        native=grid,
        inside=grid,
        crop_start=(0, 0, 0),
        context_frame=frame,
        meta={},
    )


HOST = prepared("host", 2.0, 2, ((14, 20, 18), 6))
DONOR = prepared("donor", 4.0, 3, ((30, 18, 16), 5))


def draw(form, host=HOST, donor=DONOR, *, seed=0, start=START, size=SIZE):
    return draw_composite(form, host, donor, start=start, size=size, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("form", FORMS)
def test_one_geometry_for_all_sequences(form):
    for seed in range(5):
        image = draw(form, seed=seed).image_CXYZ
        for channel in range(1, 4):
            np.testing.assert_allclose(image[channel], (channel + 1) * image[0], rtol=3e-3, atol=0.05)


@pytest.mark.parametrize("form", FORMS)
def test_the_donors_voxels_carry_its_intensities_and_background_stays_0(form):
    composite = draw(form)
    values = composite.image_CXYZ[0][composite.donor_XYZ]
    tumour = DONOR.image_CXYZ[0][DONOR.seg_XYZ > 0]
    assert tumour.min() - 0.02 <= values.min()
    assert values.max() <= tumour.max() + 0.02
    assert np.array_equal(composite.image_CXYZ[0] != 0, HOST.image_CXYZ[0] != 0)


def test_blended_labels_and_share_follow_the_voxels():
    shares = set()
    for seed in range(20):
        composite = draw("paper", seed=seed)
        host, donor = (composite.seg_XYZ == 2).sum(), (composite.seg_XYZ == 3).sum()
        assert composite.lam == pytest.approx(host / (host + donor))
        assert np.array_equal(composite.donor_XYZ, composite.seg_XYZ == 3)
        assert np.array_equal(composite.seg_XYZ == 2, (HOST.seg_XYZ == 2) & ~composite.donor_XYZ)
        shares.add(composite.lam)
        assert 0 < donor <= (DONOR.seg_XYZ > 0).sum()
    assert len(shares) > 10


def test_blended_tumours_meet():
    near = ball((14, 20, 18), 7.8) & brain()
    for seed in range(20):
        assert (draw("paper", seed=seed).donor_XYZ & near).any()


def test_some_tumours_are_cut_and_some_are_whole():
    whole = (DONOR.seg_XYZ > 0).sum()
    sizes = [int(draw("paper", seed=seed).donor_XYZ.sum()) for seed in range(40)]
    assert 2 <= sum(size == whole for size in sizes) <= 30
    assert min(sizes) < 0.7 * whole


def test_nothing_beyond_the_soft_edge_changes_in_a_blend():
    composite = draw("paper")
    changed = np.argwhere(composite.image_CXYZ[0] != HOST.image_CXYZ[0].astype(np.float32))
    donor = np.argwhere(composite.donor_XYZ)
    distance = np.abs(changed[:, None] - donor[None]).max(axis=2).min(axis=1)
    assert distance.max() <= 5  # 3 sigma of 1.5 voxels, rounded up
    assert distance.max() >= 2


def test_anatomical_holds_the_donors_tumour_and_no_other():
    for seed in range(10):
        composite = draw("anatomical", seed=seed)
        missing = (DONOR.seg_XYZ > 0).sum() - (composite.seg_XYZ == 3).sum()
        assert 0 <= missing <= 0.1 * (DONOR.seg_XYZ > 0).sum()
        assert np.array_equal(np.unique(composite.seg_XYZ), [0, 3])
        assert composite.lam == 0
    inside = [draw("anatomical", seed=seed).seg_XYZ.astype(bool).sum() for seed in range(10)]
    assert max(inside) == (DONOR.seg_XYZ > 0).sum()


def test_anatomical_heals_with_the_other_hemisphere():
    """The brain is symmetric: away from what was pasted, it must look as if it had never held a tumour."""
    clean = prepared("clean", 2.0, 2)
    for seed in range(5):
        composite = draw("anatomical", seed=seed)
        pasted = np.argwhere(composite.donor_XYZ)
        low, high = pasted.min(axis=0) - 11, pasted.max(axis=0) + 12  # grown by up to 6, softened over 5
        far = np.ones(SHAPE, bool)
        far[tuple(slice(max(b, 0), e) for b, e in zip(low, high))] = False
        np.testing.assert_allclose(composite.image_CXYZ[0][far], clean.image_CXYZ[0][far], atol=0.01)


def test_a_tumour_in_both_hemispheres_cannot_be_healed():
    both = prepared("both", 2.0, 2, ((14, 20, 18), 6), ((33, 20, 18), 6))
    assert draw("anatomical", both) is None
    assert draw("paper", both) is not None
    no_mirror = replace(HOST, image_CXYZ=HOST.image_CXYZ.copy(), context_CXYZ=HOST.context_CXYZ.copy())
    no_mirror.image_CXYZ[:, 26:] = 0
    assert draw("anatomical", no_mirror) is None


def test_a_few_unusable_voxels_get_the_mean_of_the_others():
    small = prepared("small", 2.0, 2, ((14, 20, 18), 6), ((33, 20, 18), 2))
    composite = draw("anatomical", small)
    assert composite is not None
    assert composite.image_CXYZ[0][~composite.donor_XYZ].max() < 8  # no bright voxel of either host tumour is left


def test_a_tumour_that_does_not_fit_is_not_pasted():
    large = prepared("large", 4.0, 3, ((24, 20, 18), 14))
    assert draw("anatomical", donor=large, start=(0, 8, 6), size=(24, 24, 24)) is None
    assert draw("paper", donor=large, start=(2, 8, 6), size=(24, 24, 24)) is not None


@pytest.mark.parametrize("form", FORMS)
def test_cases_that_cannot_take_part_make_none(form):
    no_mask = replace(HOST, seg_XYZ=None, context_seg_XYZ=None, tumour_N3=np.zeros((0, 3), np.int16))
    empty = prepared("empty", 2.0, 2)
    t1 = prepared("t1", 2.0, 2, ((14, 20, 18), 6), available=(True, False, False, False))
    t2 = prepared("t2", 2.0, 2, ((14, 20, 18), 6), available=(False, False, True, False))
    for host, donor in [(no_mask, DONOR), (HOST, no_mask), (empty, DONOR), (HOST, empty), (t1, t2)]:
        assert draw(form, host, donor) is None
    assert draw("paper", start=(24, 0, 0), size=(20, 20, 20)) is None  # the host's tumour is not in this patch


@pytest.mark.parametrize("form", FORMS)
def test_a_composite_has_the_sequences_that_both_have(form):
    host = prepared("h", 2.0, 2, ((14, 20, 18), 6), available=(True, True, False, True))
    donor = prepared("d", 4.0, 3, ((30, 18, 16), 5), available=(True, False, True, True))
    composite = draw(form, host, donor)
    assert composite.available_C.tolist() == [True, False, False, True]
    present = [composite.image_CXYZ[c].any() and composite.context_CXYZ[c].any() for c in range(4)]
    assert present == [True, False, False, True]


@pytest.mark.parametrize("form", FORMS)
def test_the_context_changes_by_the_same_total_and_nowhere_else(form):
    start, size = (2, 4, 2), (34, 32, 32)  # holds the host's tumour whole, with its surroundings
    composite = draw(form, start=start, size=size)
    patch = composite.image_CXYZ - HOST.image_patch(start, size).astype(np.float32)
    context = composite.context_CXYZ - HOST.context().astype(np.float32)
    step = SHAPE[0] / CONTEXT
    np.testing.assert_allclose(context.sum(axis=(1, 2, 3)) * step**3, patch.sum(axis=(1, 2, 3)), rtol=2e-3)
    full = np.zeros((48, 48, 48), bool)  # the context's cube, in which the crop is centred
    inside = tuple(slice(b + (48 - n) // 2, b + (48 - n) // 2 + k) for b, n, k in zip(start, SHAPE, size))
    full[inside] = patch.any(axis=0)
    coarse = full.reshape(24, 2, 24, 2, 24, 2).any(axis=(1, 3, 5))
    assert np.abs(context[:, ~coarse]).max() < 1e-3
    blocks = np.zeros((48, 48, 48), np.float32)
    blocks[inside] = patch[0]
    np.testing.assert_allclose(context[0], blocks.reshape(24, 2, 24, 2, 24, 2).mean(axis=(1, 3, 5)), atol=2e-2)


def test_the_part_of_a_tumour_outside_of_the_patch_is_healed_in_the_context():
    clean = prepared("clean", 2.0, 2)
    start, size = (24, 4, 2), (24, 32, 32)  # the host's tumour lies beside it
    composite = draw("anatomical", start=start, size=size)
    before = np.abs(HOST.context_CXYZ[0, :11].astype(float) - clean.context_CXYZ[0, :11]).max()
    after = np.abs(composite.context_CXYZ[0, :11] - clean.context_CXYZ[0, :11]).max()
    assert before > 8
    assert after < 0.05
    assert np.array_equal(draw("paper").context_CXYZ[0, 20:], HOST.context_CXYZ[0, 20:].astype(np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_same_seed_same_composite(form):
    first, again, other = draw(form, seed=3), draw(form, seed=3), draw(form, seed=4)
    for name in ("image_CXYZ", "context_CXYZ", "seg_XYZ", "donor_XYZ"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.image_CXYZ, other.image_CXYZ)


@pytest.mark.parametrize("form", FORMS)
def test_no_volume_is_read_whole(form, tmp_path):
    """Two cases of 128 MB a sequence; a composite of 32³ may not hold more than a few patches at a time."""

    def huge(name: str, at: int, label: int) -> PreparedCase:
        shape, middle = (400, 400, 400), slice(168, 232)
        image = np.memmap(tmp_path / f"{name}.image", np.float16, "w+", shape=(4, *shape))  # a sparse file
        seg = np.memmap(tmp_path / f"{name}.seg", np.uint8, "w+", shape=shape)
        image[:, middle, middle, middle] = label
        seg[at - 3 : at + 3, 197:203, 197:203] = label
        return replace(
            HOST,
            case_id=name,
            image_CXYZ=image,
            seg_XYZ=seg,
            context_seg_XYZ=np.zeros_like(HOST.context_seg_XYZ),
            tumour_N3=np.argwhere(np.ones((6, 6, 6))).astype(np.int16) + np.array([at - 3, 197, 197], np.int16),
            context_frame=ContextFrame(origin_3=(0.0, 0.0, 0.0), edge=400.0),
        )

    host, donor = huge("h", 190, 2), huge("d", 205, 3)
    tracemalloc.start()
    try:
        assert draw(form, host, donor, start=(176, 184, 184), size=(32, 32, 32)) is not None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def targets(*labels: int, weight: float = 1.0, seg_weight: float = 1.0) -> Targets:
    known = torch.tensor([label != UNKNOWN for label in labels])
    one_hot = torch.tensor([[float(label == 0), float(label == 1)] for label in labels])
    return Targets(target_TK=one_hot, known_T=known, weight_T=torch.full((len(labels),), weight), seg_weight=seg_weight)


def test_mixed_targets_are_the_published_example():
    mixed = mix(targets(0, 1, 1), targets(1, 1, UNKNOWN), 0.6)
    np.testing.assert_allclose(mixed.target_TK, [[0.6, 0.4], [0, 1], [0, 0]], atol=1e-6)
    assert mixed.known_T.tolist() == [True, True, False]


def test_a_small_part_needs_no_label():
    tiny = mix(targets(0, UNKNOWN, UNKNOWN, 0), targets(UNKNOWN, 1, UNKNOWN, 1), 0.04)
    assert tiny.known_T.tolist() == [False, True, False, True]
    np.testing.assert_allclose(tiny.target_TK, [[0, 0], [0, 1], [0, 0], [0.04, 0.96]], atol=1e-6)
    most = mix(targets(0, UNKNOWN), targets(UNKNOWN, 1), 0.96)
    assert most.known_T.tolist() == [True, False]
    assert most.target_TK.tolist() == [[1, 0], [0, 0]]


def test_weights_are_the_smaller_of_those_involved():
    host, donor = targets(0, UNKNOWN, seg_weight=0.5), targets(1, 1, weight=0.3)
    mixed = mix(host, donor, 0.5)
    assert mixed.weight_T[0] == pytest.approx(0.3)
    assert mixed.seg_weight == 0.5
    alone = mix(targets(0, weight=0.2), targets(UNKNOWN), 0.99)
    assert alone.weight_T[0] == pytest.approx(0.2)
    adopted = adopt(host, donor, 0.0)
    assert torch.equal(adopted.target_TK, donor.target_TK)
    assert adopted.weight_T.tolist() == pytest.approx([0.3, 0.3])
    assert adopted.seg_weight == 0.5


def test_donors_of_another_class_come_first():
    def picks(form, host, labels, tumour=(True,) * 4, available=((True, False),) * 4):
        drawn = [
            choose_donor(
                form,
                host,
                has_tumour_N=np.array(tumour),
                available_NC=np.array(available),
                labels_NT=np.array(labels),
                rng=np.random.default_rng(seed),
            )
            for seed in range(40)
        ]
        return set(drawn)

    labels = [[0, 1], [0, UNKNOWN], [1, UNKNOWN], [UNKNOWN, 0]]
    assert picks("paper", 0, labels) == {2, 3}
    assert picks("anatomical", 0, labels) == {1, 2, 3}
    assert picks("paper", 1, [[0], [0], [UNKNOWN], [0]]) == {0, 2, 3}
    assert picks("paper", 0, labels, tumour=(True, True, False, False)) == {1}
    assert picks("paper", 0, labels, available=((True, False), (True, True), (False, True), (False, True))) == {1}
    assert picks("paper", 0, labels, tumour=(True, False, False, False)) == {None}
