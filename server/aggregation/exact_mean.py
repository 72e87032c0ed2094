"""The weighted mean of the sites' weights: exact, streaming, and the same bytes whatever the order of arrival.

Adding floating-point numbers rounds at every step, so a mean depends on who replied first; float64 hides that until
terms cancel. Here every term is rounded **once**, to a multiple of a quantum fixed before the round, and integers are
added. Integer addition is exact and commutes; it can also be undone, so an unfit update leaves no trace.

The scale 2^s of a parameter is in `gmmas_core.fixed_point`, which secure sums share: one term has at most 51 bits, the
sum cannot overflow int64, and the only rounding is the one to an integer, by at most 1/2.

The mean over W = sum of w, of k sites that speak (each w >= 1, so k <= W), is therefore off by at most
k / (2 W 2^s) <= 2^-(s+1) before float32 rounds it, and lies inside the hull [min x, max x] widened by 2^-(s+1).
Where all sites agree on a value that is a multiple of 2^-s the mean is that value exactly.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmmas_core.fixed_point import (
    BLOCK,
    MAGIC_BITS,
    Floats,
    bound_of,
    check_limits,
    from_integers,
    is_within,
    round_terms,
    scale_of,
)
from gmmas_core.types import FederationError

PARALLEL_FROM = 2**20  # elements of a network below which threads cost more than they bring
MAX_THREADS = 4  # the memory bus is busy by then


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
        check_limits(max_weight, max_sites)
        self._max_weight, self._max_sites = max_weight, max_sites
        self._num_sites = 0
        size = sum(array.size for array in reference.values())
        flat = np.zeros(size, np.int64)  # one piece: the system gives it in large pages
        self._totals: dict[str, _Total] = {}
        start = 0
        for key, array in reference.items():
            bound = bound_of(key, array)
            scale = scale_of(bound, max_weight, max_sites)
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
        return {key: _mean(total) if total.weight else total.reference.copy() for key, total in self._totals.items()}

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
    """sums = combine(sums, MAGIC_BITS + round(values w 2^s)), block by block; `_mean` takes the constants off.

    Their multiples may wrap around; so does the subtraction, modulo 2^64, and the difference is right.
    """
    for block in share:
        terms = round_terms(block.values, block.factor, scratch[: block.values.size])
        combine(block.sums, terms, block.sums)
    return len(share)


def _mean(total: _Total) -> Floats:
    mean = np.empty(total.sums.size, np.float32)
    constant = np.array(total.num_terms, np.int64) * np.array([MAGIC_BITS])  # as arrays: these wrap without a word
    for start in range(0, mean.size, BLOCK):
        stretch = slice(start, start + BLOCK)
        mean[stretch] = from_integers(total.sums[stretch] - constant, total.weight, total.scale)
    return mean.reshape(total.reference.shape)
