"""Named arrays: out of a network and into it, exactly, or not at all."""

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import ConfigError, DataError
from gmmas_core.weights import load_weights, weights_hash, weights_of


def test_weights_move_between_networks_bit_for_bit(tiny_config: Config) -> None:
    one, two = (build_model(tiny_config.model, tiny_config.task_list, loss=tiny_config.loss, seed=s) for s in (0, 1))
    weights = weights_of(one)
    assert weights_hash(weights) != weights_hash(weights_of(two))
    load_weights(two, weights)
    assert weights_hash(weights) == weights_hash(weights_of(two))
    assert all(torch.equal(value, two.state_dict()[name]) for name, value in one.state_dict().items())


def test_weights_are_copies() -> None:
    layer = torch.nn.Linear(2, 2)
    weights = weights_of(layer)
    before = weights["weight"].copy()
    with torch.no_grad():
        layer.weight.add_(1)
    np.testing.assert_array_equal(weights["weight"], before)


def test_read_only_arrays_load() -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    array = np.frombuffer(np.array([1.0, 2.0], dtype=np.float32).tobytes(), dtype=np.float32).reshape(1, 2)
    load_weights(layer, {"weight": array})
    assert layer.weight.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weight": None}, "weight missing"),
        ({"more": np.zeros(1, np.float32)}, "more unknown"),
        ({"weight": np.zeros((2, 3), np.float32)}, r"weight is float32\[2, 3\] instead of float32\[2, 2\]"),
        ({"weight": np.zeros((2, 2), np.float64)}, "weight is float64"),
        ({"weight": np.full((2, 2), np.nan, np.float32)}, "weight holds NaN"),
        ({"bias": np.array([0, np.inf], np.float32)}, "bias holds NaN or infinity"),
    ],
)
def test_nothing_is_loaded_unless_all_fits(changed: dict[str, np.ndarray | None], told: str) -> None:
    layer = torch.nn.Linear(2, 2)
    before = weights_hash(weights_of(layer))
    weights = {"weight": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32), **changed}
    with pytest.raises(DataError, match=told):
        load_weights(layer, {name: array for name, array in weights.items() if array is not None})
    assert weights_hash(weights_of(layer)) == before


def test_integer_buffers_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_batches_tracked"):
        weights_of(torch.nn.BatchNorm1d(2))


def test_hash_sees_names_shapes_dtypes_and_bytes_but_not_order() -> None:
    a, b = np.arange(4, dtype=np.float32), np.ones((), np.float32)
    base = weights_hash({"a": a, "b": b})
    assert weights_hash({"b": b, "a": a}) == base
    assert weights_hash({"a": np.asfortranarray(a.reshape(2, 2)), "b": b}) == weights_hash(
        {"a": a.reshape(2, 2), "b": b}
    )
    others = [
        {"a": a, "c": b},
        {"a": a.reshape(2, 2), "b": b},
        {"a": a.view(np.int32), "b": b},
        {"a": np.nextafter(a, 9, dtype=np.float32), "b": b},
        {"a": a},
    ]
    assert len({base, *map(weights_hash, others)}) == len(others) + 1


def test_hash_of_big_endian_is_of_the_values() -> None:
    a = np.arange(3, dtype="<f4")
    assert weights_hash({"a": a.astype(">f4")}) == weights_hash({"a": a})
