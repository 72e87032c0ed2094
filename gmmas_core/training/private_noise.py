"""Gaussian noise that nobody without the secret can predict.

A generator of pseudo-random numbers is as secret as its seed: torch's on a CPU takes 32 bits of it, few enough to try
them all. Here the bits are ChaCha20's key stream under a key of 256 bits made of the round's secret; a normal value is
the inverse of the normal distribution at a uniform one of 52 bits. Tails end at 8.2 standard deviations.

What this is not: exact arithmetic. The result is a rounded sum, and Mironov (2012, doi 10.1145/2382196.2382264) shows
that the last bits of such a sum can tell more than the theory of real numbers allows. Noise is added in float64 and
rounded once to float32, whose grid is coarser than the noise's own; that takes most of the edge off, it is no proof.
"""

import numpy as np
import torch
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from torch import Tensor

from gmmas_core.keyed import keyed_number


class NoiseStream:
    """Normal values of one step, one after another; each is used once."""

    def __init__(self, secret: int, step: int) -> None:
        """Args: secret: of the round. step: for another step, other noise."""
        key = keyed_number(secret, "noise", step).to_bytes(32, "big")
        self._bits = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()

    def normal(self, count: int) -> Tensor:
        """(count,) float64, independent standard normal values."""
        word_N = np.frombuffer(self._bits.update(bytes(8 * count)), dtype="<u8") >> 12
        normal_N: Tensor = torch.special.ndtri(torch.from_numpy((word_N.astype(np.float64) + 0.5) / 2**52))
        return normal_N

    def added(self, value: Tensor, deviation: float) -> Tensor:
        """The tensor with noise of a standard deviation, in its own number format."""
        if deviation == 0:
            return value
        noise = deviation * self.normal(value.numel()).view_as(value).to(value.device)
        return (value.double() + noise).to(value.dtype)
