"""Floats as integers of one fixed scale, so that sums are exact and the same whoever adds them, in whatever order.

For one parameter with bound B = 2^b (`bound_of` its reference), max_weight <= 2^m and max_sites <= 2^n, the scale is
s = min(51, 62 - n) - b - m, and for every |x| <= B and 0 <= w <= max_weight

    |x w 2^s| <= 2^min(51, 62 - n)      one term is an integer of at most 51 bits after rounding
    |sum over sites| <= 2^n 2^(62 - n) = 2^62 < 2^63        the sum cannot overflow int64.

x has 24 significant bits and w < 2^29, so x w 2^s is exact in float64; the only rounding is the one to an integer
(half to even), by at most 1/2. `server.aggregation.exact_mean` adds such terms as they arrive; in a secure sum every
site makes its own (`to_integers`), and the coordinator divides what is left when the masks are off
(`from_integers`): the same bits either way.
"""

import math

import numpy as np
from numpy.typing import NDArray

from gmmas_core.errors import ConfigError, FederationError

Floats = NDArray[np.float32]

HEADROOM = 16.0  # a parameter may grow to this many times its largest reference value (or 1, if that is larger)
MAX_WEIGHT = 2**29 - 1  # 24 bits of a float32 and 29 of the weight fill the 53 bits of a float64
MAX_TOTAL_WEIGHT = 2**53  # of all sites; whole numbers up to here are exact in float64
BLOCK = 2**17  # elements treated at a time; 1 MB of float64 stays in the cache, and Python's overhead stays small

TERM_BITS, SUM_BITS = 51, 62
MAGIC = 1.5 * 2.0**52
MAGIC_BITS = np.float64(MAGIC).view(np.int64)
"""For integers |q| <= 2^51 the bits of the float64 (MAGIC + q), read as int64, are MAGIC_BITS + q. Adding MAGIC thus
rounds to the nearest integer (ties to even) and converts to int64 in one pass; the constant is taken off at the end."""


def check_limits(max_weight: int, max_sites: int) -> None:
    """Whether sums of so many terms of so much weight stay exact.

    Raises:
        ConfigError: limits outside 1 <= max_weight <= MAX_WEIGHT and max_weight * max_sites <= 2^53.
    """
    if not 1 <= max_weight <= MAX_WEIGHT or max_sites < 1 or max_weight * max_sites > MAX_TOTAL_WEIGHT:
        raise ConfigError(
            f"aggregation: found max_weight {max_weight} and max_sites {max_sites}; expected at least 1 each, "
            f"max_weight at most {MAX_WEIGHT} and their product at most 2^53"
        )


def bound_of(name: str, reference: Floats) -> float:
    """Largest magnitude an update of this parameter may have: HEADROOM * max(1, max |reference|), up to a power of two.

    Raises:
        ConfigError: the array is not float32, or not finite.
    """
    if reference.dtype != np.float32:
        raise ConfigError(f"parameter {name}: found {reference.dtype}; expected float32: only floats can be averaged")
    largest = float(np.abs(reference).max(initial=0.0))
    if not math.isfinite(largest):
        raise ConfigError(f"parameter {name}: found NaN or infinity in the global weights; expected finite values")
    return 2.0 ** math.ceil(math.log2(HEADROOM * max(1.0, largest)))


def is_within(values: Floats, bound: float) -> bool:
    """Whether every value is finite and at most `bound` in magnitude; NaN compares false."""
    flat = values.reshape(-1)
    stretches = (flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK))  # the second look is in the cache
    return all(float(part.max()) <= bound and float(part.min()) >= -bound for part in stretches)


def scale_of(bound: float, max_weight: int, max_sites: int) -> float:
    """2^s of the module's docstring.

    Args:
        bound: a power of two, as `bound_of`.
        max_weight: largest weight a site may have.
        max_sites: largest number of terms that will be added.

    Raises:
        ConfigError: as `check_limits`.
    """
    check_limits(max_weight, max_sites)
    bits = min(TERM_BITS, SUM_BITS - math.ceil(math.log2(max_sites))) - math.ceil(math.log2(max_weight))
    return math.ldexp(1.0, bits - round(math.log2(bound)))


def round_terms(values: Floats, factor: float, terms: NDArray[np.float64]) -> NDArray[np.int64]:
    """MAGIC_BITS + round(values * factor), in three passes inside the cache.

    Args:
        values: one stretch, one dimension.
        factor: weight times scale.
        terms: float64 of the same size, overwritten; the result is a view of it.
    """
    np.copyto(terms, values)
    np.multiply(terms, factor, out=terms)
    np.add(terms, MAGIC, out=terms)
    return terms.view(np.int64)


def to_integers(values: Floats, weight: int, scale: float, bound: float) -> NDArray[np.int64]:
    """One site's term of a weighted sum: round(values * weight * scale), half to even.

    Args:
        values: float32 of any shape.
        weight: at least 0, at most the max_weight of the scale.
        scale: from `scale_of`.
        bound: that the scale was made for.

    Returns:
        int64 of the same shape.

    Raises:
        FederationError: another dtype, NaN, infinity, or a value beyond the bound.
    """
    if values.dtype != np.float32 or not is_within(values, bound):
        raise FederationError(
            f"update: found NaN, infinity, another type, or a value beyond the bound fixed for this round; expected "
            f"finite float32 of at most {bound:g} in magnitude; the training diverged"
        )
    if not 0 <= weight <= MAX_WEIGHT:
        raise FederationError(f"update: found an unfit weight; expected 0 to {MAX_WEIGHT}")
    flat = np.ascontiguousarray(values).reshape(-1)
    terms = np.empty(flat.size, np.int64)
    scratch = np.empty(min(BLOCK, flat.size))
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        rounded = round_terms(part, weight * scale, scratch[: part.size])
        np.subtract(rounded, MAGIC_BITS, out=terms[start : start + BLOCK])
    return terms.reshape(values.shape)


def from_integers(sums: NDArray[np.int64], weight_sum: int, scale: float) -> Floats:
    """The weighted mean from a sum of terms: sums / (weight_sum * scale), divided in float64, rounded to float32.

    Raises:
        FederationError: no weight at all, for which there is no mean.
    """
    if not 1 <= weight_sum <= MAX_TOTAL_WEIGHT:
        raise FederationError(f"aggregation: found a total weight of {weight_sum}; expected 1 up to 2^53")
    flat = sums.reshape(-1)
    mean = np.empty(flat.size, np.float32)
    scratch = np.empty(min(BLOCK, flat.size))
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        quotient = scratch[: part.size]
        np.copyto(quotient, part)
        np.divide(quotient, weight_sum * scale, out=quotient)
        mean[start : start + BLOCK] = quotient
    return mean.reshape(sums.shape)
