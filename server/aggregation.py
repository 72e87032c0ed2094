"""The weighted mean of the sites' weights: exact, streaming, and the same bytes whatever the order of arrival.

Adding floating-point numbers rounds at every step, so a mean depends on who replied first; float64 hides that until
terms cancel. Here every term is rounded **once**, to a multiple of a quantum fixed before the round, and integers are
added. Integer addition is exact and commutes; it can also be undone, so an unfit update leaves no trace.

For one parameter with bound B = 2^b (`bound_of` its reference), max_weight <= 2^m and max_sites <= 2^n, the scale is
s = min(51, 62 - n) - b - m, and every accepted update has |x| <= B and 0 <= w <= max_weight. Hence

    |x w 2^s| <= 2^min(51, 62 - n)      one term is an integer of at most 51 bits after rounding
    |sum over sites| <= 2^n 2^(62 - n) = 2^62 < 2^63        the sum cannot overflow int64.

x has 24 significant bits and w < 2^29, so x w 2^s is exact in float64; the only rounding is the one to an integer, by
at most 1/2. The mean over W = sum of w, of k sites that speak (each w >= 1, so k <= W), is therefore off by at most
k / (2 W 2^s) <= 2^-(s+1) before float32 rounds it, and lies inside the hull [min x, max x] widened by 2^-(s+1).
Where all sites agree on a value that is a multiple of 2^-s the mean is that value exactly.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import ConfigError, FederationError

Floats = NDArray[np.float32]

HEADROOM = 16.0  # a parameter may grow to this many times its largest reference value (or 1, if that is larger)
MAX_WEIGHT = 2**29 - 1  # 24 bits of a float32 and 29 of the weight fill the 53 bits of a float64
BLOCK = 2**17  # elements added at a time; 1 MB of float64 stays in the cache, and Python's overhead stays small
PARALLEL_FROM = 2**20  # elements of a network below which threads cost more than they bring
MAX_THREADS = 4  # the memory bus is busy by then

_TERM_BITS, _SUM_BITS = 51, 62
_MAGIC = 1.5 * 2.0**52
_MAGIC_BITS = np.float64(_MAGIC).view(np.int64)
"""For integers |q| <= 2^51 the bits of the float64 (_MAGIC + q), read as int64, are _MAGIC_BITS + q. Adding _MAGIC thus
rounds to the nearest integer (ties to even) and converts to int64 in one pass; the constant is taken off at the end.
Its multiples may wrap around; so does the subtraction, modulo 2^64, and the difference is right."""


class OutOfBounds(FederationError):
    """An update holds NaN, infinity or a value beyond its parameter's bound; names the parameter, never a value."""


@dataclass
class _Total:
    """What has been added for one parameter."""

    reference: Floats
    bound: float
    scale: float  # 2^s
    sums: NDArray[np.int64]
    weight: int = 0
    num_terms: int = 0


class _Block(NamedTuple):
    """A stretch of one parameter, small enough for the cache."""

    key: str
    values: Floats
    sums: NDArray[np.int64]
    factor: float  # w 2^s
    bound: float


_Combine = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], object]


