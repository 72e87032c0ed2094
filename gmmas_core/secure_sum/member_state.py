"""What a member must remember between its answers, as bytes that survive a restart of the site."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import cast

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.advert import Advert, Attempt
from gmmas_core.secure_sum.encoding import Part, check_name, pack, unpack
from gmmas_core.secure_sum.keys import Secrets
from gmmas_core.secure_sum.roster import Roster
from gmmas_core.secure_sum.sealing import Held
from gmmas_core.secure_sum.shamir import read_share
from gmmas_core.secure_sum.terms import Terms

_TAG = "gmmas-fed secure sum member v1"
_DIGEST_BYTES = 32


class Phase(StrEnum):
    """What a member has answered."""

    NEW = "new"
    ADVERTISED = "advertised"
    SHARED = "shared"
    MASKED = "masked"
    CONFIRMED = "confirmed"
    UNMASKED = "unmasked"


@dataclass(kw_only=True, repr=False)
class State:
    """A member between two answers.

    Attributes:
        name: of the site.
        context: the attempt.
        secrets: private keys and seed.
        phase: what was answered.
        advert: this site's own, from ADVERTISED on.
        roster: from SHARED on.
        held: site -> the shares of it that this one holds; its own from SHARED on, its neighbours' from MASKED on.
        binding: digest that the vector was masked with, from MASKED on.
        survivors: signed, from CONFIRMED on.
    """

    name: str
    context: Attempt
    secrets: Secrets
    phase: Phase = Phase.NEW
    advert: Advert | None = None
    roster: Roster | None = None
    held: dict[str, Held] = field(default_factory=dict)
    binding: bytes = b""
    survivors: frozenset[str] = frozenset()


def write_state(state: State) -> bytes:
    """All of it, and a digest that finds damage (not forgery: the file is the site's own, readable by it alone)."""
    where, secrets, roster = state.context, state.secrets, state.roster
    terms = (roster.terms.degree, roster.terms.threshold, roster.terms.quorum) if roster else ()
    adverts = [advert.to_bytes() for advert in roster.adverts.values()] if roster else []
    held = [part for name, shares in sorted(state.held.items()) for part in (name, shares.seed, shares.mask)]
    body = pack(
        _TAG,
        pack(state.name, where.run_id, where.round, where.attempt, state.phase.value),
        pack(secrets.encryption, secrets.mask, secrets.seed),
        state.advert.to_bytes() if state.advert else b"",
        pack(*terms),
        pack(*adverts),
        pack(*held),
        state.binding,
        pack(*sorted(state.survivors)),
    )
    return pack(body, sha256(body).digest())


def read_state(data: bytes) -> State:
    """What `write_state` wrote.

    Raises:
        FederationError: damaged, of another version, or no state at all.
    """
    body, digest = cast(tuple[bytes, bytes], unpack(data, "bb"))
    if sha256(body).digest() != digest:
        raise FederationError("secure sum: found a damaged state of this site; expected it whole; drop this attempt")
    tag, head, keys, advert, terms, adverts, held, binding, survivors = unpack(body, "sbbbbbbbb")
    if tag != _TAG:
        raise FederationError("secure sum: found another version's state; expected this one's; drop this attempt")
    name, run_id, number, attempt, phase = unpack(cast(bytes, head), "ssiis")
    secrets = _of_length(unpack(cast(bytes, keys), "bbb"))
    context = Attempt(run_id=cast(str, run_id), round=cast(int, number), attempt=cast(int, attempt))
    state = State(
        name=check_name(name),
        context=context,
        secrets=Secrets(encryption=secrets[0], mask=secrets[1], seed=secrets[2]),
        phase=_phase(phase),
        advert=Advert.from_bytes(cast(bytes, advert)) if advert else None,
        roster=_roster(context, cast(bytes, terms), cast(bytes, adverts)),
        held=dict(_held(cast(bytes, held))),
        binding=cast(bytes, binding),
        survivors=frozenset(check_name(part) for part in unpack(cast(bytes, survivors))),
    )
    _check_whole(state)
    return state


def _phase(value: Part) -> Phase:
    try:
        return Phase(cast(str, value))
    except ValueError:
        raise FederationError("secure sum: found a state of no known phase; expected any of Phase") from None


def _check_whole(state: State) -> None:
    """Whether what the phase needs is there."""
    phases = list(Phase)
    reached = phases.index(state.phase)
    needs = (
        (Phase.ADVERTISED, state.advert is not None),
        (Phase.SHARED, state.roster is not None and {state.name} <= state.held.keys() <= state.roster.adverts.keys()),
        (Phase.MASKED, len(state.binding) == _DIGEST_BYTES),
        (Phase.CONFIRMED, state.name in state.survivors),
    )
    if any(reached >= phases.index(phase) and not there for phase, there in needs):
        raise FederationError("secure sum: found a state of this site with parts missing; drop this attempt")


def _of_length(parts: tuple[Part, ...]) -> list[bytes]:
    if any(not isinstance(part, bytes) or len(part) != _DIGEST_BYTES for part in parts):
        raise FederationError("secure sum: found an unfit key in this site's state; expected 32 bytes")
    return cast(list[bytes], list(parts))


def _roster(context: Attempt, terms: bytes, adverts: bytes) -> Roster | None:
    if not terms:
        return None
    degree, threshold, quorum = cast(tuple[int, int, int], unpack(terms, "iii"))
    read = [Advert.from_bytes(cast(bytes, part)) for part in unpack(adverts)]
    return Roster(
        context=context,
        adverts={advert.name: advert for advert in read},
        terms=Terms(degree=degree, threshold=threshold, quorum=quorum),
    )


def _held(data: bytes) -> Iterator[tuple[str, Held]]:
    parts = unpack(data)
    if len(parts) % 3:
        raise FederationError("secure sum: found shares without a name in this site's state; expected both")
    for name, seed, mask in zip(parts[::3], parts[1::3], parts[2::3]):
        for share in (seed, mask):
            read_share(share)
        yield check_name(name), Held(seed=cast(bytes, seed), mask=cast(bytes, mask))
