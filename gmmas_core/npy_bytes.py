"""Arrays read in place from the bytes of numpy's own file format: no copy, no pickle.

`numpy.load` of a byte string copies it; for a network that arrives in a message this is the dearest step of all.
"""

from io import BytesIO
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


def read_npy(data: bytes) -> NDArray[Any]:
    """The array in a byte string of the `.npy` format, as a read-only view of these bytes.

    Raises:
        ValueError: not this format, an object array, or fewer or more bytes than shape and dtype ask for.
    """
    stream = BytesIO(data)
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"npy: found version {version}; expected 1.0 or 2.0")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, fortran_order, dtype = read_header(stream)
    except (SyntaxError, TypeError, LookupError, ArithmeticError, MemoryError, RecursionError, TokenError):
        # numpy hands on whatever Python says of a header that is no literal; most of it is a ValueError already.
        raise ValueError("npy: found a header that cannot be read; expected numpy's own") from None
    if dtype.hasobject:
        raise ValueError("npy: found an object array; expected numbers")
    if not all(type(edge) is int for edge in shape):  # numpy takes True for a number here and nowhere else
        raise ValueError("npy: found a shape that is no tuple of whole numbers; expected one")
    start = stream.tell()
    if min(shape, default=1) < 0 or len(data) - start != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError("npy: found another length than shape and dtype ask for; expected them to agree")
    flat = np.frombuffer(data, dtype, offset=start) if len(data) > start else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran_order else "C")
