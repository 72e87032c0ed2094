"""Batches: deterministic, geometrically consistent, and honest about what is missing."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch.nn import functional

from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.cache_entry import with_mask
from gmmas_core.data.crops import draw_start
from gmmas_core.data.loader import BatchStream
from gmmas_core.data.opened_cases import NO_PSEUDO
from gmmas_core.data.preprocess import PrepareSettings, make_context
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.targets import class_targets
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, ConfigError, DataError, Task

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
SHAPE = (60, 66, 54)
SETTINGS = PrepareSettings(spacing_mm=1.0, context_size=32, label_convention="canonical")


def save(folder: Path, case_id: str, sequences: tuple[str, ...], mask: bool, labels: dict[Task, int]) -> Case:
    """Smooth, asymmetric intensities, so that a patch can be recognised in the context."""
    folder.mkdir(parents=True, exist_ok=True)
    index = np.indices(SHAPE).astype(float)
    radius = np.sqrt(sum(((index[k] - n / 2) / (n / 2 - 3)) ** 2 for k, n in enumerate(SHAPE)))
    tumour = np.sqrt(sum((index[k] - c) ** 2 for k, c in enumerate((40, 24, 30))))
    images = {}
    for k, sequence in enumerate(sequences):
        smooth = 1000 + 200 * np.sin(index[0] / 11 + k) + 250 * np.cos(index[1] / 13) + 6 * index[2]
        images[sequence] = folder / f"{case_id}_{sequence}.nii.gz"
        data = np.where(radius < 1, smooth, 0).astype(np.float32)
        nib.save(nib.Nifti1Image(data, np.diag([-1.0, -1.0, 1.0, 1.0])), images[sequence])
    if mask:
        seg = np.select([tumour < 3, tumour < 5, tumour < 8], [1, 3, 2], 0).astype(np.uint8)
        nib.save(nib.Nifti1Image(seg, np.diag([-1.0, -1.0, 1.0, 1.0])), folder / f"{case_id}_seg.nii.gz")
    return Case(
        case_id=case_id,
        patient_id=case_id,
        site="a",
        images=images,
        mask=folder / f"{case_id}_seg.nii.gz" if mask else None,
        labels={**dict.fromkeys(Task, UNKNOWN), **labels},
        label_source=dict.fromkeys(labels, "pathology"),
        split="train",
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[Case]:
    folder = tmp_path_factory.mktemp("cases")
    return [
        save(folder, "full", SEQUENCES, True, {Task.HISTOLOGY: 1, Task.IDH: 0, Task.CODEL: 0}),
        save(folder, "no-mask", ("t1", "flair"), False, {Task.IDH: 1}),
        save(folder, "one", ("t2",), True, {}),
    ]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> PreparedCache:
    return PreparedCache(tmp_path_factory.mktemp("cache"), SETTINGS)


def stream(cases, cache, config: Config, *, size=16, batch_size=2, seed=0, pseudo=NO_PSEUDO, pseudo_weight=1.0, **data):
    return BatchStream(
        cases,
        cache,
        model=replace(config.model, crop_size=size, context_size=SETTINGS.context_size),
        data=replace(config.data, **data),
        tasks=TASKS,
        batch_size=batch_size,
        seed=seed,
        pseudo=pseudo,
        pseudo_weight=pseudo_weight,
    )


def test_shapes_dtypes_and_what_is_missing(cases, cache, tiny_config):
    (batch,) = stream(cases, cache, tiny_config, batch_size=3).batches(1)
    assert sorted(batch.case_ids) == ["full", "no-mask", "one"]
    assert batch.image_BCXYZ.shape == (3, 4, 16, 16, 16)
    assert batch.context_BCXYZ.shape == (3, 4, 32, 32, 32)
    assert batch.box_B23.shape == (3, 2, 3)
    assert batch.seg_BXYZ.shape == (3, 16, 16, 16)
    floats = (batch.image_BCXYZ, batch.context_BCXYZ, batch.box_B23, batch.target_BTK, batch.weight_BT)
    floats += (batch.seg_weight_B,)
    assert {tensor.dtype for tensor in floats} == {torch.float32}
    assert batch.seg_BXYZ.dtype == torch.int64
    assert {t.dtype for t in (batch.available_BC, batch.has_seg_B, batch.known_BT)} == {torch.bool}
    for k, case_id in enumerate(batch.case_ids):
        case = next(case for case in cases if case.case_id == case_id)
        assert batch.available_BC[k].tolist() == [sequence in case.images for sequence in SEQUENCES]
        assert not batch.image_BCXYZ[k][~batch.available_BC[k]].any()
        assert not batch.context_BCXYZ[k][~batch.available_BC[k]].any()
        assert bool(batch.has_seg_B[k]) == (case.mask is not None)
        assert batch.known_BT[k].tolist() == [case.labels[task] != UNKNOWN for task in TASKS]
    assert not batch.seg_BXYZ[~batch.has_seg_B].any()
    assert (batch.weight_BT == 1).all()
    assert torch.equal(batch.seg_weight_B, batch.has_seg_B.float())


def test_targets_are_one_hot_where_known_and_zero_elsewhere(cases):
    target, known = class_targets(cases[0], TASKS)
    assert target.tolist() == [[0, 1], [1, 0], [1, 0]]
    assert known.all()
    target, known = class_targets(cases[1], (Task.IDH, Task.CODEL))
    assert target.tolist() == [[0, 1], [0, 0]]
    assert known.tolist() == [True, False]


def test_same_seed_same_bytes_other_seed_other_bytes(cases, cache, tiny_config):
    def draw(seed: int) -> list[torch.Tensor]:
        drawn = stream(cases, cache, tiny_config, seed=seed, sequence_drop=0.5).batches(4)
        return [tensor for batch in drawn for tensor in vars(batch).values() if isinstance(tensor, torch.Tensor)]

    first, again, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, other, strict=True))
    one = stream(cases, cache, tiny_config, seed=1)
    assert torch.equal(next(iter(one)).image_BCXYZ, next(iter(one)).image_BCXYZ)


def test_every_epoch_visits_every_case_once_also_across_batches(cases, cache, tiny_config):
    ids = [i for batch in stream(cases, cache, tiny_config, batch_size=2).batches(9) for i in batch.case_ids]
    epochs = [tuple(ids[k : k + 3]) for k in range(0, 18, 3)]
    assert all(sorted(epoch) == ["full", "no-mask", "one"] for epoch in epochs)
    assert len(set(epochs)) > 1


def sample_context(context_CXYZ: torch.Tensor, box_23: torch.Tensor, size: int) -> torch.Tensor:
    """The context's values at the voxels of a patch whose edges are the box."""
    axes = [low + (high - low) * (torch.arange(size) + 0.5) / size for low, high in zip(*box_23)]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)[None]
    return functional.grid_sample(context_CXYZ[None], place, align_corners=False)[0]