class Accumulator:
    """Weighted mean over sites of named float32 arrays, one update at a time; memory does not grow with the sites."""

    def __init__(
        self, reference: Mapping[str, Floats], *, max_weight: int, max_sites: int, threads: int | None = None
    ) -> None:
        """Fix scales and bounds from the weights that the sites were sent.

        Args:
            reference: parameter name -> float32 array, finite; read, never written.
            max_weight: largest weight a site may have for any parameter.
            max_sites: largest number of updates that will be added.
            threads: that add blocks; None for one per core, at most MAX_THREADS. Does not change the result.

        Raises:
            ConfigError: an array that is not float32 (integers must never pass through a mean) or not finite, or
                limits outside 1 <= max_weight <= MAX_WEIGHT and max_weight * max_sites <= 2^53.
        """
        if not 1 <= max_weight <= MAX_WEIGHT or max_sites < 1 or max_weight * max_sites > 2**53:
            raise ConfigError(
                f"aggregation: found max_weight {max_weight} and max_sites {max_sites}; expected at least 1 each, "
                f"max_weight at most {MAX_WEIGHT} and their product at most 2^53"
            )
        self._max_weight, self._max_sites = max_weight, max_sites
        self._num_sites = 0
        bits = min(_TERM_BITS, _SUM_BITS - math.ceil(math.log2(max_sites))) - math.ceil(math.log2(max_weight))
        size = sum(array.size for array in reference.values())
        flat = np.zeros(size, np.int64)  # one piece: the system gives it in large pages
        self._totals: dict[str, _Total] = {}
        start = 0
        for key, array in reference.items():
            bound = bound_of(key, array)
            scale = math.ldexp(1.0, bits - round(math.log2(bound)))
            self._totals[key] = _Total(array, bound, scale, flat[start : start + array.size])
            start += array.size
        cores = min(MAX_THREADS, os.cpu_count() or 1) if threads is None else max(1, threads)
        self._scratch = [np.empty(min(BLOCK, size)) for _ in range(cores if size >= PARALLEL_FROM else 1)]

    @property
    def bounds(self) -> dict[str, float]:
        """Parameter -> largest magnitude that an update may have there."""
        return {key: total.bound for key, total in self._totals.items()}

    @property
    def num_sites(self) -> int:
        """Updates added so far."""
        return self._num_sites

    def add(self, weights: Mapping[str, Floats], weight_of: Mapping[str, int]) -> None:
        """Add one site's update, wholly or not at all.

        Args:
            weights: parameter name -> float32 array of the reference's shape, at least for every weight above 0; may
                be read-only, as decoded from a message.
            weight_of: parameter name -> how loudly the site speaks for it, 0 for silent; every parameter.

        Raises:
            OutOfBounds: NaN, infinity or a value beyond the bound; the sums are as before.
            FederationError: unknown or missing names, other shapes or dtypes, weights that are no integers in
                [0, max_weight], or more than max_sites updates; the sums are as before.
        """
        speaks = self._checked(weights, weight_of)
        blocks = [block for key, weight in speaks.items() for block in self._blocks(key, weights[key], weight)]
        shares = [blocks[start :: len(self._scratch)] for start in range(len(self._scratch))]
        unfit: list[str] = []
        done = self._in_parallel(lambda share, scratch: _add_fit_blocks(share, scratch, unfit), shares)
        if unfit:
            added = [share[:count] for share, count in zip(shares, done)]
            self._in_parallel(lambda share, scratch: _combine_blocks(share, scratch, np.subtract), added)
            raise OutOfBounds(
                f"parameter {unfit[0]}: found NaN, infinity or a value beyond the bound fixed for this round; expected "
                f"finite values of at most {self._totals[unfit[0]].bound:g} in magnitude; the site's training diverged"
            )
        for key, weight in speaks.items():
            self._totals[key].weight += weight
            self._totals[key].num_terms += 1
        self._num_sites += 1

    def result(self) -> dict[str, Floats]:
        """The mean per parameter, in the reference's order; a copy of the reference where no site has spoken."""
        return {
            key: _mean(total, self._scratch[0]) if total.weight else total.reference.copy()
            for key, total in self._totals.items()
        }

    def _checked(self, weights: Mapping[str, Floats], weight_of: Mapping[str, int]) -> dict[str, int]:
        """Parameter -> weight, where the site speaks; FederationError when the update cannot be added."""
        if self._num_sites == self._max_sites:
            raise FederationError(f"aggregation: found more than {self._max_sites} updates; expected at most max_sites")
        if weight_of.keys() != self._totals.keys() or not weights.keys() <= self._totals.keys():
            raise FederationError("update: found other parameters; expected a weight for each of the reference's")
        for key, weight in weight_of.items():
            whole = isinstance(weight, int | np.integer) and not isinstance(weight, bool)
            if not whole or not 0 <= weight <= self._max_weight:
                raise FederationError(f"parameter {key}: found an unfit weight; expected 0 to {self._max_weight}")
            if weight and key not in weights:
                raise FederationError(f"parameter {key}: found a weight and no array; expected both")
        for key, array in weights.items():
            shape = self._totals[key].reference.shape
            if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != shape:
                raise FederationError(f"parameter {key}: found another shape or dtype; expected float32 {list(shape)}")
        return {key: int(weight) for key, weight in weight_of.items() if weight}

    def _blocks(self, key: str, array: Floats, weight: int) -> Iterable[_Block]:
        total = self._totals[key]
        flat = np.ascontiguousarray(array).reshape(-1)
        for start in range(0, flat.size, BLOCK):
            stretch = slice(start, start + BLOCK)
            yield _Block(key, flat[stretch], total.sums[stretch], weight * total.scale, total.bound)

    def _in_parallel(
        self, work: Callable[[Sequence[_Block], NDArray[np.float64]], int], shares: Sequence[Sequence[_Block]]
    ) -> list[int]:
        if len(shares) == 1:
            return [work(shares[0], self._scratch[0])]
        with ThreadPoolExecutor(len(shares)) as pool:
            return list(pool.map(work, shares, self._scratch))


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


def _add_fit_blocks(share: Sequence[_Block], scratch: NDArray[np.float64], unfit: list[str]) -> int:
    """Add blocks up to the first unfit one (of any thread); how many were added."""
    for done, block in enumerate(share):
        if unfit:
            return done
        if not is_within(block.values, block.bound):
            unfit.append(block.key)
            return done
        _combine_blocks((block,), scratch, np.add)
    return len(share)


def _combine_blocks(share: Sequence[_Block], scratch: NDArray[np.float64], combine: _Combine) -> int:
    """sums = combine(sums, bits of (_MAGIC + round(values w 2^s))), block by block, in four passes inside the cache."""
    for block in share:
        terms = scratch[: block.values.size]
        np.copyto(terms, block.values)
        np.multiply(terms, block.factor, out=terms)
        np.add(terms, _MAGIC, out=terms)
        combine(block.sums, terms.view(np.int64), block.sums)
    return len(share)


def _mean(total: _Total, scratch: NDArray[np.float64]) -> Floats:
    mean = np.empty(total.sums.size, np.float32)
    constant = np.array(total.num_terms, np.int64) * np.array([_MAGIC_BITS])  # as arrays: these wrap without a word
    divisor = total.weight * total.scale
    for start in range(0, mean.size, BLOCK):
        stretch = slice(start, start + BLOCK)
        quotient = scratch[: mean[stretch].size]
        np.copyto(quotient, total.sums[stretch] - constant)
        np.divide(quotient, divisor, out=quotient)
        mean[stretch] = quotient
    return mean.reshape(total.reference.shape)
