"""What the heads answer about one crop: as it is, mirrored, and many times over."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference.classify import class_logits, probabilities, repeated_logits
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


def test_temperature_divides_the_logit_and_codeletion_stays_marginal() -> None:
    logits = {
        Task.IDH: torch.tensor([[0.0, 2.0]]),
        Task.CODEL: torch.tensor([[0.0, -1.0]]),
        Task.HISTOLOGY: torch.tensor([[1.0, 0.0]]),
    }

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    plain = {task: float(value) for task, value in probabilities(logits, {}).items()}
    assert plain[Task.IDH] == pytest.approx(sigmoid(2.0))
    assert plain[Task.CODEL] == pytest.approx(sigmoid(2.0) * sigmoid(-1.0))
    warm = probabilities(logits, {Task.IDH: 2.0, Task.CODEL: 0.5})
    assert warm[Task.IDH].shape == (1,)
    assert float(warm[Task.IDH]) == pytest.approx(sigmoid(1.0))
    assert float(warm[Task.CODEL]) == pytest.approx(sigmoid(1.0) * sigmoid(-2.0))
    assert float(warm[Task.HISTOLOGY]) == plain[Task.HISTOLOGY]


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


@pytest.mark.parametrize(("passes", "batch"), [(1, 1), (4, 1), (5, 2), (3, 8)])
def test_repetitions_without_dropout_are_all_the_plain_answer(
    reading: Reading, tiny_model: GMMAS, tiny_config: Config, passes: int, batch: int
) -> None:
    plain = class_logits(tiny_model, reading, START, 32, tiny_config.evaluation)
    found = repeated_logits(tiny_model, reading, START, 32, passes=passes, batch=batch)
    for task, logits in plain.items():
        torch.testing.assert_close(found[task], logits.expand(passes, -1), atol=1e-5, rtol=1e-5)
        if batch == 1:
            assert torch.equal(found[task], logits.expand(passes, -1))


def test_a_batch_is_that_many_answers() -> None:
    logits = {Task.IDH: torch.tensor([[0.0, 2.0], [0.0, 0.0], [1.0, 0.0]])}
    expected = [1 / (1 + math.exp(-x)) for x in (2.0, 0.0, -1.0)]
    assert probabilities(logits, {})[Task.IDH].tolist() == pytest.approx(expected)
