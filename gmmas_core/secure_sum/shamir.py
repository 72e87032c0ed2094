"""Secrets in pieces: any `threshold` of them rebuild the secret, fewer say nothing about it at all.

Source: Shamir 1979, doi 10.1145/359168.359176. Arithmetic is Python's own, whose running time depends on the numbers:
whoever can measure the inside of a site's process could learn from it, who only sees messages could not.
"""

from collections.abc import Callable, Mapping, Sequence

from gmmas_core.errors import FederationError

PRIME = 2**256 + 297
"""The smallest prime above 2^256, so that every 32 bytes are a number below it."""

SECRET_BYTES, SHARE_BYTES = 32, 33
Entropy = Callable[[int], bytes]


def split(secret: int, points: Sequence[int], threshold: int, entropy: Entropy, prime: int = PRIME) -> dict[int, int]:
    """Point -> value there of a random polynomial of degree threshold - 1 that is the secret at 0.

    Args:
        secret: 0 up to the prime.
        points: distinct, 1 up to the prime, at least `threshold`.
        threshold: pieces that rebuild it.
        entropy: random bytes, as os.urandom.
        prime: of the field.

    Raises:
        FederationError: points or a threshold that cannot work.
    """
    distinct = len(set(points)) == len(points) and all(0 < point < prime for point in points)
    if not distinct or not 1 <= threshold <= len(points) or not 0 <= secret < prime:
        raise FederationError("secure sum: found unfit points or threshold; expected distinct points, at least as many")
    coefficients = [secret, *(_below(prime, entropy) for _ in range(threshold - 1))]
    shares = {}
    for point in points:
        value = 0
        for coefficient in reversed(coefficients):
            value = (value * point + coefficient) % prime
        shares[point] = value
    return shares


def rebuild(shares: Mapping[int, int], prime: int = PRIME) -> int:
    """The value at 0 of the polynomial through these points; the secret only if they are `threshold` right ones."""
    secret = 0
    for point, value in shares.items():
        over, under = 1, 1
        for other in shares:
            if other != point:
                over = over * other % prime
                under = under * (other - point) % prime
        secret = (secret + value * over * pow(under, -1, prime)) % prime
    return secret


def share_bytes(share: int) -> bytes:
    """As it travels: 33 bytes, big end first."""
    return share.to_bytes(SHARE_BYTES, "big")


def read_share(data: object) -> int:
    """A share from outside.

    Raises:
        FederationError: not 33 bytes of a number below the prime.
    """
    if isinstance(data, bytes) and len(data) == SHARE_BYTES:
        share = int.from_bytes(data, "big")
        if share < PRIME:
            return share
    raise FederationError(f"secure sum: found an unfit share; expected {SHARE_BYTES} bytes of a number in the field")


def _below(prime: int, entropy: Entropy) -> int:
    """Uniform below the prime: 16 bytes more than it has, so the remainder is off by less than 2^-128."""
    return int.from_bytes(entropy((prime.bit_length() + 7) // 8 + 16), "big") % prime
