"""Arrays read in place equal those that numpy reads, and foreign bytes never become something else."""

from io import BytesIO

import numpy as np
import pytest
from flwr.app import Array
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gmmas_core.npy_bytes import read_npy


def npy(array: np.ndarray) -> bytes:
    """numpy's own file format."""
    stream = BytesIO()
    np.save(stream, array, allow_pickle=array.dtype.hasobject)
    return stream.getvalue()


@given(arrays(np.float32, array_shapes(min_dims=0, max_dims=4, min_side=0)), st.booleans())
def test_equals_what_flower_decodes(array: np.ndarray, transposed: bool) -> None:
    array = array.T if transposed else array
    record = Array(array)
    found, expected = read_npy(record.data), record.numpy()
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def test_nothing_is_copied_and_nothing_can_be_written() -> None:
    data = npy(np.arange(1000, dtype=np.float32))
    found = read_npy(data)
    assert np.shares_memory(found, np.frombuffer(data, np.uint8))
    assert not found.flags.writeable


GOOD = npy(np.arange(6, dtype=np.float32).reshape(2, 3))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        GOOD[:20],
        GOOD[:-1],
        GOOD + b"\0",
        b"x" + GOOD,
        GOOD.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x03"),
        GOOD.replace(b"(2, 3)", b"(9, 9)"),
        GOOD.replace(b"(2, 3)", b"(-2,3)"),
        GOOD.replace(b"'<f4'", b"'|O' "),
        npy(np.array([{}, None], dtype=object)),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_npy(data)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_npy(b"\x93NUMPY\x01\x00" + data)
