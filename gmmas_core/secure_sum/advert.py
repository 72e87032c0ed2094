"""What a site shows of itself before a secure sum: two fresh public keys and what else it states, signed as enrolled.

The signature is what keeps the coordinator out of the middle: it cannot put keys of its own in a hospital's name.
"""

from dataclasses import dataclass
from typing import cast

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.encoding import check_name, pack, unpack

TAG = "gmmas-fed secure sum advert v2"
KEY_BYTES = 32
MAX_SIGNATURE_BYTES = 512
MAX_RUN_ID = 256


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at one sum; keys, masks and shares are never used for another.

    Attributes:
        run_id: of federation and run together, 1 to 256 printable ASCII characters.
        round: of the run.
        attempt: at this round, from 0.
    """

    run_id: str
    round: int
    attempt: int

    def __post_init__(self) -> None:
        text = isinstance(self.run_id, str) and self.run_id.isascii() and self.run_id.isprintable()
        if not text or not 1 <= len(self.run_id) <= MAX_RUN_ID:
            raise FederationError(f"secure sum: found an unfit run; expected 1 to {MAX_RUN_ID} ASCII characters")
        for number in (self.round, self.attempt):
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
                raise FederationError("secure sum: found an unfit round or attempt; expected whole numbers from 0")


@dataclass(frozen=True, kw_only=True)
class Advert:
    """One site's public part of one attempt.

    Attributes:
        name: the site.
        context: the attempt it is for.
        encryption_key: X25519, 32 bytes; shares for this site are sealed to it.
        mask_key: X25519, 32 bytes; pairwise masks come from it.
        seed_digest: `digest_of` the seed of the site's self mask, by which a wrongly rebuilt seed is noticed.
        about: digest of what the site states beside its keys. As all of the advert it goes into every key, so sites
            that were shown different statements of one site add noise that does not go away.
        signature: of `message()` by the site's identity.
    """

    name: str
    context: Attempt
    encryption_key: bytes
    mask_key: bytes
    seed_digest: bytes
    about: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        for part in (self.encryption_key, self.mask_key, self.seed_digest, self.about):
            if not isinstance(part, bytes) or len(part) != KEY_BYTES:
                raise FederationError(f"secure sum: found an unfit key of {self.name}; expected {KEY_BYTES} bytes")
        if not isinstance(self.signature, bytes) or len(self.signature) > MAX_SIGNATURE_BYTES:
            raise FederationError(f"secure sum: found an unfit signature of {self.name}")

    def message(self) -> bytes:
        """What is signed: everything but the signature."""
        where = self.context
        keys = (self.encryption_key, self.mask_key, self.seed_digest, self.about)
        return pack(TAG, where.run_id, where.round, where.attempt, self.name, *keys)

    def to_bytes(self) -> bytes:
        """As it travels."""
        return pack(self.message(), self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Advert":
        """Read an advert from outside; its signature is not checked here.

        Raises:
            FederationError: not an advert of this version.
        """
        message, signature = cast(tuple[bytes, bytes], unpack(data, "bb"))
        tag, run_id, number, attempt, name, *keys = unpack(message, "ssiisbbbb")
        if tag != TAG:
            raise FederationError("secure sum: found another version's message; expected an advert; update the site")
        encryption_key, mask_key, seed_digest, about = cast(list[bytes], keys)
        return cls(
            name=cast(str, name),
            context=Attempt(run_id=cast(str, run_id), round=cast(int, number), attempt=cast(int, attempt)),
            encryption_key=encryption_key,
            mask_key=mask_key,
            seed_digest=seed_digest,
            about=about,
            signature=signature,
        )
