"""From the survivors' shares to the masks that must come off the sum."""

from collections.abc import Iterator, Mapping, Set

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.keys import digest_of, public_of
from gmmas_core.secure_sum.lost import RoundLost
from gmmas_core.secure_sum.masks import Mask, pair_mask, self_mask
from gmmas_core.secure_sum.member import Kind
from gmmas_core.secure_sum.roster import Roster
from gmmas_core.secure_sum.shamir import SECRET_BYTES, read_share, rebuild

Reply = Mapping[str, tuple[str, bytes]]
"""Site -> kind and share, as `Member.unmask` gives them."""


def removals(
    roster: Roster, *, shared: Set[str], survivors: Set[str], binding: bytes, replies: Mapping[str, Reply]
) -> list[Mask]:
    """The masks that are still in the sum, each with the sign that takes it off.

    Args:
        roster: of the attempt.
        shared: sites that the members masked with.
        survivors: whose vectors are in the sum.
        binding: as the members'.
        replies: survivor -> its shares; whatever is unfit in them is left out.

    Raises:
        RoundLost: a secret has fewer fit shares than the threshold, or they rebuild another one.
    """
    masks = []
    for name in sorted(survivors):
        seed = _secret(roster, name, Kind.SELF, survivors, replies)
        masks.append(self_mask(seed, context=roster.hash, binding=binding, name=name).undone())
    for name in sorted(shared - survivors):
        tied = [other for other in roster.graph[name] if other in survivors]
        if tied:
            key = _secret(roster, name, Kind.PAIR, survivors, replies)
            masks.extend(_pairs(roster, name, key, tied, binding))
    return masks


def _pairs(roster: Roster, name: str, key: bytes, tied: list[str], binding: bytes) -> Iterator[Mask]:
    """What the survivors' masks with a dropped site leave in the sum; its own half, never sent, cancels just that."""
    for other in tied:
        public = roster.adverts[other].mask_key
        yield pair_mask(key, public, context=roster.hash, binding=binding, mine=name, theirs=other)


def _secret(roster: Roster, name: str, kind: Kind, survivors: Set[str], replies: Mapping[str, Reply]) -> bytes:
    """One secret from the first `threshold` fit shares, checked against what its owner advertised."""
    threshold = roster.terms.threshold
    holders = sorted({name, *roster.graph[name]} & survivors & replies.keys())
    shares: dict[int, int] = {}
    for holder in holders:
        share = _fit_share(replies[holder].get(name), kind)
        if share is not None and len(shares) < threshold:
            shares[roster.points[holder]] = share
    if len(shares) < threshold:
        raise RoundLost(
            f"secure sum: found {len(shares)} shares of a secret of {name}; expected at least {threshold}; the sum "
            "stays masked and the round is void, begin a new attempt"
        )
    number = rebuild(shares)
    secret = number.to_bytes(SECRET_BYTES, "big") if number < 2 ** (8 * SECRET_BYTES) else b""
    if not secret or not _belongs(roster, name, kind, secret):
        raise RoundLost(
            f"secure sum: found shares that do not rebuild what {name} advertised; expected right ones: a site erred "
            "or lied; the round is void, begin a new attempt"
        )
    return secret


def _belongs(roster: Roster, name: str, kind: Kind, secret: bytes) -> bool:
    advert = roster.adverts[name]
    if kind is Kind.SELF:
        return digest_of(secret) == advert.seed_digest
    return public_of(secret) == advert.mask_key


def _fit_share(given: object, kind: Kind) -> int | None:
    """A share from outside, None if it is absent, of the other kind, or no share."""
    if not isinstance(given, tuple) or len(given) != 2 or given[0] != kind:
        return None
    try:
        return read_share(given[1])
    except FederationError:
        return None
