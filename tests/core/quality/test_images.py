"""Checks of images: what must raise a flag does, what is in order does not, and what is not noticed is written down."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.sequences import find_sequences
from gmmas_core.quality import Check, Verdict, check_images
from gmmas_core.quality.single import check_cut_at_edge, check_slice_thickness
from gmmas_core.quality.sketch import sketch
from gmmas_core.quality.together import check_coverage, check_duplicates, check_tissue, deep_of
from gmmas_core.types import DataError

Images = Mapping[str, Volume]
Phantom = Callable[..., tuple[dict[str, Volume], Volume]]
RealCase = Callable[[str], tuple[Images, Volume]]


@pytest.fixture(scope="module")
def images(phantom: Phantom) -> Images:
    return phantom(1, size=48, enhancement=True, necrosis=True)[0]


def flags(checks: tuple[Check, ...], verdict: Verdict = Verdict.FAIL) -> set[tuple[str, str]]:
    return {(check.id, check.where) for check in checks if check.verdict is verdict}


def changed(images: Images, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Images:  # type: ignore[type-arg]
    return {**images, name: Volume(change(images[name].data), images[name].affine_44)}


def swapped(images: Images, one: str, other: str) -> Images:
    return {**images, one: images[other], other: images[one]}


def test_a_phantom_in_order_raises_nothing_but_its_thick_voxels(images: Images) -> None:
    checks = check_images(images)
    assert flags(checks) == set()
    assert flags(checks, Verdict.WARN) == {("slice_thickness", name) for name in images}
    assert flags(checks, Verdict.NOT_ASSESSABLE) == set()


def test_every_flag_says_what_to_do(images: Images) -> None:
    for check in check_images(changed(images, "t1", lambda data: data * 0 + 7)):
        assert bool(check.action) == (check.verdict is not Verdict.PASS)
        assert check.found
        assert check.expected


@pytest.mark.parametrize(
    ("one", "other", "flag"),
    [
        ("t2", "flair", ("fluid", "t2 and flair")),
        ("t1", "t2", ("fluid", "t2 and t1")),
        ("t1c", "t2", ("fluid", "t2 and t1c")),
        ("t1", "t1c", ("contrast_agent", "t1 and t1c")),
        ("t1", "flair", ("tissue", "t1 and flair")),
        ("t1c", "flair", ("tissue", "t1c and flair")),
    ],
)
def test_swapped_sequences(one: str, other: str, flag: tuple[str, str], images: Images) -> None:
    assert flag in flags(check_images(swapped(images, one, other)))


def test_one_image_under_two_names_whatever_its_brightness(images: Images) -> None:
    images = {name: images[name] for name in ("t2", "flair")}
    same = check_images({**images, "t2": images["flair"]})
    assert ("duplicates", "t2 and flair") in flags(same)
    brighter = check_images({**images, "t2": Volume(images["flair"].data * 3 + 0.0, images["t2"].affine_44)})
    assert ("duplicates", "t2 and flair") in flags(brighter, Verdict.WARN)


def test_constant_noise_and_clipped_images(images: Images) -> None:
    images = {name: images[name] for name in ("t1", "t1c")}
    constant = check_images(changed(images, "t1", lambda data: np.full_like(data, 7)))
    assert flags(constant) == {("constant", "t1")}  # and it is left out of every other check
    noise = check_images(changed(images, "t1", lambda data: np.random.default_rng(0).permuted(data, axis=None)))
    assert ("noise", "t1") in flags(noise)
    bright = float(np.percentile(images["t1c"].data[images["t1c"].data > 0], 90))
    clipped = check_images(changed(images, "t1c", lambda data: np.minimum(data, int(bright))))
    assert ("saturation", "t1c") in flags(clipped)
    few = float(np.percentile(images["t1c"].data[images["t1c"].data > 0], 99.95))
    clipped = check_images(changed(images, "t1c", lambda data: np.minimum(data, int(few))))
    assert ("saturation", "t1c") in flags(clipped, Verdict.WARN), "0.05 % of a brain are an enhancing rim"


def test_a_bottle_of_water_is_no_brain(images: Images) -> None:
    rng = np.random.default_rng(0)
    bottle = changed(images, "t2", lambda data: (data > 0) * (1000 + rng.integers(-20, 20, data.shape)))
    checks = check_images({"t2": bottle["t2"]})
    assert ("tissue_contrast", "t2") in flags(checks)
    assert ("noise", "t2") in flags(checks)


def test_a_cut_field_of_view(images: Images) -> None:
    images = {name: images[name] for name in ("t1", "t2")}

    def black(data: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        cut = data.copy()
        cut[:, :, 30:] = 0
        return cut

    assert ("coverage", "t1") in flags(check_images(changed(images, "t1", black)), Verdict.WARN)
    almost = changed(images, "t1", lambda data: np.where(black(data) == data, data, 1).astype(data.dtype))
    assert ("coverage", "t1") in flags(check_images(almost), Verdict.WARN) | flags(check_images(almost))
    all_cut = {name: Volume(image.data[:, :, :28], image.affine_44) for name, image in images.items()}
    assert ("cut_at_edge", "t2") in flags(check_images(all_cut))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("side", [0, -1])
def test_a_cut_that_was_filled_with_zeros(axis: int, side: int, images: Images) -> None:
    """As resampling to an atlas does: the volume goes on, the brain does not."""
    images = {name: images[name] for name in ("t1", "t2")}
    layers = np.flatnonzero((images["t2"].data != 0).any(axis=tuple({0, 1, 2} - {axis})))
    from_side = np.abs(np.arange(48) - layers[side])
    lost = np.expand_dims(from_side < 0.3 * len(layers), tuple({0, 1, 2} - {axis}))
    cut = {name: Volume(np.where(lost, 0, v.data).astype(v.data.dtype), v.affine_44) for name, v in images.items()}
    assert check_cut_at_edge("t2", images["t2"]).verdict is Verdict.PASS
    assert check_cut_at_edge("t2", cut["t2"]).verdict is not Verdict.PASS
    found = check_coverage("t2", {"t1": sketch(images["t1"]), "t2": sketch(cut["t2"])})
    assert found.verdict is Verdict.WARN, found.found


def test_a_copy_is_known_by_its_likeness_when_it_was_scaled_and_shifted(images: Images) -> None:
    for name, other in (("t1", "t1c"), ("t2", "flair")):
        anew = changed({**images, other: images[name]}, other, lambda data: np.roll(data, (1, 0, -2), (0, 1, 2)) * 1.7)
        deep = deep_of({name: sketch(images[name])})
        assert check_duplicates((name, other), anew, deep).verdict is Verdict.WARN
        assert check_duplicates((name, other), images, deep).verdict is Verdict.PASS


def test_half_a_head_is_too_small(images: Images) -> None:
    half = changed(images, "t2", lambda data: np.where(np.arange(48)[:, None, None] < 22, data, 0))
    checks = check_images({"t2": half["t2"]})
    assert ("brain_volume", "t2") in flags(checks, Verdict.WARN)


def test_thick_slices_and_their_direction(images: Images) -> None:
    for axis in range(3):
        affine = images["t2"].affine_44.copy()
        affine[:3, axis] *= 2
        assert check_slice_thickness("t2", Volume(images["t2"].data, affine)).verdict is Verdict.FAIL


def test_a_skull_and_other_grids(images: Images) -> None:
    filled = {name: Volume(np.where(i.data == 0, 300, i.data), i.affine_44) for name, i in images.items()}
    assert ("skull", "t1") in flags(check_images(filled))
    moved = {**images, "flair": Volume(images["flair"].data[2:], images["flair"].affine_44)}
    checks = check_images(moved)
    assert ("one_grid", "") in flags(checks)
    assert {name for name, _ in flags(checks, Verdict.NOT_ASSESSABLE)} == {
        *("coverage", "duplicates", "fluid", "tissue", "contrast_agent")
    }


def test_a_healthy_head_is_a_head(healthy: Images) -> None:
    """A limit by design: the images alone do not tell that there is no tumour; an empty segmentation does."""
    assert flags(check_images(healthy)) == set()


def test_names_that_are_no_sequences_are_refused(images: Images) -> None:
    with pytest.raises(DataError, match="expected some of t1, t1c, t2, flair"):
        check_images({"dwi": images["t1"]})
    with pytest.raises(DataError, match="no image"):
        check_images({})


def real_images(folder: Path) -> Images:
    return {name: load_volume(path) for name, path in find_sequences(folder).images.items()}


@pytest.mark.realdata
@pytest.mark.slow
def test_a_real_glioma_fails_nothing_and_its_swaps_do(real_case: RealCase) -> None:
    images, _ = real_case("BraTS2021_00006")
    assert flags(check_images(images)) == set()
    assert ("fluid", "t2 and flair") in flags(check_images(swapped(images, "t2", "flair")))
    assert ("contrast_agent", "t1 and t1c") in flags(check_images(swapped(images, "t1", "t1c")))


@pytest.mark.realdata
@pytest.mark.slow
def test_every_real_case_tells_flair_from_t1_by_its_tissue(real_data: Path) -> None:
    folders = [*sorted((real_data / "brats2021").iterdir()), *sorted((real_data / "ood").iterdir())]
    for folder in [*folders, *sorted((real_data / "tcga").iterdir())]:
        images = real_images(folder)
        sketches = {name: sketch(volume) for name, volume in images.items()}
        for name in ("t1", "t1c"):
            in_order = check_tissue(name, sketches, deep_of(sketches))
            assert in_order.verdict is Verdict.PASS, (folder.name, in_order.found)
            exchanged = {**sketches, name: sketches["flair"], "flair": sketches[name]}
            assert check_tissue(name, exchanged, deep_of(exchanged)).verdict is Verdict.FAIL, folder.name


@pytest.mark.realdata
@pytest.mark.slow
def test_a_swap_in_a_glioma_that_does_not_enhance_only_warns(real_case: RealCase) -> None:
    """A limit: without enhancement only the vessels tell t1 from t1c, and their sign is weak."""
    images, _ = real_case("BraTS2021_01477")
    in_order = check_images(images)
    assert ("contrast_agent", "t1 and t1c") not in flags(in_order) | flags(in_order, Verdict.WARN)
    checks = check_images(swapped(images, "t1", "t1c"))
    assert ("contrast_agent", "t1 and t1c") in flags(checks, Verdict.WARN)


@pytest.mark.realdata
@pytest.mark.slow
def test_a_real_t1_with_a_cut_field_of_view_is_flagged(real_case: RealCase) -> None:
    """It is stretched to 32767, with one voxel there: no clipping, so the saturation check passes."""
    images, _ = real_case("BraTS2021_01482")
    checks = check_images(images)
    assert ("coverage", "t1") in flags(checks, Verdict.WARN)
    assert ("coverage", "t2") not in flags(checks, Verdict.WARN)
    assert not [flag for flag in flags(checks, Verdict.WARN) | flags(checks) if flag[0] == "saturation"]


@pytest.mark.realdata
@pytest.mark.slow
def test_a_raw_head_has_a_skull_thick_slices_and_four_grids(real_data: Path) -> None:
    checks = check_images(real_images(real_data / "raw" / "TCGA-FG-6692"))
    failed = flags(checks)
    assert {("skull", name) for name in ("t1", "t1c", "t2", "flair")} <= failed
    assert ("one_grid", "") in failed
    assert ("slice_thickness", "t1") in flags(checks, Verdict.WARN)


@pytest.mark.realdata
@pytest.mark.slow
def test_the_images_of_a_metastasis_are_in_order(real_data: Path) -> None:
    """A limit by design: they are good images of a brain; what the lesion is no check of images can tell."""
    checks = check_images(real_images(real_data / "ood" / "BraTS-MET-00110-000"))
    assert flags(checks) == set()
    assert ("coverage", "t1c") not in flags(checks, Verdict.WARN), "its brain mask lacks a rim that the others have"
