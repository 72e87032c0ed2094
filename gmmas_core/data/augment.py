"""Training augmentation: `sample_*` draws parameters from a generator, the other functions apply them.

Geometry and randomness are apart, so every change can be replayed and tested. Flips move the patch, its labels, the
whole-brain context and the patch's place in it together. Intensities change per sequence and inside the brain only:
background (and a sequence that is not there) stays exactly 0.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DROP_TWO_SHARE = 0.32
"""Among samples that lose sequences, the share that loses two rather than one: 14 of 44 % in the authors' code."""

Flips = tuple[bool, bool, bool]
"""Whether the X, Y and Z axis is mirrored."""


def sample_flips(rng: np.random.Generator) -> Flips:
    """Each axis with probability one half."""
    x, y, z = rng.random(3) < 0.5
    return bool(x), bool(y), bool(z)


def flip(data: Tensor, flips: Flips) -> Tensor:
    """Mirror the last three axes (X, Y, Z)."""
    axes = [axis - 3 for axis, mirrored in enumerate(flips) if mirrored]
    if not axes:
        return data
    if data.dtype == torch.float16:  # torch mirrors 16-bit integers three times as fast as half floats on the CPU
        return torch.flip(data.view(torch.int16), axes).view(torch.float16)
    return torch.flip(data, axes)


def flip_box(box_23: NDArray[np.float32], flips: Flips) -> NDArray[np.float32]:
    """Where a patch lies after the context was mirrored: low and high corner swap and change sign."""
    mirrored = np.asarray(flips)
    return np.where(mirrored, -box_23[::-1], box_23)


def sample_intensity(
    rng: np.random.Generator, amount: float, num_sequences: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per sequence a gain in U(1 - amount, 1 + amount) and an offset in U(-amount, amount), in standard deviations."""
    gain_C = rng.uniform(1 - amount, 1 + amount, num_sequences).astype(np.float32)
    offset_C = rng.uniform(-amount, amount, num_sequences).astype(np.float32)
    return gain_C, offset_C


def change_intensity(
    image_CXYZ: Tensor, gain_C: NDArray[np.float32], offset_C: NDArray[np.float32], channels: Sequence[int]
) -> None:
    """Apply gain and offset in place, where the image is not 0, to the given channels only.

    Args:
        image_CXYZ: float32 on the CPU, changed.
        gain_C: factor per sequence.
        offset_C: summand per sequence.
        channels: indices of the sequences that are there.
    """
    for channel in channels:
        values_XYZ = image_CXYZ[channel].numpy()  # shares memory; numpy's masks are four times as fast as torch's here
        brain_XYZ = values_XYZ != 0
        values_XYZ *= gain_C[channel]
        values_XYZ += brain_XYZ * offset_C[channel]


def sample_kept(rng: np.random.Generator, available_C: NDArray[np.bool_], probability: float) -> NDArray[np.bool_]:
    """Which sequences a training sample keeps.

    Args:
        rng: draws the same number of values whatever is available.
        available_C: which sequences are there.
        probability: of losing any; then one is lost, or two in DROP_TWO_SHARE of cases. The last one is never lost.

    Returns:
        bool, a non-empty subset of available_C.
    """
    loses, two = rng.random(2)
    order = rng.permutation(len(available_C))
    kept_C = available_C.copy()
    if loses >= probability:
        return kept_C
    present = [channel for channel in order if available_C[channel]]
    num_lost = min(2 if two < DROP_TWO_SHARE else 1, len(present) - 1)
    kept_C[present[:num_lost]] = False
    return kept_C
