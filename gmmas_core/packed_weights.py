"""All weights as one vector and an index, because Flower sends every array in requests of its own.

A network has hundreds of tensors; sent one by one they cost thousands of requests per round. Both halves are arrays, so
they travel in one record; the vector is read in place, without a copy.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.weights import Weights

MAX_ENTRIES = 4096
MAX_INDEX_BYTES = 1 << 20
MAX_AXES = 8


def pack(weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The values in the order of their names, one after another, and the JSON list of [name, shape] dividing them."""
    arrays = {name: np.asarray(value, dtype=np.float32) for name, value in sorted(weights.items())}
    flat = [array.reshape(-1) for array in arrays.values()]
    index = json.dumps([[name, list(array.shape)] for name, array in arrays.items()], separators=(",", ":"))
    values = np.concatenate(flat) if flat else np.empty(0, np.float32)
    return values, np.frombuffer(index.encode(), np.uint8)


def unpack(values: NDArray[Any], index: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Views of the vector, by name.

    Raises:
        ValueError: not a float32 vector, no index of names and shapes, or one that does not divide it without rest.
    """
    if values.dtype != np.dtype("<f4") or values.ndim != 1:
        raise ValueError("weights: found no float32 vector; expected one")
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
