"""What a prepared case holds, where it lies, and what is refused."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch.nn import functional

from gmmas_core.data.preprocess import MARGIN, Z_LIMIT, PrepareSettings, prepare_case, to_native
from gmmas_core.types import SEQUENCES, Case, DataError, Task

LPS = np.array([[-1.0, 0, 0, 30.0], [0, -1.0, 0, 20.0], [0, 0, 1.0, -12.0], [0, 0, 0, 1]])
SHAPE = (48, 56, 40)
SETTINGS = PrepareSettings(spacing_mm=1.0, context_size=24, label_convention="brats2021")


def volumes(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """An off-centre ellipsoid of tissue in four sequences and nested labels 2, 4, 1 in BraTS 2021 values."""
    rng = np.random.default_rng(seed)
    index = np.indices(SHAPE).astype(float)
    radius = np.sqrt(sum(((index[k] - c) / r) ** 2 for k, (c, r) in enumerate(((22, 14), (30, 20), (19, 13)))))
    tumour = np.sqrt(sum(((index[k] - c) / r) ** 2 for k, (c, r) in enumerate(((26, 7), (34, 8), (20, 6)))))
    mask = np.zeros(SHAPE, np.uint8)
    for value, limit in ((2, 1.0), (4, 0.7), (1, 0.4)):
        mask[tumour < limit] = value
    images = {}
    for k, sequence in enumerate(SEQUENCES):
        tissue = 300 + 40 * k + 60 * np.sin(index[0] / 9 + k) + 150 * (mask > 0) + rng.normal(0, 10, SHAPE)
        images[sequence] = np.where(radius < 1, tissue, 0).astype(np.int16)
    return images, mask


def save_case(folder: Path, images, mask=None, affine=LPS, case_id="c1") -> Case:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, data in {**images, **({} if mask is None else {"mask": mask})}.items():
        paths[name] = folder / f"{name}.nii.gz"
        nib.save(nib.Nifti1Image(data, affine), paths[name])
    return Case(
        case_id=case_id,
        patient_id=case_id,
        site="a",
        images={name: path for name, path in paths.items() if name != "mask"},
        mask=paths.get("mask"),
        labels=dict.fromkeys(Task, -1),
        label_source={},
        split="train",
    )


def test_crop_z_scores_and_place(tmp_path):
    images, mask = volumes()
    prepared = prepare_case(save_case(tmp_path, images, mask), SETTINGS)
    brain_native = np.any([v != 0 for v in images.values()], axis=0)
    brain = brain_native[::-1, ::-1]  # LPS -> RAS
    where = np.argwhere(brain)
    low, high = where.min(axis=0) - MARGIN, where.max(axis=0) + 1 + MARGIN
    assert prepared.crop_start == tuple(low)
    assert prepared.image_CXYZ.shape == (4, *(high - low))
    assert prepared.image_CXYZ.dtype == np.float16
    assert prepared.image_CXYZ.flags["C_CONTIGUOUS"]
    box = tuple(slice(a, b) for a, b in zip(low, high))
    for channel, sequence in enumerate(SEQUENCES):
        raw = images[sequence][::-1, ::-1].astype(float)
        expected = np.where(brain, (raw - raw[brain].mean()) / raw[brain].std(), 0)[box]
        np.testing.assert_allclose(prepared.image_CXYZ[channel].astype(float), expected, atol=4e-3)
    expected_seg = np.where(mask == 4, 3, mask)[::-1, ::-1][box]
    np.testing.assert_array_equal(prepared.seg_XYZ, expected_seg)
    assert prepared.available_C.all()
    assert prepared.spacing_mm == 1.0
    assert prepared.native.orientation == "LPS"
    assert prepared.inside.orientation == "RAS"


def test_result_returns_to_the_native_grid_bit_for_bit(tmp_path):
    images, mask = volumes()
    prepared = prepare_case(save_case(tmp_path, images, mask), SETTINGS)
    np.testing.assert_array_equal(to_native(prepared.seg_XYZ, prepared, order=0), np.where(mask == 4, 3, mask))
    channel = prepared.image_CXYZ[0].astype(np.float32)
    back = to_native(channel, prepared, order=1)
    assert back.shape == SHAPE
    np.testing.assert_array_equal(back != 0, to_native((channel != 0).astype(np.uint8), prepared, order=0) == 1)


@pytest.mark.parametrize("spacing", [2.0, 3.0])
def test_coarse_preparation_still_returns_a_good_mask(tmp_path, spacing):
    images, mask = volumes()
    settings = PrepareSettings(spacing_mm=spacing, context_size=24, label_convention="brats2021")
    prepared = prepare_case(save_case(tmp_path, images, mask), settings)
    back = to_native(prepared.seg_XYZ, prepared, order=0) > 0
    assert 2 * (back & (mask > 0)).sum() / (back.sum() + (mask > 0).sum()) > 0.85
    assert prepared.spacing_mm == pytest.approx(spacing)
    outside = ~(prepared.image_CXYZ != 0).any(axis=0)
    assert outside.any()
    assert abs(float(prepared.image_CXYZ[3].astype(float)[~outside].mean())) < 1e-2


TURN = np.deg2rad(14)
OBLIQUE = np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1]])


@pytest.mark.parametrize("flips", [(-1, -1, 1), (-1, 1, 1), (1, 1, 1)], ids=["LPS", "LAS", "RAS"])
@pytest.mark.parametrize("turned", [np.eye(3), OBLIQUE], ids=["straight", "oblique"])
def test_native_round_trip_of_anisotropic_scans(tmp_path, flips, turned):
    images, mask = volumes()
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag(flips) @ np.diag([0.9, 1.1, 2.0])
    prepared = prepare_case(save_case(tmp_path, images, mask, affine), SETTINGS)
    back = to_native(prepared.seg_XYZ, prepared, order=0)
    expected = np.where(mask == 4, 3, mask)
    for region in ((1, 2, 3), (1, 3)):
        found, true = np.isin(back, region), np.isin(expected, region)
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9
    tumour_mm = np.argwhere(prepared.seg_XYZ > 0).mean(axis=0) + prepared.crop_start
    tumour_mm = prepared.inside.affine_44[:3, :3] @ tumour_mm + prepared.inside.affine_44[:3, 3]
    np.testing.assert_allclose(tumour_mm, affine[:3, :3] @ np.argwhere(mask > 0).mean(axis=0), atol=0.3)


def test_any_subset_of_sequences_with_or_without_mask(tmp_path):
    images, _ = volumes()
    prepared = prepare_case(save_case(tmp_path, {"flair": images["flair"]}), SETTINGS)
    assert prepared.available_C.tolist() == [False, False, False, True]
    assert not prepared.image_CXYZ[:3].any()
    assert prepared.image_CXYZ[3].any()
    assert prepared.seg_XYZ is None
    assert prepared.context_seg_XYZ is None


def test_empty_mask_is_a_mask(tmp_path):
    images, mask = volumes()
    prepared = prepare_case(save_case(tmp_path, images, np.zeros_like(mask)), SETTINGS)
    assert prepared.seg_XYZ is not None
    assert not prepared.seg_XYZ.any()


def test_cut_field_of_view_stays_at_the_mean_and_keeps_statistics(tmp_path):
    images, _ = volumes()
    whole = prepare_case(save_case(tmp_path / "a", images), SETTINGS).image_CXYZ[0].astype(float)
    images["t1"] = images["t1"].copy()
    images["t1"][:, :, :19] = 0
    cut = prepare_case(save_case(tmp_path / "b", images), SETTINGS).image_CXYZ[0].astype(float)
    assert not cut[:, :, : 19 - 10].any()
    kept = cut != 0
    assert np.abs(cut[kept] - whole[kept]).mean() < 0.2


def test_negative_values_belong_to_the_brain(tmp_path):
    images, _ = volumes()
    shifted = {k: np.where(v != 0, v.astype(np.float32) - 330.5, 0).astype(np.float32) for k, v in images.items()}
    plain = prepare_case(save_case(tmp_path / "a", images), SETTINGS).image_CXYZ.astype(float)
    moved = prepare_case(save_case(tmp_path / "b", shifted), SETTINGS).image_CXYZ.astype(float)
    np.testing.assert_allclose(moved, plain, atol=4e-3)


def test_saturated_voxel_does_not_overflow_half_precision(tmp_path):
    images, _ = volumes()
    images["t2"] = images["t2"].astype(np.float32)
    images["t2"][22, 30, 19] = 3e30
    prepared = prepare_case(save_case(tmp_path, images), SETTINGS)
    assert np.isfinite(prepared.image_CXYZ).all()
    assert float(prepared.image_CXYZ.max()) == Z_LIMIT


def test_context_at_the_patch_box_is_the_patch(tmp_path):
    """The one identity everything geometric rests on: sampling the context at a patch's box gives the smooth patch."""
    index = np.indices(SHAPE).astype(float)
    smooth = np.sin(index[0] / 7) + np.cos(index[1] / 9) + index[2] / 20
    images, _ = volumes()
    images["t1"] = np.where(images["t1"] != 0, 1000 + 200 * smooth, 0).astype(np.int16)
    settings = PrepareSettings(spacing_mm=1.0, context_size=40, label_convention="brats2021")
    prepared = prepare_case(save_case(tmp_path, images), settings)
    start, size = (9, 12, 8), (12, 14, 10)
    patch = prepared.image_CXYZ[0][tuple(slice(s, s + n) for s, n in zip(start, size))].astype(np.float32)
    (low, high) = prepared.box_in_context(start, size)
    axes = [torch.from_numpy(lo + (hi - lo) * (np.arange(n) + 0.5) / n) for lo, hi, n in zip(low, high, size)]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)[None].float()
    context = torch.from_numpy(prepared.context_CXYZ[:1].astype(np.float32))[None]
    sampled = functional.grid_sample(context, place, align_corners=False)[0, 0].numpy()
    assert np.abs(sampled - patch).max() < 0.12
    assert np.corrcoef(sampled.ravel(), patch.ravel())[0, 1] > 0.995


