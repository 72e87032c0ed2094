"""FedAdam and FedYogi against two steps by hand; silence moves nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.config import ServerOptimizerConfig, load_config
from server.aggregation.server_optimizer import OPTIMIZERS

Weights = dict[str, NDArray[np.float32]]

CONFIG: ServerOptimizerConfig = replace(
    load_config([]).strategy.server_optimizer, lr=0.5, beta1=0.9, beta2=0.99, tau=0.1
)
BOTH = {"trunk", "decoder", "uncertainty.idh"}


def weights_of(trunk: float, decoder: float = 0.0, idh: float = 0.0) -> Weights:
    return {
        "encoder.a": np.full((2, 2), trunk, np.float32),
        "decoder.b": np.full(3, decoder, np.float32),
        "uncertainty.log_variance_idh": np.array(idh, np.float32),
    }


def by_hand(name: str, means: list[float]) -> tuple[float, float, float]:
    """(x, m, v) of one number that starts at 1, in double precision."""
    x, m, v = 1.0, 0.0, 0.1**2
    for mean in means:
        step = mean - x
        m = 0.9 * m + 0.1 * step
        if name == "adam":
            v = 0.99 * v + 0.01 * step**2
        else:
            v = v - 0.01 * step**2 * math.copysign(1, v - step**2)
        x = x + 0.5 * m / (math.sqrt(v) + 0.1)
    return x, m, v


@pytest.mark.parametrize("name", ["adam", "yogi"])
@pytest.mark.parametrize("means", [[2.0, 0.5], [1.001, 1.002]], ids=["far", "near"])
def test_two_steps_by_hand(name: str, means: list[float]) -> None:
    weights, moments = weights_of(1, 1, 1), {}
    for mean in means:
        weights, moments = OPTIMIZERS[name](weights, weights_of(mean, mean, mean), BOTH, moments, CONFIG)
    x, m, v = by_hand(name, means)
    for key, value in weights.items():
        assert value.dtype == moments[f"m.{key}"].dtype == moments[f"v.{key}"].dtype == np.float32
        assert value.shape == moments[f"m.{key}"].shape == moments[f"v.{key}"].shape == weights_of(0)[key].shape
        np.testing.assert_allclose(value, x, rtol=1e-5)
        np.testing.assert_allclose(moments[f"m.{key}"], m, rtol=1e-4)
        np.testing.assert_allclose(moments[f"v.{key}"], v, rtol=1e-4)


def test_adam_and_yogi_differ_after_a_large_step_is_followed_by_a_small_one() -> None:
    assert by_hand("adam", [3.0, 3.0])[0] != by_hand("yogi", [3.0, 3.0])[0]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_what_nobody_spoke_for_stays_with_its_moments(name: str) -> None:
    weights, moments = OPTIMIZERS[name](weights_of(1, 1, 1), weights_of(2, 2, 2), BOTH, {}, CONFIG)
    after, later = OPTIMIZERS[name](weights, weights_of(5, 5, 5), {"trunk"}, moments, CONFIG)
    for key in ("decoder.b", "uncertainty.log_variance_idh"):
        assert after[key].tobytes() == weights[key].tobytes()
        for moment in (f"m.{key}", f"v.{key}"):
            assert (later[moment].tobytes() if moment in later else b"") == (
                moments[moment].tobytes() if moment in moments else b""
            )
    assert after["encoder.a"].tobytes() != weights["encoder.a"].tobytes()


def test_none_takes_the_mean_as_it_is() -> None:
    mean = weights_of(0.3, 0.2, 0.1)
    weights, moments = OPTIMIZERS["none"](weights_of(1), mean, BOTH, {}, CONFIG)
    assert {key: value.tobytes() for key, value in weights.items()} == {k: v.tobytes() for k, v in mean.items()}
    assert moments == {}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_nothing_given_is_changed_and_the_same_round_gives_the_same_bytes(name: str) -> None:
    previous, mean = weights_of(1, 2, 3), weights_of(1.1, 2.1, 3.1)
    _, moments = OPTIMIZERS[name](previous, mean, BOTH, {}, CONFIG)
    given = [{key: value.copy() for key, value in part.items()} for part in (previous, mean, moments)]
    first = OPTIMIZERS[name](previous, mean, BOTH, moments, CONFIG)
    second = OPTIMIZERS[name](previous, mean, BOTH, moments, CONFIG)
    for part, before in zip((previous, mean, moments), given):
        assert {key: value.tobytes() for key, value in part.items()} == {k: v.tobytes() for k, v in before.items()}
    for one, other in zip(first, second):
        assert {key: value.tobytes() for key, value in one.items()} == {k: v.tobytes() for k, v in other.items()}
        assert not any(np.shares_memory(value, array) for value in one.values() for array in mean.values())


def test_a_mean_that_does_not_move_decays_the_step() -> None:
    """With Delta = 0 the moments fade and x still moves by momentum alone."""
    weights, moments = OPTIMIZERS["adam"](weights_of(1), weights_of(2), {"trunk"}, {}, CONFIG)
    after, later = OPTIMIZERS["adam"](weights, weights, {"trunk"}, moments, CONFIG)
    np.testing.assert_allclose(later["m.encoder.a"], 0.9 * moments["m.encoder.a"], rtol=1e-6)
    assert (after["encoder.a"] > weights["encoder.a"]).all()
