"""Masks as long as the vector from keys of 32 bytes, added block by block modulo 2^64.

The generator is AES-256 in counter mode from zero. Every key is derived for one mask of one vector, so no part of a
keystream serves twice.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from gmmas_core.secure_sum.keys import agree, derive

Integers = NDArray[np.int64]

BLOCK = 2**15
"""Elements masked at a time: 256 KB of vector and as much of keystream stay in the cache."""

_PAIR_TAG, _SELF_TAG = "gmmas-fed secure sum pair mask v1", "gmmas-fed secure sum self mask v1"
_ZEROS = bytes(8 * BLOCK)


class Mask(NamedTuple):
    """One mask; `sign` is 1 to add it, -1 to take it off."""

    key: bytes
    sign: int

    def undone(self) -> "Mask":
        """The mask that cancels it."""
        return Mask(self.key, -self.sign)


def pair_mask(private: bytes, public: bytes, *, context: bytes, binding: bytes, mine: str, theirs: str) -> Mask:
    """The mask between two sites as `mine` applies it: the name that sorts first adds, the other takes off.

    Args:
        private: X25519 mask key of `mine`.
        public: of `theirs`.
        context: hash of the roster.
        binding: digest of all that must be the same at both.
        mine, theirs: names.

    Raises:
        FederationError: a public key of small order.
    """
    first, second = sorted((mine, theirs))
    key = derive(agree(private, public), context, _PAIR_TAG, binding, first, second)
    return Mask(key, 1 if mine == first else -1)


def self_mask(seed: bytes, *, context: bytes, binding: bytes, name: str) -> Mask:
    """The mask of a site alone, which hides its vector even once its pairwise masks are known."""
    return Mask(derive(seed, context, _SELF_TAG, binding, name), 1)


def apply_masks(vector: Integers, masks: Sequence[Mask]) -> None:
    """Add every mask to a contiguous vector in place, modulo 2^64; memory grows with neither length nor number."""
    streams = [(Cipher(AES(mask.key), CTR(bytes(16))).encryptor(), mask.sign) for mask in masks]
    buffer = bytearray(len(_ZEROS) + 16)  # update_into asks for room for one block of the cipher more
    zeros = memoryview(_ZEROS)
    for start in range(0, vector.size, BLOCK):
        target = vector[start : start + BLOCK]
        keystream = np.frombuffer(buffer, "<i8", count=target.size)
        for stream, sign in streams:
            stream.update_into(zeros[: 8 * target.size], buffer)
            (np.add if sign > 0 else np.subtract)(target, keystream, out=target)
