"""One drawn examination: sizes a brain and a glioma have, contrast of the tissues, and every sign visible."""

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from gmmas_core.data.phantom.anatomy import FIELD_OF_VIEW_MM, axes_mm, smooth_field, voxel_mm
from gmmas_core.data.phantom.case import PhantomCase, make_case
from gmmas_core.data.phantom.latent import CLASSES, SIGNS, Latent, sample_latent
from gmmas_core.data.phantom.signal import Tissue, tissue_brightness
from gmmas_core.data.phantom.site_effects import HOSPITALS, SiteEffects
from gmmas_core.types import EDEMA, ENHANCING, NECROSIS, SEQUENCES

QUIET = SiteEffects(name="quiet", bias=0.01, noise=0.01)
SIZE = 48


def patient(age: float = 50.0, **signs: bool) -> Latent:
    """A patient with exactly the named signs."""
    return Latent(
        tumour_class=CLASSES[0],
        age=age,
        apparent_age=age,
        sex="F",
        signs={sign: signs.get(sign, False) for sign in SIGNS},
    )


def draw(latent: Latent, seed: int = 0, size: int = SIZE, effects: SiteEffects = QUIET) -> PhantomCase:
    return make_case(latent, size, np.random.default_rng(seed), effects)


def volume_ml(inside, size: int = SIZE) -> float:
    return float(inside.sum()) * voxel_mm(size) ** 3 / 1000


def ratio(case: PhantomCase, sequence: str, inside) -> float:
    """Median of a region relative to the median of normal brain."""
    image = case.images[sequence]
    return float(np.median(image[inside]) / np.median(image[case.brain_XYZ & (case.seg_XYZ == 0)]))


@pytest.fixture(scope="module")
def many() -> list[tuple[Latent, PhantomCase]]:
    """Thirty patients of the reference population, seen by all hospitals."""
    cases = []
    for number in range(30):
        rng = np.random.default_rng([11, number])
        latent = sample_latent(rng)
        cases.append((latent, make_case(latent, SIZE, rng, HOSPITALS[number % len(HOSPITALS)])))
    return cases


def test_types_and_shapes(many: list[tuple[Latent, PhantomCase]]) -> None:
    for _, case in many:
        assert tuple(case.images) == SEQUENCES
        assert case.seg_XYZ.dtype == np.uint8
        assert set(np.unique(case.seg_XYZ)) <= {0, NECROSIS, EDEMA, ENHANCING}
        for image in case.images.values():
            assert image.shape == case.seg_XYZ.shape == (SIZE, SIZE, SIZE)
            assert image.dtype == np.int16
            assert np.array_equal(image > 0, case.brain_XYZ)
        assert not np.any(case.seg_XYZ[~case.brain_XYZ])


def test_volumes_are_those_of_brains_and_gliomas(many: list[tuple[Latent, PhantomCase]]) -> None:
    for latent, case in many:
        assert 900 < volume_ml(case.brain_XYZ) < 1700
        whole, core, enhancing = (
            volume_ml(np.isin(case.seg_XYZ, labels))
            for labels in ((NECROSIS, EDEMA, ENHANCING), (NECROSIS, ENHANCING), (ENHANCING,))
        )
        assert 10 < whole < 180
        assert whole > core > enhancing
        assert core > 0.25 * whole
        assert (enhancing > 0.5) == latent.signs["enhancement"]


def test_whole_tumour_surrounds_core() -> None:
    """An enhancing tumour is a shell around necrosis inside oedema: ever further from the centre."""
    case = draw(patient(enhancement=True, necrosis=True))
    where = np.stack(np.broadcast_arrays(*axes_mm(SIZE)), axis=-1)
    centre = where[case.seg_XYZ == NECROSIS].mean(axis=0)
    distance = np.linalg.norm(where - centre, axis=-1)
    far = [float(np.median(distance[case.seg_XYZ == label])) for label in (NECROSIS, ENHANCING, EDEMA)]
    assert far == sorted(far)


def test_brightness_against_normal_brain() -> None:
    """Ratios of notes on real examinations: enhancing rim on T1c, oedema on FLAIR, necrosis dark on T1c."""
    case = draw(patient(enhancement=True, necrosis=True), size=64)
    enhancing, edema, necrotic = (case.seg_XYZ == label for label in (ENHANCING, EDEMA, NECROSIS))
    assert ratio(case, "t1c", enhancing) == pytest.approx(1.55, abs=0.15)
    assert ratio(case, "t1c", enhancing) > 1.5 * ratio(case, "t1", enhancing)
    assert ratio(case, "t1c", necrotic) == pytest.approx(0.69, abs=0.12)
    assert ratio(case, "flair", edema) == pytest.approx(1.9, abs=0.25)
    assert ratio(case, "t2", edema) > 1.25
    assert ratio(case, "t1", edema) < 1.0


@pytest.mark.parametrize("tr_scale", [0.85, 1.0, 1.15])
def test_fluid_is_dark_on_flair_and_bright_on_t2(tr_scale: float) -> None:
    assert tissue_brightness("flair", tr_scale)[Tissue.CSF] < 0.05
    assert tissue_brightness("t2", tr_scale)[Tissue.CSF] > 2
    assert tissue_brightness("t1", tr_scale)[Tissue.WHITE] > 1.1 * tissue_brightness("t1", tr_scale)[Tissue.GREY]


def test_ventricles_are_dark_on_flair_and_bright_on_t2() -> None:
    latent = patient(age=70.0, frontal=True)
    case = draw(latent, size=64)
    x, y, z = axes_mm(64)
    body = (np.abs(np.abs(x) - 13) < 3) & (np.abs(y + 8) < 10) & (np.abs(z - 19) < 3) & (case.seg_XYZ == 0)
    assert ratio(case, "flair", body) < 0.5
    assert ratio(case, "t2", body) > 2


