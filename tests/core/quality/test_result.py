"""Checks of a segmentation: what is no usual glioma raises a flag, or the test says that it does not."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.sequences import find_sequences
from gmmas_core.quality import Check, Verdict, check_result
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS

Images = Mapping[str, Volume]
Phantom = Callable[..., tuple[dict[str, Volume], Volume]]
RealCase = Callable[[str], tuple[Images, Volume]]


@pytest.fixture(scope="module")
def case(phantom: Phantom) -> tuple[Images, Volume]:
    return phantom(1, size=48, enhancement=True, necrosis=True)


def flags(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {check.id: check.verdict for check in checks if check.verdict is not Verdict.PASS}


def with_labels(seg: Volume, labels_XYZ: NDArray[np.uint8]) -> Volume:
    return Volume(labels_XYZ, seg.affine_44)


def ball(seg: Volume, centre_mm: tuple[float, float, float], radius_mm: float) -> NDArray[np.bool_]:
    world = np.moveaxis(np.indices(seg.data.shape), 0, -1) @ seg.affine_44[:3, :3].T + seg.affine_44[:3, 3]
    return np.asarray(((world - centre_mm) ** 2).sum(-1) <= radius_mm**2)


def test_a_phantom_glioma_raises_nothing(case: tuple[Images, Volume]) -> None:
    assert flags(check_result(*case)) == {}


def test_a_head_without_a_tumour(healthy: Images) -> None:
    first = healthy["t1"]
    checks = check_result(healthy, with_labels(first, np.zeros(first.data.shape, dtype=np.uint8)))
    assert flags(checks) == {"tumour_found": Verdict.FAIL}
    assert "suppose a glioma" in checks[0].action


def test_a_tumour_invented_in_a_healthy_head_lacks_its_signal(healthy: Images) -> None:
    first = healthy["t1"]
    labels = np.where(ball(first, (30, 10, 20), 20), EDEMA, 0).astype(np.uint8)
    labels[ball(first, (30, 10, 20), 12)] = ENHANCING
    found = flags(check_result(healthy, with_labels(first, labels)))
    assert found["tumour_signal"] is Verdict.WARN
    assert found["enhancement_signal"] is Verdict.WARN


def test_one_small_piece_is_not_scattered(case: tuple[Images, Volume]) -> None:
    images, seg = case
    labels = np.zeros_like(seg.data)
    labels[20, 20, 20] = EDEMA
    (check,) = (check for check in check_result(images, with_labels(seg, labels)) if check.id == "scattered")
    assert (check.verdict, check.found) == (Verdict.PASS, "0% outside the largest of 1 pieces")


def test_specks_and_giants(case: tuple[Images, Volume]) -> None:
    images, seg = case
    speck = np.zeros_like(seg.data)
    speck[24, 24, 30] = EDEMA
    assert flags(check_result(images, with_labels(seg, speck)))["tumour_volume"] is Verdict.WARN
    everything = np.where(images["t1"].data > 0, EDEMA, 0).astype(np.uint8)
    found = flags(check_result(images, with_labels(seg, everything)))
    assert found["tumour_volume"] is Verdict.FAIL
    assert found["tumour_signal"] is Verdict.NOT_ASSESSABLE


def test_a_tumour_outside_of_the_brain_or_of_the_picture(case: tuple[Images, Volume]) -> None:
    images, seg = case
    moved = np.roll(seg.data, 14, axis=2)
    assert flags(check_result(images, with_labels(seg, moved)))["outside_brain"] is Verdict.FAIL
    top = int(np.flatnonzero(seg.data.any(axis=(0, 1)))[-1])
    cut = {name: Volume(image.data[:, :, :top], image.affine_44) for name, image in images.items()}
    found = flags(check_result(cut, Volume(seg.data[:, :, :top], seg.affine_44)))
    assert found["tumour_at_edge"] is Verdict.WARN


def test_several_rings_of_like_size_look_like_metastases(case: tuple[Images, Volume]) -> None:
    images, seg = case
    labels = np.zeros_like(seg.data)
    for centre in ((35.0, 30.0, 20.0), (-35.0, 20.0, 15.0), (30.0, -40.0, 25.0), (-30.0, -40.0, 10.0)):
        for label, radius in ((EDEMA, 17), (ENHANCING, 11), (NECROSIS, 6)):
            labels[ball(seg, centre, radius)] = label
    found = flags(check_result(images, with_labels(seg, labels)))
    assert found["multiple_cores"] is Verdict.WARN
    assert found["scattered"] is Verdict.WARN


def test_satellites_of_a_large_tumour_are_no_metastases(case: tuple[Images, Volume]) -> None:
    images, seg = case
    labels = np.where(ball(seg, (30, 0, 20), 24), ENHANCING, 0).astype(np.uint8)
    for centre in ((-30.0, 20.0, 15.0), (-30.0, -40.0, 10.0)):
        labels[ball(seg, centre, 7)] = ENHANCING
    assert "multiple_cores" not in flags(check_result(images, with_labels(seg, labels)))


def test_without_images_on_its_grid_signal_is_not_assessable(case: tuple[Images, Volume]) -> None:
    images, seg = case
    away = {name: Volume(image.data[1:], image.affine_44) for name, image in images.items()}
    assert flags(check_result(away, seg)) == dict.fromkeys(
        ("outside_brain", "tumour_signal", "enhancement_signal"), Verdict.NOT_ASSESSABLE
    )


def test_without_contrast_enhancement_is_not_assessable(case: tuple[Images, Volume]) -> None:
    images, seg = case
    some = {name: image for name, image in images.items() if name != "t1c"}
    assert flags(check_result(some, seg)) == {"enhancement_signal": Verdict.NOT_ASSESSABLE}


@pytest.mark.realdata
@pytest.mark.slow
def test_real_gliomas_raise_nothing_and_flipped_ones_do(real_case: RealCase) -> None:
    for name in ("BraTS2021_00006", "BraTS2021_01479"):
        images, seg = real_case(name)
        assert flags(check_result(images, seg)) == {}
        assert flags(check_result(images, Volume(seg.data[::-1], seg.affine_44)))


@pytest.mark.realdata
@pytest.mark.slow
def test_a_single_real_metastasis_is_not_noticed(real_data: Path) -> None:
    """A limit: one ring with oedema is what a glioblastoma looks like too. Outlined roughly by brightness."""
    files = find_sequences(real_data / "ood" / "BraTS-MET-00110-000")
    images = {name: load_volume(path) for name, path in files.images.items()}
    near = np.zeros(images["t1c"].data.shape, dtype=bool)
    near[65:120, 40:105, 45:110] = True  # around the lesion
    t2, t1c = images["t2"].data, images["t1c"].data
    fluid, bright = t2 > np.percentile(t2[t2 > 0], 93), t1c > np.percentile(t1c[t1c > 0], 97)
    labels = np.where(near & fluid, NECROSIS, 0).astype(np.uint8)
    labels[near & bright] = ENHANCING
    found = flags(check_result(images, Volume(labels, images["t1c"].affine_44)))
    assert "multiple_cores" not in found
    assert Verdict.FAIL not in found.values()