def test_patch_and_context_agree_under_every_flip(cases, cache, tiny_config):
    """Sampling the context at the box must reproduce the patch, whatever was mirrored."""
    config = stream([cases[0]], cache, tiny_config, size=24, batch_size=1, tumour_share=0.5)
    for batch in config.batches(24):
        patch, inside = batch.image_BCXYZ[0], batch.image_BCXYZ[0].ne(0).all(dim=0)
        inside = -functional.max_pool3d(-inside[None, None].float(), 5, 1, 2)[0, 0] > 0  # away from the brain's edge
        sampled = sample_context(batch.context_BCXYZ[0], batch.box_B23[0], 24)
        assert (sampled - patch).abs()[:, inside].mean() < 0.08
        for axis in (1, 2):  # a context mirrored the wrong way would disagree
            wrong = sample_context(torch.flip(batch.context_BCXYZ[0], [axis]), batch.box_B23[0], 24)
            assert (wrong - patch).abs()[:, inside].mean() > 0.1


def test_labels_lie_where_the_image_says(tmp_path, cache, tiny_config):
    """A sequence that is the mask itself stays the mask through crop and flip."""
    case = save(tmp_path, "marked", ("t1", "flair"), True, {})
    seg = nib.load(case.mask)
    base = np.asarray(nib.load(case.images["flair"]).dataobj)
    marked = np.where(base != 0, 100 + 500 * (np.asarray(seg.dataobj) > 0), 0).astype(np.float32)
    nib.save(nib.Nifti1Image(marked, seg.affine), case.images["flair"])
    drawn = stream([case], cache, tiny_config, size=24, batch_size=1, tumour_share=1.0, intensity_scale=0.0)
    for batch in drawn.batches(12):
        bright = batch.image_BCXYZ[0, SEQUENCES.index("flair")] > 1
        assert torch.equal(bright, batch.seg_BXYZ[0] > 0)
        assert bright.any()