def test_context_shows_the_whole_brain_undistorted(tmp_path):
    images, mask = volumes()
    prepared = prepare_case(save_case(tmp_path, images, mask), SETTINGS)
    filled = np.argwhere((prepared.context_CXYZ != 0).any(axis=0))
    extent = filled.max(axis=0) - filled.min(axis=0) + 1
    crop = np.array(prepared.image_CXYZ.shape[1:]) - 2 * MARGIN
    np.testing.assert_allclose(extent / extent.max(), crop / crop.max(), atol=0.12)
    volume = (prepared.context_seg_XYZ > 0).sum() * (prepared.context_frame.edge / 24) ** 3
    assert volume == pytest.approx((mask > 0).sum(), rel=0.15)
    box = prepared.box_in_context((0, 0, 0), prepared.image_CXYZ.shape[1:])
    longest = int(np.argmax(prepared.image_CXYZ.shape[1:]))
    np.testing.assert_allclose(box[:, longest], [-1, 1], atol=1e-6)
    np.testing.assert_allclose(box.sum(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("damage", ["shape", "zeros", "constant", "labels", "tiny"])
def test_refusals_name_case_and_file_and_what_to_do(tmp_path, damage):
    images, mask = volumes()
    words = ""
    if damage == "shape":
        images["t2"], words = images["t2"][:-1], "case c1: t2: found 47x56x40 voxels.*expected the grid of t1.*register"
    elif damage == "zeros":
        images["t1c"], words = np.zeros(SHAPE, np.int16), "case c1: t1c: found only zeros"
    elif damage == "constant":
        images["flair"] = np.where(images["flair"] != 0, 7, 0).astype(np.int16)
        words = "case c1: flair: found no contrast"
    elif damage == "labels":
        mask, words = np.where(mask == 4, 3, mask).astype(np.uint8), "case c1: mask: found label values"
    else:
        images = {k: np.zeros(SHAPE, np.int16) for k in images}
        for data in images.values():
            data[10:12, 10:12, 10:12] = 5
        words = "case c1: found a brain of fewer than 64 voxels"
    with pytest.raises(DataError, match=words) as caught:
        prepare_case(save_case(tmp_path, images, mask), SETTINGS)
    assert "expected" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_mask_on_another_grid_is_refused(tmp_path):
    images, mask = volumes()
    case = save_case(tmp_path, images, mask)
    nib.save(nib.Nifti1Image(mask, np.eye(4)), case.mask)
    words = r"case c1: mask: found 48x56x40 voxels of 1x1x1 mm, RAS.*expected the grid of t1"
    with pytest.raises(DataError, match=words):
        prepare_case(case, SETTINGS)


def test_case_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="found no image; expected any of t1, t1c, t2, flair"):
        prepare_case(save_case(tmp_path, {}), SETTINGS)


@pytest.mark.realdata
def test_raw_case_on_several_grids_is_refused(real_data):
    folder = real_data / "raw/TCGA-FG-6692"
    files = sorted(folder.glob("*.nii.gz"))
    images = dict(zip(SEQUENCES, files))
    case = Case(
        case_id="raw", patient_id="raw", site="a", images=images, mask=None, labels={}, label_source={}, split="train"
    )
    with pytest.raises(DataError, match="expected the grid of t1"):
        prepare_case(case, SETTINGS)


@pytest.mark.realdata
def test_real_case_comes_back_bit_for_bit(real_data):
    folder = real_data / "brats2021/BraTS2021_01482"
    spelling = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}
    case = Case(
        case_id="real",
        patient_id="real",
        site="a",
        images={name: folder / f"{folder.name}_{word}.nii.gz" for name, word in spelling.items()},
        mask=folder / f"{folder.name}_seg.nii.gz",
        labels={},
        label_source={},
        split="train",
    )
    prepared = prepare_case(case, SETTINGS)
    assert prepared.native.orientation == "LPS"
    assert np.isfinite(prepared.image_CXYZ).all()
    mask = np.asarray(nib.load(case.mask).dataobj)
    np.testing.assert_array_equal(to_native(prepared.seg_XYZ, prepared, order=0), np.where(mask == 4, 3, mask))
