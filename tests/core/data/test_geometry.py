"""Any orientation in, RAS+ inside, native grid out: a marker keeps its place in millimetres and left stays left."""

import gzip
import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gmmas_core.data import geometry
from gmmas_core.data.geometry import Grid, Volume
from gmmas_core.types import DataError


def affine_of(codes: str, spacing: tuple[float, float, float], turn_deg: float = 0.0) -> np.ndarray:
    """An affine with these axis directions, spacing along the file's axes, and a turn about two axes."""
    rows = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    directions = np.zeros((3, 3))
    for column, code in enumerate(codes):
        row, sign = rows[code]
        directions[row, column] = sign
    a, b = np.deg2rad([turn_deg, turn_deg / 2])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ directions @ np.diag(spacing)
    affine[:3, 3] = [11.0, -23.0, 7.5]
    return affine


def world(grid: Grid) -> np.ndarray:
    """(X, Y, Z, 3) millimetres of every voxel centre."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return index @ grid.affine_44[:3, :3].T + grid.affine_44[:3, 3]


def ellipsoid_labels(grid: Grid) -> np.ndarray:
    """Nested labels 2 > 1 > 3 off centre, so that every flip or swap changes the picture."""
    mm = world(grid)
    middle = mm.reshape(-1, 3).mean(axis=0) + [6.0, -4.0, 3.0]
    radius = np.linalg.norm((mm - middle) / [14.0, 11.0, 9.0], axis=-1)
    labels = np.zeros(grid.shape, np.uint8)
    for label, limit in ((2, 1.0), (3, 0.7), (1, 0.4)):
        labels[radius < limit] = label
    return labels


def centroid_mm(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


EXACT = ["LPS", "LAS", "RAS", "RPI", "ASL", "SRP"]
CASES = [
    *((codes, (1.0, 1.0, 1.0), 0.0, 0.9999) for codes in EXACT),
    *((codes, (0.9, 1.3, 2.5), 0.0, 0.90) for codes in ("LPS", "LAS", "RAS", "IRP")),
    *((codes, (1.0, 1.1, 1.6), 20.0, 0.90) for codes in ("LPS", "LAS", "RAS")),
    ("LAS", (0.9, 0.9, 5.5), 8.0, 0.85),
]


@pytest.mark.parametrize(("codes", "spacing", "turn", "min_dice"), CASES)
def test_round_trip_keeps_labels_and_place(codes, spacing, turn, min_dice):
    shape = tuple(round(64 / mm) for mm in spacing)
    native = Grid(shape, affine_of(codes, spacing, turn))
    labels = ellipsoid_labels(native)
    inside = geometry.to_ras_grid(Volume(labels, native.affine_44), 1.0, order=0)
    assert inside.grid.orientation == "RAS"
    np.testing.assert_allclose(inside.affine_44[:3, :3], np.eye(3), atol=1e-9)
    for label in (1, 2, 3):
        there, here = (
            centroid_mm(labels == label, native.affine_44),
            centroid_mm(inside.data == label, inside.affine_44),
        )
        np.testing.assert_allclose(here, there, atol=0.35 * max(spacing))
    back = geometry.resample_to(inside, native, order=0)
    assert back.shape == native.shape
    assert dice(back > 0, labels > 0) >= min_dice
    for label in (1, 2, 3):
        assert dice(back == label, labels == label) >= min_dice - 0.25
        np.testing.assert_allclose(
            centroid_mm(back == label, native.affine_44),
            centroid_mm(labels == label, native.affine_44),
            atol=0.35 * max(spacing),
        )


@pytest.mark.parametrize("codes", EXACT)
def test_flips_and_swaps_are_bit_exact_both_ways(codes):
    rng = np.random.default_rng(1)
    native = Grid((11, 8, 6), affine_of(codes, (1.0, 1.0, 1.0)))
    values = rng.integers(-3000, 3000, native.shape).astype(np.int16)
    inside = geometry.to_ras_grid(Volume(values, native.affine_44), 1.0, order=1)
    assert inside.data.dtype == np.int16
    np.testing.assert_array_equal(np.sort(inside.data, axis=None), np.sort(values, axis=None))
    reference = nib.as_closest_canonical(nib.Nifti1Image(values, native.affine_44))
    np.testing.assert_array_equal(inside.data, np.asarray(reference.dataobj))
    np.testing.assert_allclose(inside.affine_44, reference.affine, atol=1e-9)
    np.testing.assert_array_equal(geometry.resample_to(inside, native, order=1), values)


@pytest.mark.parametrize("codes", ["LPS", "LAS", "RAS", "PIR"])
@pytest.mark.parametrize("turn", [0.0, 15.0])
def test_left_and_right_never_change_sides(codes, turn):
    native = Grid((40, 40, 40), affine_of(codes, (1.5, 1.5, 1.5), turn))
    middle = world(native).reshape(-1, 3).mean(axis=0)
    right = (np.linalg.norm(world(native) - (middle + [18.0, 0.0, 0.0]), axis=-1) < 5).astype(np.uint8)
    inside = geometry.to_ras_grid(Volume(right, native.affine_44), 1.0, order=0)
    assert centroid_mm(inside.data, inside.affine_44)[0] > middle[0] + 15
    back = geometry.resample_to(inside, native, order=0)
    assert centroid_mm(back, native.affine_44)[0] > middle[0] + 15


def test_linear_resampling_reproduces_a_ramp_in_millimetres():
    for turn in (0.0, 12.0):
        native = Grid((40, 36, 30), affine_of("LPS", (1.0, 1.2, 1.4), turn))
        ramp = (world(native) @ [0.5, -0.3, 0.2]).astype(np.float32)
        target = Grid((10, 10, 10), np.diag([1.5, 1.5, 1.5, 1.0]))
        target.affine_44[:3, 3] = world(native).reshape(-1, 3).mean(axis=0) - 7
        found = geometry.resample(Volume(ramp, native.affine_44), target, order=1)
        np.testing.assert_allclose(found, world(target) @ [0.5, -0.3, 0.2], atol=2e-3)


def test_coarser_grid_averages_instead_of_skipping_voxels():
    rng = np.random.default_rng(0)
    native = Grid((64, 64, 64), affine_of("LPS", (1.0, 1.0, 1.0)))
    noise = rng.normal(size=native.shape).astype(np.float32)
    coarse = geometry.to_ras_grid(Volume(noise, native.affine_44), 4.0, order=1)
    assert coarse.data.shape == (16, 16, 16)
    assert float(coarse.data.std()) < 0.2  # sampling points would keep a deviation of about 0.35


def test_even_factor_does_not_shift_the_mask_against_the_image():
    native = Grid((64, 64, 64), affine_of("RAS", (1.0, 1.0, 1.0)))
    labels = (ellipsoid_labels(native) > 0).astype(np.uint8)
    coarse_mask = geometry.to_ras_grid(Volume(labels, native.affine_44), 2.0, order=0)
    coarse_image = geometry.to_ras_grid(Volume(labels.astype(np.float32), native.affine_44), 2.0, order=1)
    index = np.indices(coarse_image.data.shape).reshape(3, -1)
    centre_of_image = (index * coarse_image.data.ravel()).sum(axis=1) / coarse_image.data.sum()
    np.testing.assert_allclose(np.argwhere(coarse_mask.data).mean(axis=0), centre_of_image, atol=0.1)


def test_part_of_the_inside_grid_returns_to_its_place_and_zero_elsewhere():
    native = Grid((20, 24, 18), affine_of("LPS", (1.0, 1.0, 1.0)))
    values = np.random.default_rng(0).integers(1, 4, native.shape).astype(np.uint8)
    inside = geometry.to_ras_grid(Volume(values, native.affine_44), 1.0, order=0)
    affine = inside.affine_44.copy()
    affine[:3, 3] += [3, 5, 2]
    back = geometry.resample_to(Volume(inside.data[3:10, 5:12, 2:9], affine), native, order=0)
    assert np.count_nonzero(back) == 7**3
    np.testing.assert_array_equal(back[back > 0], values[back > 0])


def test_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order"):
        geometry.resample(Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4)), Grid((2, 2, 2), np.eye(4)), order=3)


def write(path: Path, data: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64, np.int32, np.uint16, ">i2", ">f4"])
def test_reads_what_nibabel_reads(tmp_path, name, dtype):
    data = np.random.default_rng(0).integers(0, 200, (7, 5, 6)).astype(dtype)
    affine = affine_of("LAS", (0.9, 0.9, 5.5), 10)
    path = tmp_path / name
    image = nib.Nifti1Image(data, affine, nib.Nifti1Header(endianness=">" if np.dtype(dtype).byteorder == ">" else "<"))
    image.set_data_dtype(dtype)
    nib.save(image, path)
    volume = geometry.load_volume(path)
    reference = nib.load(path)
    np.testing.assert_array_equal(volume.data, np.asarray(reference.dataobj))
    np.testing.assert_allclose(volume.affine_44, reference.affine)
    kept = np.dtype(dtype).newbyteorder("=") in (np.dtype(np.int16), np.dtype(np.uint8))
    assert volume.data.dtype == (np.dtype(dtype).newbyteorder("=") if kept else np.float32)
    assert volume.data.dtype.isnative


@pytest.mark.parametrize(("sform", "qform"), list(itertools.product([0, 1, 2], [0, 1, 2])))
def test_affine_is_nibabels_whatever_the_codes(tmp_path, sform, qform):
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), None)
    image.header["pixdim"][1:4] = (1.0, 2.0, 3.0)
    image.set_sform(affine_of("LPS", (1, 2, 3)), sform)
    image.set_qform(affine_of("LAS", (1, 2, 3)), qform)
    nib.save(image, tmp_path / "a.nii.gz")
    expected = nib.load(tmp_path / "a.nii.gz").affine
    np.testing.assert_allclose(geometry.load_volume(tmp_path / "a.nii.gz").affine_44, expected)


def test_scale_factor_is_applied(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    image.to_filename(tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.5, -3], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    volume = geometry.load_volume(tmp_path / "a.nii")
    np.testing.assert_allclose(volume.data, np.asarray(nib.load(tmp_path / "a.nii").dataobj))
    assert volume.data.dtype == np.float32


def test_nifti2_several_gzip_members_and_a_trailing_axis_of_one(tmp_path):
    data = np.random.default_rng(0).integers(0, 99, (6, 5, 4, 1)).astype(np.int16)
    nib.save(nib.Nifti2Image(data, np.eye(4)), tmp_path / "two.nii")
    raw = (tmp_path / "two.nii").read_bytes()
    (tmp_path / "members.nii.gz").write_bytes(
        gzip.compress(raw[:300]) + gzip.compress(raw[300:700]) + gzip.compress(raw[700:])
    )
    for name in ("two.nii", "members.nii.gz"):
        np.testing.assert_array_equal(geometry.load_volume(tmp_path / name).data, data[..., 0])


def _truncated_gz(folder: Path) -> Path:
    path = write(folder / "x.nii.gz", np.random.default_rng(0).integers(0, 999, (30, 30, 30)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-9000])
    return path


def _truncated(folder: Path) -> Path:
    path = write(folder / "x.nii", np.ones((30, 30, 30), np.int16))
    path.write_bytes(path.read_bytes()[:5000])
    return path


def _flipped_bit(folder: Path) -> Path:
    path = write(folder / "x.nii.gz", np.random.default_rng(0).integers(0, 999, (30, 30, 30)).astype(np.int16))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    return path


def _wrong_magic(folder: Path) -> Path:
    path = write(folder / "x.nii", np.ones((9, 9, 9), np.int16))
    raw = bytearray(path.read_bytes())
    raw[344:348] = b"abc\0"
    path.write_bytes(bytes(raw))
    return path


def _text(folder: Path) -> Path:
    path = folder / "x.nii.gz"
    path.write_text("this is a letter to the editor " * 40)
    return path


def _empty(folder: Path) -> Path:
    (folder / "x.nii.gz").touch()
    return folder / "x.nii.gz"


def _huge(folder: Path) -> Path:
    path = write(folder / "x.nii.gz", np.ones((9, 9, 9), np.int16))
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    return path


def _with(value: float, folder: Path) -> Path:
    data = np.ones((9, 9, 9), np.float32)
    data[4, 4, 4] = value
    return write(folder / "x.nii.gz", data)


def _rgb(folder: Path) -> Path:
    return write(folder / "x.nii", np.zeros((4, 4, 4), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])))


BROKEN = {
    "truncated gz": (_truncated_gz, "truncated"),
    "truncated": (_truncated, "truncated"),
    "flipped bit": (_flipped_bit, "damaged gzip|truncated"),
    "wrong magic": (_wrong_magic, "no NIfTI header"),
    "text": (_text, "no NIfTI header"),
    "empty file": (
        lambda folder: ((folder / "x.nii").write_bytes(b"") and None) or folder / "x.nii",
        "no NIfTI header",
    ),
    "missing": (lambda folder: folder / "nothing.nii.gz", "cannot be read"),
    "a folder": (lambda folder: folder, "cannot be read"),
    "4-D": (lambda folder: write(folder / "x.nii.gz", np.ones((4, 4, 4, 3), np.int16)), "4-D image of 4x4x4x3"),
    "2-D": (lambda folder: write(folder / "x.nii.gz", np.ones((4, 4), np.int16)), "2-D"),
    "NaN": (lambda folder: _with(np.nan, folder), "1 voxels that are NaN"),
    "Inf": (lambda folder: _with(np.inf, folder), "1 voxels that are NaN or infinite"),
    "beyond float32": (
        lambda folder: write(folder / "x.nii", np.full((4, 4, 4), 1e300)),
        "64 voxels that are NaN or infinite",
    ),
    "complex": (lambda folder: write(folder / "x.nii", np.ones((4, 4, 4), np.complex64)), "complex"),
    "RGB": (_rgb, "voxels of type"),
    "announces 54 TB": (_huge, "announcing"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_are_named_without_their_path(tmp_path, kind):
    make, message = BROKEN[kind]
    path = make(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        geometry.load_volume(path, "case c1: t2")
    text = str(caught.value)
    assert text.startswith("case c1: t2: found ")
    assert "; expected " in text
    assert tmp_path.name not in text
    assert ".gz:" not in text


def test_an_image_of_one_value_has_no_signal():
    for value, words in ((0, "only zeros"), (7, "the value 7")):
        with pytest.raises(DataError, match=words):
            geometry.require_signal(Volume(np.full((3, 3, 3), value, np.int16), np.eye(4)), "t1")


def test_same_grid_forgives_rounding_but_no_tenth_of_a_voxel():
    one = Grid((240, 240, 155), affine_of("LPS", (1, 1, 1)))
    rounded = Grid(one.shape, one.affine_44 + np.pad(np.full((3, 4), 1e-5), ((0, 1), (0, 0))))
    shifted = Grid(one.shape, one.affine_44 + np.eye(4, k=3) * 0.2)
    assert geometry.same_grid(one, rounded)
    assert not geometry.same_grid(one, shifted)
    assert not geometry.same_grid(one, Grid((240, 240, 154), one.affine_44))
    assert not geometry.same_grid(one, Grid(one.shape, affine_of("LAS", (1, 1, 1))))
    assert "240x240x155 voxels of 1x1x1 mm, LPS" in str(one)


@pytest.mark.realdata
def test_real_mask_round_trip_is_exact_at_1_mm_and_good_at_2_mm(real_data):
    path = real_data / "brats2021/BraTS2021_01482/BraTS2021_01482_seg.nii.gz"
    volume = geometry.load_volume(path, "mask")
    labels = volume.data.astype(np.uint8)
    for spacing, least in ((1.0, 1.0), (2.0, 0.93)):
        inside = geometry.to_ras_grid(Volume(labels, volume.affine_44), spacing, order=0)
        back = geometry.resample_to(inside, volume.grid, order=0)
        assert dice(back > 0, labels > 0) >= least
