"""Both ways to read a brain, against a plain loop over crops and against each other where they must agree."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference.reading import Reading, read_prepared
from gmmas_core.inference.segment import SEGMENTATION, logits_by_window, logits_in_one_pass, segment
from gmmas_core.model.gmmas import GMMAS


@pytest.fixture
def reading(make_prepared: Callable[..., Any]) -> Reading:
    return read_prepared(make_prepared(), "cpu")


def cut(reading: Reading, size: tuple[int, int, int]) -> Reading:
    """The same case with a brain crop of another size, zero where it was not."""
    return replace(reading, image_1CXYZ=reading.crop((0, 0, 0), size))


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.inference_mode():
        yield


def test_windows_without_overlap_are_the_crops_side_by_side(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config
) -> None:
    reading = cut(reading, (64, 32, 32))
    settings = replace(tiny_config.evaluation, overlap=0.0)
    found = logits_by_window(tiny_model, reading, tiny_config.model, settings)
    size = (32, 32, 32)
    for start in ((0, 0, 0), (32, 0, 0)):
        alone = tiny_model(
            reading.crop(start, size), reading.available_1C, reading.context_1CXYZ, reading.boxes([start], size)
        )
        torch.testing.assert_close(found[:, start[0] : start[0] + 32], alone.seg_logits_BKXYZ[0], atol=1e-4, rtol=1e-4)


def test_overlapping_windows_are_a_weighted_mean(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    reading = cut(reading, (48, 32, 32))
    settings = replace(tiny_config.evaluation, overlap=0.5)
    found = logits_by_window(tiny_model, reading, tiny_config.model, settings)
    first, second = (
        tiny_model(
            reading.crop(start, (32, 32, 32)),
            reading.available_1C,
            reading.context_1CXYZ,
            reading.boxes([start], (32, 32, 32)),
        ).seg_logits_BKXYZ[0]
        for start in ((0, 0, 0), (16, 0, 0))
    )
    torch.testing.assert_close(found[:, :16], first[:, :16], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[:, 32:], second[:, 16:], atol=1e-4, rtol=1e-4)
    low, high = torch.minimum(first[:, 16:], second[:, :16]), torch.maximum(first[:, 16:], second[:, :16])
    shared = found[:, 16:32]
    assert bool(((shared >= low - 1e-4) & (shared <= high + 1e-4)).all())
    # The middle plane is nearly as far from both centres; near a window's centre its own logits rule.
    near_first = (shared[:, 0] - first[:, 16]).abs().mean()
    near_second = (shared[:, 0] - second[:, 0]).abs().mean()
    assert near_first < near_second


def test_one_window_and_one_pass_agree_where_a_brain_is_one_window(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config
) -> None:
    reading = cut(reading, (32, 32, 32))
    one, other = (
        mode(tiny_model, reading, tiny_config.model, tiny_config.evaluation) for mode in SEGMENTATION.values()
    )
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SEGMENTATION)
@pytest.mark.parametrize("shape", [(38, 47, 33), (20, 31, 9), (8, 40, 8)])
def test_any_brain_gives_probabilities_of_its_own_shape(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config, name: str, shape: tuple[int, int, int]
) -> None:
    settings = replace(tiny_config.evaluation, inference=name)
    probability = segment(tiny_model, cut(reading, shape), tiny_config.model, settings)
    assert probability.shape == (4, *shape)
    assert probability.dtype == torch.float32
    torch.testing.assert_close(probability.sum(0), torch.ones(shape), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SEGMENTATION)
def test_a_small_brain_is_centred_as_in_training(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config, name: str
) -> None:
    small, start, size = cut(reading, (27, 31, 32)), (-2, 0, 0), (32, 32, 32)
    found = SEGMENTATION[name](tiny_model, small, tiny_config.model, tiny_config.evaluation)
    box = small.boxes([start], size)
    alone = tiny_model(small.crop(start, size), small.available_1C, small.context_1CXYZ, box).seg_logits_BKXYZ
    torch.testing.assert_close(found, alone[0, :, 2:29, :31], atol=1e-4, rtol=1e-4)


def test_large_brains_are_read_in_windows(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    def read(limit: int) -> torch.Tensor:
        settings = replace(tiny_config.evaluation, max_one_pass_voxels=limit)
        return logits_in_one_pass(tiny_model, reading, tiny_config.model, settings)

    windows = logits_by_window(tiny_model, reading, tiny_config.model, tiny_config.evaluation)
    padded = 32 * 40 * 32
    assert torch.equal(read(padded - 1), windows)
    assert not torch.allclose(read(padded), windows)


@pytest.mark.parametrize("name", SEGMENTATION)
def test_reading_twice_gives_the_same_bits(reading: Reading, tiny_model: GMMAS, tiny_config: Config, name: str) -> None:
    settings = replace(tiny_config.evaluation, inference=name)
    one, other = (segment(tiny_model, reading, tiny_config.model, settings) for _ in range(2))
    assert torch.equal(one, other)


def test_flips_make_a_symmetric_brain_symmetric(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    half = reading.crop((0, 0, 0), (16, 32, 32))
    context = reading.context_1CXYZ
    origin, edge = -8.0, 48.0  # a context around the 32 voxels, symmetric too

    def box_of(start: tuple[int, ...], size: tuple[int, ...]) -> Any:
        corners = torch.tensor([start, [s + e for s, e in zip(start, size, strict=True)]], dtype=torch.float32)
        return ((corners - origin) / edge * 2 - 1).numpy()

    symmetric = replace(
        reading,
        image_1CXYZ=torch.cat([half, half.flip(2)], dim=2),
        context_1CXYZ=(context + context.flip(2)) / 2,
        box_of=box_of,
    )
    for name in SEGMENTATION:
        settings = replace(tiny_config.evaluation, inference=name)
        plain = segment(tiny_model, symmetric, tiny_config.model, settings)
        mean = segment(tiny_model, symmetric, tiny_config.model, replace(settings, flips=True))
        assert float((plain - plain.flip(1)).abs().max()) > 1e-3
        assert float((mean - mean.flip(1)).abs().max()) < 1e-5


def test_every_window_is_told_its_own_place(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    elsewhere = replace(reading, box_of=lambda start, size: reading.box_of((0, 0, 0), size))
    here, there = (
        logits_by_window(tiny_model, r, tiny_config.model, tiny_config.evaluation) for r in (reading, elsewhere)
    )
    assert not torch.allclose(here, there)
