"""Which crop the image-level answers are read from, and that a mirror image of the brain gets its mirror image."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference.classify import class_logits
from gmmas_core.inference.locate import crop_around, locate, locate_in, tumour_centre
from gmmas_core.inference.reading import FLIPS, Reading, read_prepared
from gmmas_core.model.gmmas import GMMAS


@pytest.fixture
def reading(make_prepared: Callable[..., Any]) -> Reading:
    """A little longer than a crop along X, shorter along Y and Z."""
    return read_prepared(make_prepared((38, 24, 20)), "cpu")


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.inference_mode():
        yield


def test_centre_of_mass() -> None:
    labels = torch.zeros(10, 12, 14, dtype=torch.uint8)
    assert tumour_centre(labels) is None
    labels[2, 3, 4] = 1
    labels[6, 3, 8] = 3
    assert tumour_centre(labels) == (4, 3, 6)
    labels[6, 3, 9:12] = 2
    assert tumour_centre(labels) == (Fraction(26, 5), 3, Fraction(42, 5))


@pytest.mark.parametrize(
    ("centre", "start"),
    [
        ((20, 24, 18), (4, 8, 2)),
        ((0, 0, 0), (0, 0, 0)),
        ((39, 47, 35), (8, 16, 4)),
        ((17, 20, 17), (2, 5, 2)),
        ((Fraction(59, 4), 16, 16), (0, 1, 1)),
    ],
)
def test_crop_stays_inside_the_brain(centre: tuple[int, int, int], start: tuple[int, int, int]) -> None:
    assert crop_around(centre, (40, 48, 36), 32) == start


def test_small_brain_is_centred_in_the_crop() -> None:
    assert crop_around((1, 2, 3), (20, 32, 31), 32) == (-6, 0, 0)


@pytest.mark.parametrize("extent", [32, 33, 40, 41])
def test_mirrored_centre_gives_the_mirrored_crop(extent: int) -> None:
    edge = 32
    for sixths in range(6 * extent - 5):
        centre = Fraction(sixths, 6)
        if centre == Fraction(extent - 1, 2) and (extent - edge) % 2:
            continue  # a crop in the very middle, where its edges would halve voxels
        there = crop_around([centre] * 3, [extent] * 3, edge)[0]
        mirrored = crop_around([extent - 1 - centre] * 3, [extent] * 3, edge)[0]
        assert mirrored == extent - edge - there


@pytest.mark.slow
@pytest.mark.parametrize(("inference", "axes"), [("window", (0, 2)), ("one_pass", (0,)), ("one_pass", (1, 2))])
def test_a_mirrored_case_is_answered_alike_with_flips(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config, inference: str, axes: tuple[int, ...]
) -> None:
    evaluation = replace(tiny_config.evaluation, flips=True, inference=inference)
    config = replace(tiny_config, evaluation=evaluation)
    edge = config.model.crop_size
    mirrored = reading.flipped(axes)
    one, other = (locate(tiny_model, r, config, spacing_mm=4.0) for r in (reading, mirrored))
    back = other.probability_KXYZ.flip([1 + axis for axis in axes])
    torch.testing.assert_close(back, one.probability_KXYZ, atol=1e-5, rtol=0)
    assert (other.labels_XYZ.flip(axes) != one.labels_XYZ).float().mean() < 1e-4
    starts = [n - s - edge if a in axes else s for a, (n, s) in enumerate(zip(reading.shape, one.start, strict=True))]
    assert list(other.start) == starts
    here = class_logits(tiny_model, reading, one.start, edge, evaluation)
    there = class_logits(tiny_model, mirrored, other.start, edge, evaluation)
    plain = class_logits(tiny_model, mirrored, other.start, edge, tiny_config.evaluation)
    for task, logits in here.items():
        torch.testing.assert_close(there[task], logits, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(plain[task], logits, atol=1e-4)


def test_context_that_is_not_mirrored_would_be_noticed(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config
) -> None:
    config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, flips=True))
    wrong = replace(reading.flipped((0,)), context_1CXYZ=reading.context_1CXYZ)
    one, other = (locate(tiny_model, r, config, spacing_mm=4.0) for r in (reading, wrong))
    assert float((other.probability_KXYZ.flip(1) - one.probability_KXYZ).abs().max()) > 1e-3


def test_post_processing_decides_where_the_crop_lies(tiny_config: Config) -> None:
    labels = np.zeros((64, 64, 64), np.int64)
    labels[20:32, 20:32, 20:32] = 2
    labels[63, 63, 40:45] = 3
    probability = torch.nn.functional.one_hot(torch.from_numpy(labels), 4).movedim(-1, 0).float()
    found = {}
    for name in ("none", "multifocal"):
        config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, postprocess=name))
        found[name] = locate_in(probability, config, spacing_mm=2.0)
        assert torch.equal(found[name].probability_KXYZ, probability)
    assert int(found["none"].labels_XYZ[63, 63, 42]) == 3
    assert int(found["multifocal"].labels_XYZ[63, 63, 42]) == 0
    assert found["multifocal"].start == (10, 10, 10)  # the cube's centre of mass lies at 26 from the low edge
    assert found["none"].has_tumour
    assert found["multifocal"].has_tumour


def test_without_tumour_the_crop_lies_in_the_middle(tiny_config: Config) -> None:
    probability = torch.zeros(4, 64, 40, 20)
    probability[0] = 1
    found = locate_in(probability, tiny_config, spacing_mm=2.0)
    assert (found.has_tumour, found.start) == (False, (16, 4, -6))


def test_flips_cover_the_mirror_images_of_every_case() -> None:
    group = {frozenset(axes) for axes in FLIPS}
    assert {one ^ other for one in group for other in group} == group
