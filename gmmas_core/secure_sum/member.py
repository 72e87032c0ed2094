"""A hospital's side of one secure sum; five answers, each given once, in order: `Member`."""

import os
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from enum import StrEnum

import numpy as np

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.advert import Advert, Attempt
from gmmas_core.secure_sum.encoding import check_name
from gmmas_core.secure_sum.keys import Secrets, digest_of, public_of
from gmmas_core.secure_sum.masks import Integers, Mask, apply_masks, pair_mask, self_mask
from gmmas_core.secure_sum.member_state import Phase, State, read_state, write_state
from gmmas_core.secure_sum.roster import Roster, Verify
from gmmas_core.secure_sum.sealing import Held, open_sealed, seal
from gmmas_core.secure_sum.shamir import Entropy, read_share, share_bytes, split
from gmmas_core.secure_sum.terms import DROP_SHARE

Signer = Callable[[bytes], bytes]
"""Message -> signature by the site's enrolled identity."""

BINDING_BYTES = 32
NOTHING = bytes(32)


class Kind(StrEnum):
    """Which of a site's two secrets a share belongs to; no member ever gives both of one site."""

    SELF = "self"  # of a survivor: its self mask comes off
    PAIR = "pair"  # of one that dropped: its pairwise masks come off


class Member:
    """One site in one attempt.

    Every answer moves the member on and cannot be given again. Whoever keeps the state (`to_bytes`) must write it
    BEFORE the answer leaves: an answer given twice from an older state, with another vector or other survivors, would
    say what the sum hides.
    """

    def __init__(
        self, name: str, run_id: str, round: int, attempt: int, signer: Signer, *, entropy: Entropy = os.urandom
    ) -> None:
        """Make fresh keys.

        Args:
            name: of this site.
            run_id: of federation and run together.
            round, attempt: numbers from 0.
            signer: of the site's identity.
            entropy: random bytes; another source than os.urandom is for tests only.

        Raises:
            FederationError: an unfit name, run or number.
        """
        secrets = Secrets(encryption=entropy(32), mask=entropy(32), seed=entropy(32))
        context = Attempt(run_id=run_id, round=round, attempt=attempt)
        self._begin(State(name=check_name(name), context=context, secrets=secrets), signer, entropy)

    @classmethod
    def from_bytes(cls, data: bytes, signer: Signer, *, entropy: Entropy = os.urandom) -> "Member":
        """Go on after a restart.

        Raises:
            FederationError: not the whole state of a member of this version.
        """
        member = cls.__new__(cls)
        member._begin(read_state(data), signer, entropy)
        return member

    def to_bytes(self) -> bytes:
        """All that is needed to go on; secret: it holds the keys and other sites' shares."""
        return write_state(self._state)

    @property
    def phase(self) -> Phase:
        """What was answered last."""
        return self._state.phase

    def advertise(self, about: bytes = NOTHING) -> Advert:
        """Public keys, signed.

        Args:
            about: 32 bytes, a digest of what else this site states to all others in this attempt.
        """
        self._require(Phase.NEW)
        state = self._state
        unsigned = Advert(
            name=state.name,
            context=state.context,
            encryption_key=public_of(state.secrets.encryption),
            mask_key=public_of(state.secrets.mask),
            seed_digest=digest_of(state.secrets.seed),
            about=about,
            signature=b"",
        )
        state.advert = replace(unsigned, signature=self._signer(unsigned.message()))
        state.phase = Phase.ADVERTISED
        return state.advert

    def share(
        self,
        adverts: Mapping[str, Advert],
        verify: Verify,
        min_sites: int,
        *,
        drop_share: float = DROP_SHARE,
        degree: int = 0,
    ) -> dict[str, bytes]:
        """Sealed shares of this site's two secrets for each neighbour.

        Args:
            adverts: of everybody, this site among them.
            verify: raises FederationError unless the pinned identity of that name signed the message; must know this
                site itself too.
            min_sites: fewest verified sites this hospital joins a sum with.
            drop_share, degree: as `terms_for`; from this site's own configuration, not from a message.

        Raises:
            FederationError: too few sites, one that `verify` does not vouch for, adverts of another attempt, keys of
                small order, or this site's own advert absent or changed.
            ConfigError: as `terms_for`.
        """
        self._require(Phase.ADVERTISED)
        state, secrets = self._state, self._state.secrets
        if len(adverts) < max(2, min_sites):
            raise FederationError(
                f"policy: found {len(adverts)} sites in a secure sum; expected at least {max(2, min_sites)}"
            )
        if adverts.get(state.name) != state.advert:
            raise FederationError("secure sum: found another advert in this site's name; expected its own, unchanged")
        roster = Roster.of(state.context, adverts, drop_share, degree)
        roster.verify_all(verify)
        holders = (state.name, *roster.graph[state.name])
        pieces = self._split(roster, holders)
        state.roster, state.held = roster, {state.name: pieces[state.name]}
        state.phase = Phase.SHARED
        return {
            name: seal(
                pieces[name],
                private=secrets.encryption,
                public=roster.adverts[name].encryption_key,
                context=roster.hash,
                sender=state.name,
                recipient=name,
                entropy=self._entropy,
            )
            for name in holders[1:]
        }

    def mask(self, vector: Integers, received: Mapping[str, bytes], *, binding: bytes) -> Integers:
        """The vector under this site's masks: uniform noise to whoever lacks the keys.

        Args:
            vector: int64, one dimension; copied, not changed.
            received: sender -> what it sealed for this site; of every neighbour that shared.
            binding: 32 bytes, a digest of all that must be the same at every site: the plan, the weights it starts
                from, the layout of the vector. Sites that were shown different ones (model inconsistency, Pasquini et
                al. 2022, doi 10.1145/3548606.3560557) have masks that do not cancel.

        Raises:
            FederationError: shares that do not open, of no neighbour, or of too few; an unfit vector or binding.
        """
        self._require(Phase.SHARED)
        state, roster = self._state, self._roster
        if not isinstance(vector, np.ndarray) or vector.dtype != np.int64 or vector.ndim != 1:
            raise FederationError("secure sum: found an unfit vector; expected int64 in one dimension")
        if not isinstance(binding, bytes) or len(binding) != BINDING_BYTES:
            raise FederationError(f"secure sum: found an unfit binding; expected a digest of {BINDING_BYTES} bytes")
        if not received.keys() <= set(roster.graph[state.name]):
            raise FederationError("secure sum: found shares of a site that is no neighbour; expected neighbours only")
        if len(received) < roster.least_received:
            raise FederationError(
                f"secure sum: found shares of {len(received)} neighbours; expected at least {roster.least_received}; "
                "begin a new attempt"
            )
        held = {name: self._open(name, data) for name, data in received.items()}
        masks = self._masks(binding, held)
        state.held, state.binding = {**state.held, **held}, binding
        state.phase = Phase.MASKED
        masked = np.array(vector, order="C")
        apply_masks(masked, masks)
        return masked

    def confirm(self, survivors: Set[str], min_sites: int) -> bytes:
        """Sign who is left; this member unmasks for these sites and no others.

        Raises:
            FederationError: fewer survivors than min_sites or the quorum, unknown ones, ones in unconnected parts, a
                neighbour that was not masked with, or this site not among them.
        """
        self._require(Phase.MASKED)
        self._check_survivors(survivors, min_sites)
        state = self._state
        state.survivors = frozenset(survivors)
        state.phase = Phase.CONFIRMED
        return self._signer(self._roster.survivors_message(state.survivors, state.binding))

    def unmask(
        self, survivors: Set[str], min_sites: int, *, confirmations: Mapping[str, bytes], verify: Verify
    ) -> dict[str, tuple[Kind, bytes]]:
        """Of every site this one holds shares of, one share: of a survivor's seed, of a dropped one's mask key.

        Args:
            survivors: as confirmed.
            min_sites: as in `confirm`.
            confirmations: survivor -> its signature from `confirm`; at least the quorum.
            verify: as in `share`.

        Raises:
            FederationError: other survivors than confirmed, or too few sites that signed the same.
        """
        self._require(Phase.CONFIRMED)
        state, roster = self._state, self._roster
        self._check_survivors(survivors, min_sites)
        if survivors != state.survivors:
            raise FederationError("secure sum: found other survivors than this site confirmed; expected the same")
        if not confirmations.keys() <= survivors or len(confirmations) < roster.terms.quorum:
            raise FederationError(
                f"secure sum: found {len(confirmations)} confirmations; expected at least {roster.terms.quorum}, of "
                "survivors only"
            )
        message = roster.survivors_message(survivors, state.binding)
        for name, signature in confirmations.items():
            verify(name, message, signature)
        state.phase = Phase.UNMASKED
        return {
            name: (Kind.SELF, held.seed) if name in survivors else (Kind.PAIR, held.mask)
            for name, held in sorted(state.held.items())
        }

    def _begin(self, state: State, signer: Signer, entropy: Entropy) -> None:
        self._state, self._signer, self._entropy = state, signer, entropy

    def _require(self, phase: Phase) -> None:
        """Refuse an answer out of order, or a second time."""
        if self._state.phase is not phase:
            raise FederationError(
                f"secure sum: found a member that is {self._state.phase}; expected {phase}; each answer is given once"
            )

    @property
    def _roster(self) -> Roster:
        assert self._state.roster is not None  # by the phase
        return self._state.roster

    def _split(self, roster: Roster, holders: tuple[str, ...]) -> dict[str, Held]:
        """Holder -> its shares of this site's secrets."""
        points = [roster.points[name] for name in holders]
        seeds, masks = (
            split(int.from_bytes(secret, "big"), points, roster.terms.threshold, self._entropy)
            for secret in (self._state.secrets.seed, self._state.secrets.mask)
        )
        return {
            name: Held(seed=share_bytes(seeds[point]), mask=share_bytes(masks[point]))
            for name, point in zip(holders, points)
        }

    def _open(self, sender: str, data: bytes) -> Held:
        held = open_sealed(
            data,
            private=self._state.secrets.encryption,
            public=self._roster.adverts[sender].encryption_key,
            context=self._roster.hash,
            sender=sender,
            recipient=self._state.name,
        )
        for share in (held.seed, held.mask):
            read_share(share)
        return held

    def _masks(self, binding: bytes, held: Mapping[str, Held]) -> list[Mask]:
        state, roster = self._state, self._roster
        pairs = [
            pair_mask(
                state.secrets.mask,
                roster.adverts[name].mask_key,
                context=roster.hash,
                binding=binding,
                mine=state.name,
                theirs=name,
            )
            for name in held
        ]
        return [self_mask(state.secrets.seed, context=roster.hash, binding=binding, name=state.name), *pairs]

    def _check_survivors(self, survivors: Set[str], min_sites: int) -> None:
        state, roster = self._state, self._roster
        roster.check_survivors(survivors)
        if len(survivors) < min_sites:
            raise FederationError(f"policy: found a sum over {len(survivors)} sites; expected at least {min_sites}")
        if state.name not in survivors:
            raise FederationError("secure sum: found survivors without this site; expected it, for it sent its vector")
        if not survivors & set(roster.graph[state.name]) <= state.held.keys():
            raise FederationError("secure sum: found a survivor whose shares never came; expected only masked ones")
