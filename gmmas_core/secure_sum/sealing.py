"""Shares on their way from one site to another through the coordinator, which can neither read nor move them."""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.encoding import pack
from gmmas_core.secure_sum.keys import agree, derive
from gmmas_core.secure_sum.shamir import SHARE_BYTES, Entropy

TAG = "gmmas-fed secure sum shares v1"
NONCE_BYTES, TAG_BYTES = 12, 16
SEALED_BYTES = NONCE_BYTES + 2 * SHARE_BYTES + TAG_BYTES


@dataclass(frozen=True, kw_only=True, repr=False)
class Held:
    """Two shares of one site that another holds; 33 bytes each."""

    seed: bytes
    mask: bytes


def seal(
    held: Held,
    *,
    private: bytes,
    public: bytes,
    context: bytes,
    sender: str,
    recipient: str,
    entropy: Entropy = os.urandom,
) -> bytes:
    """Encrypt to one recipient with AES-256-GCM; the key serves this sender, recipient and context only.

    Args:
        held: what to send.
        private: the sender's encryption key.
        public: the recipient's.
        context: hash of the roster.
        sender, recipient: names.
        entropy: of the nonce.

    Raises:
        FederationError: a public key of small order.
    """
    about = pack(TAG, context, sender, recipient)
    key = derive(agree(private, public), context, TAG, sender, recipient)
    nonce = entropy(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, held.seed + held.mask, about)


def open_sealed(data: object, *, private: bytes, public: bytes, context: bytes, sender: str, recipient: str) -> Held:
    """Decrypt what `sender` sealed for `recipient`.

    Raises:
        FederationError: of another sender, recipient, round or length, or changed on the way.
    """
    if isinstance(data, bytes) and len(data) == SEALED_BYTES:
        key = derive(agree(private, public), context, TAG, sender, recipient)
        try:
            plain = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], pack(TAG, context, sender, recipient))
        except InvalidTag:
            pass
        else:
            return Held(seed=plain[:SHARE_BYTES], mask=plain[SHARE_BYTES:])
    raise FederationError(
        f"secure sum: found shares of {sender} that do not open; expected its own for this site and attempt; "
        "begin a new attempt without it"
    )