def test_flips_can_be_switched_off(cases, cache, tiny_config):
    plain = stream([cases[0]], cache, tiny_config, size=64, batch_size=1, flip=False, intensity_scale=0.0)
    first, second = plain.batches(2)
    assert torch.equal(first.context_BCXYZ, second.context_BCXYZ)
    assert torch.equal(first.context_BCXYZ[0], torch.from_numpy(cache.open(cases[0]).context()).float())


def test_background_and_brain_stay_what_they_are_under_intensity_change(cases, cache, tiny_config):
    plain = stream([cases[0]], cache, tiny_config, size=32, batch_size=1, seed=4, intensity_scale=0.0)
    changed = stream([cases[0]], cache, tiny_config, size=32, batch_size=1, seed=4, intensity_scale=0.1)
    for one, other in zip(plain.batches(4), changed.batches(4)):
        for before, after in (
            (one.image_BCXYZ[0], other.image_BCXYZ[0]),
            (one.context_BCXYZ[0], other.context_BCXYZ[0]),
        ):
            brain = before != 0
            assert not after[~brain].any()
            for a, b, mask in zip(before, after, brain):
                gain, offset = np.polyfit(a[mask].numpy(), b[mask].numpy(), 1)
                assert 0.9 <= gain <= 1.1
                assert -0.1 <= offset <= 0.1
                np.testing.assert_allclose(b[mask], gain * a[mask] + offset, atol=1e-4)
        np.testing.assert_allclose(other.box_B23, one.box_B23)


def test_dropped_sequences_are_absent_everywhere_and_one_remains(cases, cache, tiny_config):
    counts = set()
    for batch in stream(cases, cache, tiny_config, size=24, batch_size=3, sequence_drop=1.0).batches(12):
        for k, case_id in enumerate(batch.case_ids):
            available = batch.available_BC[k]
            assert available.any()
            assert not batch.image_BCXYZ[k][~available].any()
            assert not batch.context_BCXYZ[k][~available].any()
            assert all(batch.context_BCXYZ[k][c].any() for c in np.flatnonzero(available))
            counts.add((case_id, int(available.sum())))
    assert counts == {("full", 2), ("full", 3), ("no-mask", 1), ("one", 1)}


def test_tumour_share_places_patches(cases, cache, tiny_config):
    always = stream([cases[0]], cache, tiny_config, size=16, batch_size=4, tumour_share=1.0)
    assert all((batch.seg_BXYZ > 0).flatten(1).any(dim=1).all() for batch in always.batches(15))
    never = stream([cases[0]], cache, tiny_config, size=16, batch_size=4, tumour_share=0.0)
    hits = torch.cat([(batch.seg_BXYZ > 0).flatten(1).any(dim=1) for batch in never.batches(30)])
    assert 0.02 < hits.float().mean() < 0.6


