"""Passes with dropout: they differ, they repeat, they leave no trace, and without dropout they are the plain answer."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.locate import locate
from gmmas_core.inference.modes import dropout_on, reading_mode
from gmmas_core.inference.predict import predict_case
from gmmas_core.inference.reading import read_prepared
from gmmas_core.inference.stochastic import StochasticReading, read_stochastic
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import DataError, Task
from gmmas_core.uncertainty import entropy


@pytest.fixture
def prepared(make_prepared: Callable[..., Any]) -> Prepared:
    found: Prepared = make_prepared()
    return found


@pytest.fixture
def read(prepared: Prepared, tiny_model: GMMAS, tiny_config: Config) -> Callable[..., StochasticReading]:
    def run(*, passes: int = 2, seed: int = 1, config: Config = tiny_config, **calibration: Any) -> StochasticReading:
        return read_stochastic(
            prepared, tiny_model, config, passes=passes, device="cpu", calibration=calibration, seed=seed
        )

    return run


def without_dropout(model: GMMAS) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0


def test_passes_differ_and_their_doubt_adds_up(
    read: Callable[..., StochasticReading], prepared: Prepared, tiny_config: Config
) -> None:
    found = read(passes=3)
    assert set(found.prob_M) == set(tiny_config.task_list)
    for prob_M in found.prob_M.values():
        assert prob_M.shape == (3,)
        assert prob_M.dtype == np.float64
        assert prob_M.std() > 0
    assert (found.prob_M[Task.CODEL] <= found.prob_M[Task.IDH]).all()
    shape = prepared.image_CXYZ.shape[1:]
    assert found.mean_KXYZ.shape == (4, *shape)
    assert found.mean_KXYZ.dtype == torch.float32
    torch.testing.assert_close(found.mean_KXYZ.sum(0), torch.ones(shape))
    doubt = found.doubt
    assert float(doubt.mutual_information.max()) > 1e-6
    torch.testing.assert_close(doubt.predictive, doubt.expected + doubt.mutual_information, atol=1e-6, rtol=0)
    torch.testing.assert_close(doubt.predictive, entropy(found.mean_KXYZ))
    assert float(doubt.predictive.max()) <= math.log(4) + 1e-6


@pytest.mark.parametrize("inference", ["window", "one_pass"])
def test_without_dropout_every_pass_is_the_plain_answer(
    read: Callable[..., StochasticReading], prepared: Prepared, tiny_model: GMMAS, tiny_config: Config, inference: str
) -> None:
    without_dropout(tiny_model)
    config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, inference=inference))
    found = read(config=config, temperature={"idh": 2.0})
    result = predict_case(prepared, tiny_model, config, model_id="m", calibration={"temperature": {"idh": 2.0}})
    for task, prob_M in found.prob_M.items():
        assert np.ptp(prob_M) <= 2**-23  # places in a batch may round differently, by one float32 step
        assert prob_M[0] == pytest.approx(result.probability[task], abs=1e-6)
    assert float(found.doubt.mutual_information.max()) < 1e-6
    with reading_mode(tiny_model):
        plain = locate(tiny_model, read_prepared(prepared, "cpu"), config, spacing_mm=4.0)
    torch.testing.assert_close(found.mean_KXYZ, plain.probability_KXYZ)
    assert found.start == plain.start


def test_seed_decides_and_nothing_is_left_behind(read: Callable[..., StochasticReading], tiny_model: GMMAS) -> None:
    state = torch.get_rng_state()
    one, again, other = (read(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in tiny_model.modules())
    assert torch.equal(one.mean_KXYZ, again.mean_KXYZ)
    assert torch.equal(one.doubt.mutual_information, again.doubt.mutual_information)
    for task, prob_M in one.prob_M.items():
        np.testing.assert_array_equal(prob_M, again.prob_M[task])
        assert (prob_M != other.prob_M[task]).any()


def test_only_dropout_layers_are_switched_on(tiny_model: GMMAS) -> None:
    with reading_mode(tiny_model), dropout_on(tiny_model):
        on = [module for module in tiny_model.modules() if module.training]
        assert {type(module) for module in on} == {torch.nn.Dropout, torch.nn.Dropout3d}
        everywhere = [m for m in tiny_model.modules() if isinstance(m, torch.nn.modules.dropout._DropoutNd)]
        assert on == everywhere
    assert not any(module.training for module in tiny_model.modules())


def test_mode_comes_back_after_an_error(tiny_model: GMMAS) -> None:
    tiny_model.train()
    with pytest.raises(ZeroDivisionError), reading_mode(tiny_model), dropout_on(tiny_model):
        raise ZeroDivisionError
    assert all(module.training for module in tiny_model.modules())


def test_flips_are_no_passes(read: Callable[..., StochasticReading], tiny_model: GMMAS, tiny_config: Config) -> None:
    without_dropout(tiny_model)
    flipped = replace(tiny_config, evaluation=replace(tiny_config.evaluation, flips=True))
    assert torch.equal(read(passes=2, config=flipped).mean_KXYZ, read(passes=2).mean_KXYZ)


def test_calibration_is_of_every_pass(read: Callable[..., StochasticReading]) -> None:
    plain, warm = read(), read(temperature={"idh": 3.0})
    logit = [np.log(found.prob_M[Task.IDH] / (1 - found.prob_M[Task.IDH])) for found in (plain, warm)]
    np.testing.assert_allclose(logit[1], logit[0] / 3, atol=1e-5)
    assert torch.equal(plain.mean_KXYZ, warm.mean_KXYZ)


def test_a_calibration_for_another_model_is_refused(read: Callable[..., StochasticReading]) -> None:
    with pytest.raises(DataError, match="mgmt"):
        read(temperature={"mgmt": 2.0})
