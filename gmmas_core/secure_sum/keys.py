"""Keys of one attempt: X25519 agreement, HKDF-SHA256 with what the key is for, digests."""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.encoding import Part, pack

_PROBE = bytes(range(32))
SEED_TAG = "gmmas-fed secure sum seed v1"


@dataclass(frozen=True, kw_only=True, repr=False)
class Secrets:
    """What a member never shows; 32 bytes each, fresh for every attempt.

    Attributes:
        encryption: private X25519 key; opens what neighbours seal. Never leaves, not even in shares.
        mask: private X25519 key of the pairwise masks; rebuilt by the coordinator if this site drops.
        seed: of the self mask; rebuilt by the coordinator if this site stays.
    """

    encryption: bytes
    mask: bytes
    seed: bytes


def public_of(private: bytes) -> bytes:
    """The public half of an X25519 key, 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def agree(private: bytes, public: bytes) -> bytes:
    """The secret that the two owners share (RFC 7748).

    Raises:
        FederationError: a point of small order, with which the secret would be no secret.
    """
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise FederationError("secure sum: found a public key of small order; expected a fresh X25519 key") from None


def require_strong(public: bytes) -> None:
    """Refuse a public key with which everybody's secret is zero; any private key finds that out.

    Raises:
        FederationError: a point of small order.
    """
    agree(_PROBE, public)


def derive(secret: bytes, context: bytes, *purpose: Part) -> bytes:
    """32 bytes for one purpose within one context (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=context, info=pack(*purpose)).derive(secret)


def digest_of(seed: bytes) -> bytes:
    """What an advert says of the self mask's seed."""
    return sha256(pack(SEED_TAG, seed)).digest()