def test_patches_stay_inside_or_are_centred(cases, cache):
    opened = cache.open(cases[0])
    rng = np.random.default_rng(0)
    x, y, z = opened.shape
    low, high = np.full(3, 10**6), np.full(3, -(10**6))
    for share in (0.0, 1.0):
        for _ in range(300):
            start = draw_start(opened, (24, 24, 80), share, rng)
            assert 0 <= start[0] <= x - 24
            assert 0 <= start[1] <= y - 24
            assert start[2] == -((80 - z) // 2)
            low, high = np.minimum(low, start), np.maximum(high, start)
    assert low[:2].tolist() == [0, 0]
    assert high[:2].tolist() == [x - 24, y - 24]


def test_wrong_context_size_and_no_case_are_refused(cases, cache, tiny_config):
    with pytest.raises(ConfigError, match=r"model.context_size: found 64; expected 32"):
        BatchStream(
            cases,
            cache,
            model=replace(tiny_config.model, context_size=64),
            data=tiny_config.data,
            tasks=TASKS,
            batch_size=1,
            seed=0,
        )
    with pytest.raises(DataError, match="training cases: found none"):
        stream([], cache, tiny_config)


def rows(batches) -> dict[str, list[tuple]]:
    """Per case id, what its samples were taught."""
    found: dict[str, list[tuple]] = {}
    for b in batches:
        for k, case_id in enumerate(b.case_ids):
            row = (b.target_BTK[k], b.known_BT[k], b.weight_BT[k], b.has_seg_B[k], b.seg_weight_B[k], b.seg_BXYZ[k])
            found.setdefault(case_id, []).append(row)
    return found


def test_pseudo_labels_fill_in_only_what_is_unknown(cases, cache, tiny_config):
    shape = cache.open(cases[1]).shape
    mask = np.zeros(shape, np.uint8)
    mask[20:26, 30:36, 24:30] = 3
    pseudo = {
        "full": PseudoCase(labels={Task.IDH: 1}, mask_XYZ=np.full(cache.open(cases[0]).shape, 1, np.uint8)),
        "no-mask": PseudoCase(labels={Task.HISTOLOGY: 0, Task.IDH: 0}, mask_XYZ=mask),
        "one": PseudoCase(labels={Task.CODEL: 1}, mask_XYZ=None),
    }
    drawn = stream(cases, cache, tiny_config, pseudo=pseudo, pseudo_weight=0.4, tumour_share=1.0, batch_size=3)
    taught = rows(drawn.batches(4))
    for target, known, weight, has_seg, seg_weight, seg in taught["full"]:  # all true labels, and its own mask
        assert target.tolist() == [[0, 1], [1, 0], [1, 0]]
        assert known.all()
        assert weight.tolist() == [1, 1, 1]
        assert (has_seg, seg_weight) == (True, 1)
        assert len(torch.unique(seg)) > 2
    for target, known, weight, has_seg, seg_weight, seg in taught["no-mask"]:  # IDH 1 is from pathology
        assert target.tolist() == [[1, 0], [0, 1], [0, 0]]
        assert known.tolist() == [True, True, False]
        np.testing.assert_allclose(weight, [0.4, 1, 1])
        assert has_seg
        assert seg_weight == pytest.approx(0.4)
        assert torch.unique(seg).tolist() == [0, 3]  # and the patch was placed on the pseudo-tumour
    for target, known, weight, has_seg, seg_weight, _ in taught["one"]:
        assert target.tolist() == [[0, 0], [0, 0], [0, 1]]
        assert known.tolist() == [False, False, True]
        assert weight[2] == pytest.approx(0.4)
        assert (has_seg, seg_weight) == (True, 1)


def test_a_pseudo_mask_reaches_the_context_of_composites(cases, cache):
    opened = cache.open(cases[1])
    mask = np.zeros(opened.shape, np.uint8)
    mask[20:32, 30:42, 24:36] = 3
    filled = with_mask(opened, mask)
    _, _, majority = make_context(np.zeros((0, *opened.shape), np.float16), mask, SETTINGS.context_size)
    assert filled.has_seg
    assert len(filled.tumour_N3) == 1000
    assert (mask[tuple(filled.tumour_N3.T.astype(int))] == 3).all()
    differs = np.count_nonzero(filled.context_seg_XYZ != majority)
    assert differs < 0.5 * np.count_nonzero(majority)  # at the surface only
    assert abs(int(np.count_nonzero(filled.context_seg_XYZ)) - int(np.count_nonzero(majority))) < 80
    np.testing.assert_allclose(
        np.argwhere(filled.context_seg_XYZ).mean(axis=0), np.argwhere(majority).mean(axis=0), atol=0.6
    )


def test_a_pseudo_mask_of_another_grid_is_refused(cases, cache, tiny_config):
    pseudo = {"no-mask": PseudoCase(labels={}, mask_XYZ=np.zeros((4, 4, 4), np.uint8))}
    with pytest.raises(DataError, match=r"case no-mask: pseudo-mask: found \(4, 4, 4\) voxels; expected"):
        stream(cases, cache, tiny_config, pseudo=pseudo)


@pytest.fixture(scope="module")
def pair(cases, tmp_path_factory) -> list[Case]:
    """Two cases that can be composed, which differ in histology and IDH, and one without a mask."""
    folder = tmp_path_factory.mktemp("pair")
    other = save(folder, "other", ("t1", "t1c", "flair"), True, {Task.HISTOLOGY: 0, Task.IDH: 1})
    return [cases[0], other, cases[1]]


def test_blended_samples_are_taught_the_shares_of_their_voxels(pair, cache, tiny_config):
    drawn = stream(pair, cache, tiny_config, size=24, batch_size=3, tumor_cutmix="paper", cutmix_share=1.0)
    taught = rows(drawn.batches(8))
    soft = set()
    for case_id, own in (("full", 1), ("other", 0)):
        for target, known, weight, _, seg_weight, seg in taught[case_id]:
            assert seg.any()
            assert known[:2].all()
            np.testing.assert_allclose(target[:2].sum(dim=1), [1, 1], atol=1e-6)
            assert target[0, own] == pytest.approx(float(target[1, 1 - own]))  # one share for all tasks
            assert weight.tolist() == [1, 1, 1]
            assert seg_weight == 1
            soft.add(round(float(target[0, own]), 4))
    assert len(soft) > 8
    for target, known, _, has_seg, _, _ in taught["no-mask"]:  # cannot take part: its plain self
        assert target.tolist() == [[0, 0], [0, 1], [0, 0]]
        assert known.tolist() == [False, True, False]
        assert not has_seg


def test_composites_lose_the_sequences_that_one_of_them_lacks(pair, cache, tiny_config):
    for share in (0.0, 1.0):
        drawn = stream(pair, cache, tiny_config, size=24, tumor_cutmix="paper", cutmix_share=1.0, sequence_drop=share)
        for batch in drawn.batches(6):
            for k, case_id in enumerate(batch.case_ids):
                available = batch.available_BC[k]
                assert not batch.image_BCXYZ[k][~available].any()
                assert not batch.context_BCXYZ[k][~available].any()
                assert all(batch.image_BCXYZ[k][c].any() for c in np.flatnonzero(available))
                if case_id != "no-mask":
                    assert available.tolist() == [True, True, False, True] if share == 0 else available.sum() in (1, 2)


def test_anatomical_samples_are_taught_the_donors_labels(pair, cache, tiny_config):
    drawn = stream(pair[:2], cache, tiny_config, size=40, tumor_cutmix="anatomical", cutmix_share=1.0, tumour_share=0.5)
    taught = rows(drawn.batches(6))
    assert all(row[0].tolist() == [[1, 0], [0, 1], [0, 0]] for row in taught["full"])
    assert all(row[0].tolist() == [[0, 1], [1, 0], [1, 0]] for row in taught["other"])
    whole = int((cache.open(pair[0]).seg_XYZ > 0).sum())
    for row in taught["full"] + taught["other"]:
        assert 0.9 * whole <= int((row[5] > 0).sum()) <= whole  # both cases have a tumour of one size


@pytest.mark.parametrize("form", ["paper", "anatomical"])
def test_composites_follow_the_seed_and_their_share(pair, cache, tiny_config, form):
    def draw(seed: int, share: float) -> torch.Tensor:
        mixed = stream(pair, cache, tiny_config, size=24, seed=seed, tumor_cutmix=form, cutmix_share=share)
        return torch.stack([batch.image_BCXYZ for batch in mixed.batches(3)])

    assert torch.equal(draw(1, 0.5), draw(1, 0.5))
    assert not torch.equal(draw(1, 0.5), draw(2, 0.5))
    none = stream(pair, cache, tiny_config, size=24, batch_size=3, tumor_cutmix=form, cutmix_share=0.0)
    assert all(
        set(row[0].unique().tolist()) <= {0.0, 1.0} for taught in rows(none.batches(3)).values() for row in taught
    )


def test_composites_of_other_splits_are_refused(pair, cache, tiny_config):
    mixed = [pair[0], replace(pair[1], split="holdout")]
    with pytest.raises(DataError, match=r"data.tumor_cutmix: found cases of the split holdout; expected training"):
        stream(mixed, cache, tiny_config, tumor_cutmix="paper")
    stream(mixed, cache, tiny_config, tumor_cutmix="none")
