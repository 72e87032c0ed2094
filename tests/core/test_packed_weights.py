"""What is packed is what is unpacked, in place; what does not divide a vector without rest is refused."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.packed_weights import pack, unpack

WEIGHTS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(3.5, np.float32),
    "none": np.empty((0, 4), np.float32),
}


def index_of(entries: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(entries).encode(), np.uint8)


def test_weights_come_back_with_names_order_and_shapes() -> None:
    values, index = pack(WEIGHTS)
    assert values.shape == (7,)
    unpacked = unpack(values, index)
    assert list(unpacked) == list(WEIGHTS)
    for name, value in WEIGHTS.items():
        np.testing.assert_array_equal(unpacked[name], value)
        assert unpacked[name].shape == value.shape
    assert np.shares_memory(unpacked["a.weight"], values)


def test_no_weights_are_no_weights() -> None:
    assert unpack(*pack({})) == {}


@pytest.mark.parametrize(
    "entries",
    [
        {"a": [7]},
        [["a", [6]]],
        [["a", [8]]],
        [["a", [3]], ["a", [4]]],
        [["a", [-1]], ["b", [8]]],
        [["a", [7.0]]],
        [["a", [True]], ["b", [6]]],
        [["a", 7]],
        [[1, [7]]],
        [["a"]],
        [["a", [7] + [1] * 8]],
        [["a", [2**63, 2**63]]],
        None,
    ],
)
def test_an_index_that_does_not_divide_the_vector_is_refused(entries: Any) -> None:
    with pytest.raises(ValueError, match="weights"):
        unpack(np.zeros(7, np.float32), index_of(entries))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_index_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(np.zeros(7, np.float32), np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("values", [np.zeros(7), np.zeros((7, 1), np.float32), np.zeros(7, np.int32)])
def test_anything_but_a_float32_vector_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="float32"):
        unpack(values, index_of([["a", [7]]]))