def test_same_seed_same_case_and_other_seed_other_case() -> None:
    latent = patient(enhancement=True)
    first, again, other = draw(latent), draw(latent), draw(latent, seed=1)
    for sequence in SEQUENCES:
        assert np.array_equal(first.images[sequence], again.images[sequence])
        assert not np.array_equal(first.images[sequence], other.images[sequence])
    assert np.array_equal(first.seg_XYZ, again.seg_XYZ)


def test_the_same_patient_at_every_resolution() -> None:
    latent = patient(enhancement=True, necrosis=True, ill_defined=True)
    coarse, fine = draw(latent, size=32), draw(latent, size=64)
    assert volume_ml(coarse.brain_XYZ, 32) == pytest.approx(volume_ml(fine.brain_XYZ, 64), rel=0.02)
    doubled = coarse.seg_XYZ.repeat(2, 0).repeat(2, 1).repeat(2, 2) > 0
    whole = fine.seg_XYZ > 0
    assert 2 * (doubled & whole).sum() / (doubled.sum() + whole.sum()) > 0.8


def test_smooth_fields_have_unit_variance() -> None:
    fields = [smooth_field(np.random.default_rng(i), 32, 10.0) for i in range(8)]
    assert np.mean(fields) == pytest.approx(0.0, abs=0.05)
    assert np.std(fields) == pytest.approx(1.0, abs=0.1)


def test_necrosis_is_dark_inside_a_ring() -> None:
    with_necrosis = draw(patient(enhancement=True, necrosis=True))
    without = draw(patient(enhancement=True))
    assert ratio(with_necrosis, "t1c", with_necrosis.seg_XYZ == NECROSIS) < ratio(
        without, "t1c", without.seg_XYZ == NECROSIS
    )


def test_mismatch_is_bright_on_t2_and_dark_on_flair() -> None:
    plain, mismatch = draw(patient()), draw(patient(mismatch=True))
    core = mismatch.seg_XYZ == NECROSIS
    assert np.array_equal(core, plain.seg_XYZ == NECROSIS)
    assert ratio(mismatch, "t2", core) > 1.08 * ratio(plain, "t2", core)
    assert ratio(mismatch, "flair", core) < 0.75 * ratio(plain, "flair", core)
    rim = mismatch.seg_XYZ == EDEMA
    assert ratio(mismatch, "flair", rim) > 1.2 * ratio(mismatch, "flair", core)


def test_calcification_is_dark_on_every_sequence() -> None:
    plain, calcified = draw(patient(), size=64), draw(patient(calcification=True), size=64)
    core = plain.seg_XYZ == NECROSIS
    for sequence in ("t1", "t2", "flair"):
        fifth = [np.percentile(case.images[sequence][core], 3) for case in (plain, calcified)]
        assert fifth[1] < 0.8 * fifth[0], sequence


def test_cyst_is_dark_on_flair() -> None:
    plain, cystic = draw(patient(), size=64), draw(patient(cyst=True), size=64)
    core = plain.seg_XYZ == NECROSIS
    tenth = [np.percentile(case.images["flair"][core], 8) for case in (plain, cystic)]
    assert tenth[1] < 0.75 * tenth[0]


def test_ill_defined_margins_are_rough_and_uneven() -> None:
    def surface_share(case: PhantomCase) -> float:
        whole = case.seg_XYZ > 0
        inner = whole.copy()
        for axis in range(3):
            inner &= np.roll(whole, 1, axis) & np.roll(whole, -1, axis)
        return 1 - float(inner.sum() / whole.sum())

    def unevenness(case: PhantomCase) -> float:
        values = case.images["t2"][case.seg_XYZ == NECROSIS].astype(float)
        return float(values.std() / values.mean())

    sharp = [draw(patient(), seed) for seed in range(4)]
    vague = [draw(patient(ill_defined=True), seed) for seed in range(4)]
    assert fmean(map(surface_share, vague)) > 1.1 * fmean(map(surface_share, sharp))
    assert fmean(map(unevenness, vague)) > 1.4 * fmean(map(unevenness, sharp))


@pytest.mark.parametrize("seed", range(4))
def test_frontal_tumours_are_in_front(seed: int) -> None:
    y = axes_mm(SIZE)[1]
    middle = {
        frontal: float(np.broadcast_to(y, (SIZE,) * 3)[draw(patient(frontal=frontal), seed).seg_XYZ > 0].mean())
        for frontal in (True, False)
    }
    assert middle[True] > 20 > middle[False]


def test_ventricles_grow_with_apparent_age_only() -> None:
    young, old = draw(patient(age=25.0)), draw(patient(age=85.0))
    fluid = [np.mean(case.images["flair"][case.brain_XYZ] < 300) for case in (young, old)]
    assert fluid[1] > 2 * fluid[0]
    hidden = replace(patient(age=25.0), age=85.0)
    assert np.array_equal(draw(hidden).images["flair"], young.images["flair"])


def test_class_shows_in_nothing_but_signs_and_age() -> None:
    glioblastoma = patient(enhancement=True, necrosis=True)
    oligodendroglioma = replace(glioblastoma, tumour_class=CLASSES[-1])
    one, other = draw(glioblastoma), draw(oligodendroglioma)
    for sequence in SEQUENCES:
        assert np.array_equal(one.images[sequence], other.images[sequence])


def test_field_of_view() -> None:
    line = axes_mm(64)[0].ravel()
    assert line[-1] - line[0] + voxel_mm(64) == pytest.approx(FIELD_OF_VIEW_MM)
    assert line.mean() == pytest.approx(0.0, abs=1e-4)
