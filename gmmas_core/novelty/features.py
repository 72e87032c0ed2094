"""A case's images as a few numbers, each unmoved when a sequence's brightness is scaled or shifted.

Of each sequence, standardised by the median and the spread (1.4826 MAD) of its own non-zero voxels:

    low, high, top    5th, 95th, 99th percentile, by asinh: the shape of the histogram, tumour and fluid in its tails
    sharpness         log of the usual difference between neighbouring voxels: blur, noise, thick slices
    grain             log of the usual second difference over the usual first: noise has much, blur little
    direction         log of the largest over the smallest of the three axes' usual differences: slice thickness

Of each pair of sequences, their correlation over common voxels, by artanh: swapped or doubled sequences, bad
registration. Of the case, log of the volume with any signal, in litres: a skull, half a brain. All are bounded by
LIMIT; brains stay far inside.

They depend on the grid's spacing and on nothing else that a configuration decides. Usual is the median.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import SEQUENCES

VERSION = 1
"""Raise it whenever a feature changes: a Gaussian of other features says nothing about these."""

LIMIT = 4.0
"""Of every feature's absolute value."""

FEWEST_VOXELS = 64
"""Of a sequence or a pair; in fewer, percentiles say nothing."""

OF_SEQUENCE = ("low", "high", "top", "sharpness", "grain", "direction")
PAIRS = tuple(combinations(SEQUENCES, 2))
VOLUME = "volume"

NAMES = (
    *(f"{sequence}-{name}" for sequence in SEQUENCES for name in OF_SEQUENCE),
    *(f"{one}-like-{other}" for one, other in PAIRS),
    VOLUME,
)
"""F features, in the order of every vector."""

NEEDS: tuple[frozenset[str], ...] = (
    *(frozenset((sequence,)) for sequence in SEQUENCES for _ in OF_SEQUENCE),
    *(frozenset(pair) for pair in PAIRS),
    frozenset(),
)
"""Sequences without which a feature is unknown."""

_PERCENTILES = (5, 50, 95, 99)
_SMALLEST = 1e-3  # spread or difference, in standard deviations: less is the rounding of half precision

Floats = NDArray[np.float64]


def features_of(image_CXYZ: NDArray[np.floating], available_C: NDArray[np.bool_], spacing_mm: float) -> Floats:
    """The features of one prepared case.

    Args:
        image_CXYZ: (C, X, Y, Z), SEQUENCES' order, 0 outside the brain; brightness on any scale.
        available_C: which sequences are there.
        spacing_mm: edge of a voxel.

    Returns:
        (F,) in [-LIMIT, LIMIT]; NaN for what cannot be known from the sequences that are there.
    """
    images = {name: image_CXYZ[place] for place, name in enumerate(SEQUENCES) if available_C[place]}
    found: dict[str, float] = {}
    for name, image_XYZ in images.items():
        values = _of_sequence(image_XYZ)
        found |= {f"{name}-{key}": value for key, value in values.items()}
    for one, other in PAIRS:
        if one in images and other in images:
            found[f"{one}-like-{other}"] = _likeness(images[one], images[other])
    signal = np.logical_or.reduce([image_XYZ != 0 for image_XYZ in images.values()]) if images else np.zeros(1, bool)
    litres = float(np.count_nonzero(signal)) * spacing_mm**3 / 1e6
    found[VOLUME] = float(np.log(litres)) if litres else float("nan")
    return np.array([np.clip(found.get(name, np.nan), -LIMIT, LIMIT) for name in NAMES])


def sequences_of(features_F: Floats) -> tuple[str, ...]:
    """Sequences of which a case has features."""
    there = {name for needs, value in zip(NEEDS, features_F) if len(needs) == 1 and value == value for name in needs}
    return tuple(name for name in SEQUENCES if name in there)


def known_from(features_F: Floats, sequences: tuple[str, ...]) -> Floats:
    """The same features as if only these sequences were there; the volume stays that of all."""
    keep_F = np.array([needs <= set(sequences) for needs in NEEDS])
    return np.where(keep_F, features_F, np.nan)


def _of_sequence(image_XYZ: NDArray[np.floating]) -> dict[str, float]:
    inside = image_XYZ != 0
    tissue = image_XYZ[inside].astype(np.float32)
    if len(tissue) < FEWEST_VOXELS:
        return {}
    low, half, high, top = (float(value) for value in np.percentile(tissue, _PERCENTILES))
    deviation = float(tissue.std(dtype=np.float64))
    if not deviation:
        return {}
    spread = max(1.4826 * float(np.median(np.abs(tissue - half))), _SMALLEST * deviation)
    tails = {name: float(np.arcsinh((value - half) / spread)) for name, value in zip(OF_SEQUENCE, (low, high, top))}
    steps = np.array([_usual_differences(image_XYZ, inside, axis) for axis in range(3)])
    if np.isnan(steps).any():
        return tails
    first_3, second_3 = np.maximum(steps / spread, _SMALLEST).T
    return tails | {
        "sharpness": float(np.log(first_3.mean())),
        "grain": float(np.log(second_3.mean() / first_3.mean())),
        "direction": float(np.log(first_3.max() / first_3.min())),
    }


def _usual_differences(image_XYZ: NDArray[np.floating], inside: NDArray[np.bool_], axis: int) -> tuple[float, float]:
    """Medians of first and second differences along an axis; every second line of the two others is looked at."""
    lines = tuple(slice(None) if place == axis else slice(None, None, 2) for place in range(3))
    values = np.moveaxis(image_XYZ[lines], axis, 0).astype(np.float32)
    there = np.moveaxis(inside[lines], axis, 0)
    whole = there[2:] & there[1:-1] & there[:-2]
    if np.count_nonzero(whole) < FEWEST_VOXELS:
        return float("nan"), float("nan")
    first = (values[1:] - values[:-1])[1:][whole]
    second = (values[2:] - 2 * values[1:-1] + values[:-2])[whole]
    return float(np.median(np.abs(first))), float(np.median(np.abs(second)))


def _likeness(one_XYZ: NDArray[np.floating], other_XYZ: NDArray[np.floating]) -> float:
    """artanh of the correlation over every second voxel that both have."""
    one, other = one_XYZ[::2, ::2, ::2], other_XYZ[::2, ::2, ::2]
    both = (one != 0) & (other != 0)
    first, second = one[both].astype(np.float64), other[both].astype(np.float64)
    if len(first) < FEWEST_VOXELS or not first.std() or not second.std():
        return float("nan")
    return float(np.arctanh(np.clip(np.corrcoef(first, second)[0, 1], -0.999, 0.999)))
