"""In which form an update travels: whole weights, or what changed, in half or a quarter of the bytes.

A site and the coordinator hold the same received weights, so only the change has to travel, and it is small: per tensor
one scale, and every value as a float16 in [-1, 1] or as one of 255 steps. What the rounding loses is not lost for good:
the site keeps the difference between what it meant and what the coordinator will read, and adds it to the next round's
change (error feedback), without which a coarse encoding need not converge.

    meant = trained + residual;  sent = Q(meant - received);  residual' = meant - (received + sent)

Source: Seide et al. 2014 (1-bit SGD); Karimireddy et al. 2019 (arXiv 1901.09847).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import FederationError
from gmmas_core.weights import Weights

WHOLE = "float32"
DTYPES: Mapping[str, str] = {WHOLE: "<f4", "float16": "<f2", "int8": "|i1"}
"""Encoding -> dtype of the vector on the wire."""

INT8_STEPS = 127

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """An update's parameters as they travel.

    Attributes:
        encoding: key of DTYPES.
        arrays: parameter name -> array of its shape and of the encoding's dtype.
        scales: parameter name -> what a 1 (float16) or a step (int8) stands for, float32; {} for whole weights.
    """

    encoding: str
    arrays: Mapping[str, NDArray[Any]]
    scales: Mapping[str, float] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of values and scales on the wire."""
        return sum(array.nbytes for array in self.arrays.values()) + 4 * len(self.scales)


def _to_float16(change: Floats) -> tuple[NDArray[Any], float]:
    scale = _largest(change)
    return np.asarray(change / np.float32(scale) if scale else change, dtype="<f2"), scale


def _to_int8(change: Floats) -> tuple[NDArray[Any], float]:
    scale = float(np.float32(_largest(change) / INT8_STEPS))
    if not scale:
        return np.zeros(change.shape, np.int8), 0.0
    return np.asarray(np.clip(np.rint(change / np.float32(scale)), -INT8_STEPS, INT8_STEPS), dtype=np.int8), scale


def _largest(change: Floats) -> float:
    return float(np.abs(change).max(initial=0.0))


_ENCODERS: Mapping[str, Callable[[Floats], tuple[NDArray[Any], float]]] = {"float16": _to_float16, "int8": _to_int8}


def whole(weights: Weights) -> Encoded:
    """Weights as they are."""
    return Encoded(encoding=WHOLE, arrays=weights)


def encode(
    encoding: str, weights: Weights, reference: Weights, residual: Weights, spoken: Collection[str]
) -> tuple[Encoded, dict[str, Floats]]:
    """A site's trained weights as they travel, and what the next round has to make up for.

    Args:
        encoding: key of DTYPES.
        weights: trained, finite.
        reference: the received ones, same names and shapes.
        residual: of the last round; a missing name counts as zeros.
        spoken: parameter groups that the site has a say in. Of the others no change is sent in a changes' encoding;
            nobody counts it, and their residual waits.

    Returns:
        The encoded update and the new residual, {} for whole weights.
    """
    if encoding == WHOLE:
        return whole(weights), {}
    arrays: dict[str, NDArray[Any]] = {}
    scales: dict[str, float] = {}
    left: dict[str, Floats] = {}
    for name, received in reference.items():
        waiting = residual.get(name, np.zeros_like(received))
        is_spoken = group_of(name) in spoken
        meant = np.asarray(weights[name] + waiting) if is_spoken else received
        arrays[name], scales[name] = _ENCODERS[encoding](np.asarray(meant - received))
        left[name] = np.asarray(meant - _decoded(received, arrays[name], scales[name])) if is_spoken else waiting
    return Encoded(encoding=encoding, arrays=arrays, scales=scales), left


def decode(encoded: Encoded, reference: Weights) -> dict[str, Floats]:
    """The float32 weights that an encoded update stands for.

    Raises:
        FederationError: changes of other parameters or shapes than the reference's, scales that are not finite and
            >= 0, or values beyond the encoding's range.
    """
    if encoded.encoding == WHOLE:
        return dict(encoded.arrays)
    shapes = {name: array.shape for name, array in encoded.arrays.items()}
    if shapes != {name: array.shape for name, array in reference.items()} or encoded.scales.keys() != shapes.keys():
        raise FederationError("weights: found changes of other parameters or shapes; expected those that were sent")
    scales = np.array(list(encoded.scales.values()), dtype=np.float32)
    if not np.isfinite(scales).all() or (scales < 0).any():
        raise FederationError("weights: found scales that are not finite and >= 0; expected such")
    most = 1 if encoded.encoding == "float16" else INT8_STEPS
    # Written so that NaN fails too; -128 has no counterpart and is never sent.
    if not all((array <= most).all() and (array >= -most).all() for array in encoded.arrays.values()):
        raise FederationError("weights: found changes beyond the encoding's range; expected values of its steps")
    return {name: _decoded(value, encoded.arrays[name], encoded.scales[name]) for name, value in reference.items()}


def _decoded(received: Floats, array: NDArray[Any], scale: float) -> Floats:
    """The one formula that both sides compute, in float32; a hostile scale may overflow and is screened later."""
    with np.errstate(over="ignore"):
        return np.asarray(received + array.astype(np.float32) * np.float32(scale), dtype=np.float32)
