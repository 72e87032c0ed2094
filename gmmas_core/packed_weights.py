"""All weights as one vector and an index, because Flower sends every array in requests of its own.

A network has hundreds of tensors; sent one by one they cost thousands of requests per round. Both halves are arrays, so
they travel in one record; the vector is read in place, without a copy.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAX_ENTRIES = 4096
MAX_INDEX_BYTES = 1 << 20
MAX_AXES = 8


def pack(arrays: Mapping[str, NDArray[Any]], dtype: DTypeLike = "<f4") -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The values in the order of their names, one after another, and the JSON list of [name, shape] dividing them.

    Args:
        arrays: by name.
        dtype: of the vector; the values are converted.
    """
    ordered = {name: np.asarray(value, dtype=dtype) for name, value in sorted(arrays.items())}
    flat = [array.reshape(-1) for array in ordered.values()]
    index = json.dumps([[name, list(array.shape)] for name, array in ordered.items()], separators=(",", ":"))
    values = np.concatenate(flat) if flat else np.empty(0, dtype)
    return values, np.frombuffer(index.encode(), np.uint8)


def unpack(values: NDArray[Any], index: NDArray[Any], dtype: DTypeLike = "<f4") -> dict[str, NDArray[Any]]:
    """Views of the vector, by name, in the order of the index.

    Raises:
        ValueError: not a vector of this dtype, no index of names and shapes, or one that does not divide it without
            rest.
    """
    if values.dtype != np.dtype(dtype) or values.ndim != 1:
        raise ValueError(f"weights: found no {np.dtype(dtype)} vector; expected one")
    if index.dtype != np.uint8 or index.ndim != 1 or index.size > MAX_INDEX_BYTES:
        raise ValueError("weights: found no index of bytes; expected one")
    shapes = _read_index(json.loads(index.tobytes()))
    sizes = [math.prod(shape) for shape in shapes.values()]
    if sum(sizes) != values.size:
        raise ValueError("weights: found another number of values than the index names; expected them to agree")
    ends = np.cumsum(sizes, dtype=np.int64).tolist()
    return {
        name: values[end - size : end].reshape(shape)
        for (name, shape), size, end in zip(shapes.items(), sizes, ends, strict=True)
    }


def _read_index(entries: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise ValueError("weights: found no list of entries; expected one")
    shapes: dict[str, tuple[int, ...]] = {}
    for entry in entries:
        match entry:
            case [str(name), [*shape]] if name not in shapes and len(shape) <= MAX_AXES and all(map(_is_size, shape)):
                shapes[name] = tuple(shape)
            case _:
                raise ValueError("weights: found an entry that is no new name with a shape; expected such")
    return shapes


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40
