"""Where the heads look, and what dropout says about them."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference.classify import (
    class_logits,
    crop_around,
    doubt_by_task,
    probabilities,
    tumour_centre,
)
from gmmas_core.inference.reading import FLIPS, Reading, read_prepared
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import Task

START = (2, 4, 1)


@pytest.fixture
def reading(make_prepared: Callable[..., Any]) -> Reading:
    return read_prepared(make_prepared(), "cpu")


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.inference_mode():
        yield


def test_centre_of_mass() -> None:
    labels = torch.zeros(10, 12, 14, dtype=torch.long)
    assert tumour_centre(labels) is None
    labels[2, 3, 4] = 1
    labels[6, 3, 8] = 3
    assert tumour_centre(labels) == (4, 3, 6)
    labels[6, 3, 9:12] = 2
    assert tumour_centre(labels) == (5, 3, 8)


@pytest.mark.parametrize(
    ("centre", "start"),
    [((20, 24, 18), (4, 8, 2)), ((0, 0, 0), (0, 0, 0)), ((39, 47, 35), (8, 16, 4)), ((16, 16, 16), (0, 0, 0))],
)
def test_crop_stays_inside_the_brain(centre: tuple[int, int, int], start: tuple[int, int, int]) -> None:
    assert crop_around(centre, (40, 48, 36), 32) == start


def test_small_brain_is_centred_in_the_crop() -> None:
    assert crop_around((1, 2, 3), (20, 32, 31), 32) == (-6, 0, 0)


def test_temperature_divides_the_logit_and_codeletion_stays_marginal() -> None:
    logits = {
        Task.IDH: torch.tensor([[0.0, 2.0]]),
        Task.CODEL: torch.tensor([[0.0, -1.0]]),
        Task.HISTOLOGY: torch.tensor([[1.0, 0.0]]),
    }

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    plain = probabilities(logits, {})
    assert plain[Task.IDH] == pytest.approx(sigmoid(2.0))
    assert plain[Task.CODEL] == pytest.approx(sigmoid(2.0) * sigmoid(-1.0))
    warm = probabilities(logits, {Task.IDH: 2.0, Task.CODEL: 0.5})
    assert warm[Task.IDH] == pytest.approx(sigmoid(1.0))
    assert warm[Task.CODEL] == pytest.approx(sigmoid(1.0) * sigmoid(-2.0))
    assert warm[Task.HISTOLOGY] == plain[Task.HISTOLOGY]


def test_logits_are_those_of_the_crop(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    size = (32, 32, 32)
    found = class_logits(tiny_model, reading, START, 32, tiny_config.evaluation)
    box = reading.boxes([START], size)
    alone = tiny_model(reading.crop(START, size), reading.available_1C, reading.context_1CXYZ, box).class_logits
    for task in tiny_config.task_list:
        torch.testing.assert_close(found[task], alone[task])


def test_flips_are_averaged_as_logits_of_the_same_place(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config
) -> None:
    size = (32, 32, 32)
    settings = replace(tiny_config.evaluation, flips=True)
    found = class_logits(tiny_model, reading, START, 32, settings)
    crop, box = reading.crop(START, size), reading.boxes([START], size)
    each = []
    for axes in FLIPS:
        dims = [2 + axis for axis in axes]
        mirrored = box.clone()
        for axis in axes:
            mirrored[:, 0, axis], mirrored[:, 1, axis] = -box[:, 1, axis], -box[:, 0, axis]
        context = reading.context_1CXYZ.flip(dims)
        each.append(tiny_model(crop.flip(dims), reading.available_1C, context, mirrored).class_logits[Task.IDH])
    torch.testing.assert_close(found[Task.IDH], torch.stack(each).mean(0), atol=1e-4, rtol=1e-4)


def doubt(reading: Reading, model: GMMAS, config: Config, *, passes: int = 6, seed: int = 1) -> Any:
    settings = replace(config.evaluation, mc_passes=passes)
    return doubt_by_task(model, reading, START, 32, settings, temperatures={}, seed=seed)


def test_doubt_is_positive_and_bounded(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    found = doubt(reading, tiny_model, tiny_config)
    assert set(found) == set(tiny_config.task_list)
    for one in found.values():
        assert one.epistemic > 0
        assert one.aleatoric > 0
        assert one.epistemic + one.aleatoric <= math.log(2) + 1e-9


def test_doubt_follows_the_seed_and_leaves_no_trace(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    state = torch.get_rng_state()
    before = class_logits(tiny_model, reading, START, 32, tiny_config.evaluation)
    one, again, other = (doubt(reading, tiny_model, tiny_config, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in tiny_model.modules())
    after = class_logits(tiny_model, reading, START, 32, tiny_config.evaluation)
    assert all(torch.equal(before[task], after[task]) for task in before)


def test_no_pass_no_doubt(reading: Reading, tiny_model: GMMAS, tiny_config: Config) -> None:
    assert doubt(reading, tiny_model, tiny_config, passes=0) == {}
