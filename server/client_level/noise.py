"""Gaussian noise that nobody can draw again: a stream cipher keyed by the operating system's entropy, Box-Muller.

Never from the run's seed, which every hospital knows and whose noise anyone could subtract. Uniform numbers of 64 bits
keep the tails whole up to 9 deviations. The values are float64 with the known weakness of such noise against somebody
who looks at its lowest bits (Mironov 2012, doi 10.1145/2382196.2382264); the weights it ends up in are rounded to
float32, which hides them but is no proof.
"""

import math
import os
from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray

BLOCK = 2**17
"""Numbers drawn at a time: 2 MB of keystream."""


class Noise:
    """A stream of independent normal numbers from fresh entropy."""

    def __init__(self) -> None:
        """Key it from the operating system; the key is kept nowhere."""
        self._stream = Cipher(algorithms.ChaCha20(os.urandom(32), bytes(16)), mode=None).encryptor()

    def normal(self, size: int, deviation: float) -> NDArray[np.float64]:
        """(size,) normal numbers of mean 0."""
        return np.concatenate([*self._blocks(size), np.empty(0)]) * deviation

    def _blocks(self, size: int) -> Iterator[NDArray[np.float64]]:
        for start in range(0, size, BLOCK):
            pairs = (min(BLOCK, size - start) + 1) // 2
            bits = np.frombuffer(self._stream.update(bytes(16 * pairs)), np.uint64)
            radius = np.sqrt(-2 * np.log((bits[:pairs].astype(np.float64) + 1) / 2.0**64))
            angle = 2 * math.pi * (bits[pairs:] / 2.0**64)
            both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
            yield both[: min(BLOCK, size - start)]
