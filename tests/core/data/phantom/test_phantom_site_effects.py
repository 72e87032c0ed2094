"""Hospitals differ as documented, and what they lack is dealt fairly over the case number."""

import numpy as np
import pytest

from gmmas_core.data.phantom.site_effects import (
    HOSPITALS,
    SiteEffects,
    acquire,
    hospital,
    is_left_out,
    sequences_of,
)
from gmmas_core.types import SEQUENCES, Task

SIZE = 32
BALL = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(SIZE) - 15.5] * 3)), axis=0) < 12


@pytest.mark.parametrize("what", [*SEQUENCES, "mask", Task.IDH, Task.CODEL, Task.HISTOLOGY])
@pytest.mark.parametrize("share", [0.0, 0.08, 0.25, 0.4, 1.0])
def test_shares_hold_from_the_first_dozens_on(what: str, share: float) -> None:
    for num in (24, 100, 1000):
        left_out = sum(is_left_out(what, share, number) for number in range(num))
        assert left_out == pytest.approx(num * share, abs=3)


def test_things_go_missing_independently() -> None:
    mask, flair = (np.array([is_left_out(what, 0.3, number) for number in range(3000)]) for what in ("mask", "flair"))
    assert np.mean(mask & flair) == pytest.approx(0.09, abs=0.01)


@pytest.mark.parametrize("effects", HOSPITALS, ids=lambda effects: effects.name)
def test_every_site_keeps_enough_to_train_on(effects: SiteEffects) -> None:
    """Among eight cases at least four have a mask and at least three of these a known IDH status."""
    with_mask = [number for number in range(8) if not is_left_out("mask", effects.unmasked, number)]
    known = [n for n in with_mask if not is_left_out(Task.IDH, effects.unknown.get(Task.IDH, 0.0), n)]
    assert len(with_mask) >= 4
    assert len(known) >= 3


@pytest.mark.parametrize("effects", HOSPITALS, ids=lambda effects: effects.name)
def test_documented_shares_of_missing_sequences(effects: SiteEffects) -> None:
    present = [sequences_of(effects, number) for number in range(200)]
    assert all(present)
    for sequence in SEQUENCES:
        share = np.mean([sequence not in kept for kept in present])
        assert share == pytest.approx(effects.missing.get(sequence, 0.0), abs=0.015)


def test_a_case_is_never_left_without_any_sequence() -> None:
    empty = SiteEffects(name="empty", missing=dict.fromkeys(SEQUENCES, 1.0))
    assert sequences_of(empty, 3) == ("flair",)


def test_hospitals_differ() -> None:
    assert [effects.orientation for effects in HOSPITALS[:3]] == ["LPS", "RAS", "LAS"]
    for name in ("bias", "noise", "gain", "gamma", "tr_scale", "te_scale", "slice_mm", "lower_grade_odds"):
        assert len({getattr(effects, name) for effects in HOSPITALS}) == len(HOSPITALS), name
    assert len({effects.unmasked for effects in HOSPITALS}) == len(HOSPITALS)


def test_further_hospitals_come_from_the_seed() -> None:
    assert hospital(1, 0) is HOSPITALS[1]
    assert hospital(4, 0).name == "site-05"
    assert hospital(4, 0) == hospital(4, 0)
    assert hospital(4, 0) != hospital(4, 1)
    assert 0.3 <= hospital(7, 3).gain <= 3


def flat(effects: SiteEffects, sequence: str = "t1") -> np.ndarray:
    """A ball of normal brain, scanned."""
    return acquire(np.ones((SIZE,) * 3, np.float32), BALL, sequence, effects, np.random.default_rng(0))


def test_gain_and_noise() -> None:
    clean = flat(SiteEffects(name="clean", bias=0.0, noise=0.0))[BALL]
    assert clean.std() == pytest.approx(0.0, abs=1.0)
    assert clean.mean() == pytest.approx(1000, rel=0.25)
    noisy = flat(SiteEffects(name="noisy", bias=0.0, noise=0.05, gain=2.0))[BALL]
    assert noisy.mean() == pytest.approx(2 * clean.mean(), rel=0.01)
    assert noisy.std() / noisy.mean() == pytest.approx(0.05, rel=0.05)


def test_noise_is_rician() -> None:
    """Where there is no signal the mean is sigma * sqrt(pi / 2), not zero."""
    effects = SiteEffects(name="noisy", bias=0.0, noise=0.05)
    dark = acquire(np.zeros((SIZE,) * 3, np.float32), BALL, "t1", effects, np.random.default_rng(0))[BALL]
    bright = flat(effects)[BALL]
    assert dark.mean() / bright.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.03)


def test_bias_is_smooth_shading() -> None:
    shaded = flat(SiteEffects(name="shaded", bias=0.1, noise=0.0)).astype(float)
    assert 0.03 < shaded[BALL].std() / shaded[BALL].mean() < 0.25
    inner = BALL & np.roll(BALL, 1, 0)
    step = np.abs(shaded - np.roll(shaded, 1, 0))[inner]
    assert step.max() < 0.05 * shaded[BALL].mean()


def test_thick_slices_blur_along_z_only_where_slices_are_acquired() -> None:
    checks = np.ones((SIZE,) * 3, np.float32)
    checks[:, :, ::2] = 0.5
    thick = SiteEffects(name="thick", bias=0.0, noise=0.0, slice_mm=12.0)

    def contrast(sequence: str) -> float:
        image = acquire(checks, BALL, sequence, thick, np.random.default_rng(0))[10:20, 10:20, 10:20].astype(float)
        return float(np.abs(np.diff(image, axis=2)).mean() / image.mean())

    assert contrast("t2") < 0.1 * contrast("t1c")


def test_outside_the_brain_is_zero_and_inside_positive() -> None:
    image = flat(HOSPITALS[2])
    assert np.array_equal(image > 0, BALL)
