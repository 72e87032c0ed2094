"""Features see the image and not its brightness's scale; what is absent is unknown, never filled in."""

from collections.abc import Callable

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.novelty.features import LIMIT, NAMES, NEEDS, Floats, features_of, known_from
from gmmas_core.types import SEQUENCES

Phantom = Callable[..., tuple[dict[str, Volume], Volume]]
ALL = np.ones(4, dtype=bool)


@pytest.fixture(scope="module")
def image_CXYZ(phantom: Phantom) -> np.ndarray:
    images, _ = phantom(5, 48)
    return np.stack([images[name].data for name in SEQUENCES]).astype(np.float64)


def features(image_CXYZ: np.ndarray, available_C: np.ndarray = ALL) -> Floats:
    return features_of(image_CXYZ, available_C, 4.0)


def test_no_affine_change_of_brightness_moves_a_feature(image_CXYZ: np.ndarray) -> None:
    before = features(image_CXYZ)
    assert np.isfinite(before).all()
    assert (np.abs(before) < LIMIT).all()
    gains, shifts = np.array([3.0, 0.02, 7.5, 1e3]), np.array([-2000.5, 4.3, 100.1, -0.7])
    after = features(
        np.where(image_CXYZ != 0, image_CXYZ * gains[:, None, None, None] + shifts[:, None, None, None], 0)
    )
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_noise_blur_and_swapped_sequences_move_the_features_that_say_so(image_CXYZ: np.ndarray) -> None:
    before = dict(zip(NAMES, features(image_CXYZ)))
    rng = np.random.default_rng(0)
    noise = 300 * rng.standard_normal(image_CXYZ.shape) * (image_CXYZ != 0)
    noisy = dict(zip(NAMES, features(image_CXYZ + noise)))
    assert noisy["t2-sharpness"] > before["t2-sharpness"] + 0.3
    swapped = dict(zip(NAMES, features(image_CXYZ[[0, 1, 3, 2]])))
    assert swapped["t2-top"] == before["flair-top"]
    assert swapped["t1-like-flair"] == before["t1-like-t2"] != before["t1-like-flair"]


def test_what_needs_an_absent_sequence_is_unknown(image_CXYZ: np.ndarray) -> None:
    available_C = np.array([True, False, True, False])
    seen = features(np.where(available_C[:, None, None, None], image_CXYZ, 0), available_C)
    for value, needs in zip(seen, NEEDS):
        assert np.isnan(value) == bool(needs - {"t1", "t2"})
    everything = features(image_CXYZ)
    hidden = known_from(everything, ("t1", "t2"))
    np.testing.assert_array_equal(np.isnan(hidden), np.isnan(seen))
    np.testing.assert_allclose(hidden[:-1], seen[:-1])  # the volume alone is of whatever is there


@pytest.mark.parametrize("content", [0.0, 5.0])
def test_an_image_of_nothing_or_of_one_value_has_no_features(content: float) -> None:
    assert np.isnan(features(np.full((4, 12, 12, 12), content))[:-1]).all()
