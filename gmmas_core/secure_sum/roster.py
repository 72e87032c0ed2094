"""Who takes part in one attempt, as everybody must have been shown it: its hash goes into every key.

Two members that were shown different lists derive different keys: shares do not open and masks do not cancel.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.advert import Advert, Attempt
from gmmas_core.secure_sum.encoding import pack
from gmmas_core.secure_sum.keys import require_strong
from gmmas_core.secure_sum.neighbours import is_connected, neighbours
from gmmas_core.secure_sum.terms import Terms, terms_for

Verify = Callable[[str, bytes, bytes], None]
"""(name, message, signature) -> None; raises FederationError unless that site's identity signed the message."""

_TAG, _SURVIVORS_TAG = "gmmas-fed secure sum roster v1", "gmmas-fed secure sum survivors v1"


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The sites of one attempt and what they agree on.

    Attributes:
        context: the attempt.
        adverts: name -> advert, sorted by name.
        terms: degree, threshold, quorum.
    """

    context: Attempt
    adverts: Mapping[str, Advert]
    terms: Terms

    @classmethod
    def of(cls, context: Attempt, adverts: Mapping[str, Advert], drop_share: float, degree: int) -> "Roster":
        """A roster of adverts whose signatures are not checked yet, see `verify_all`.

        Raises:
            FederationError: as `check_advert`.
            ConfigError: as `terms_for`.
        """
        seen: set[bytes] = set()
        for name, advert in adverts.items():
            check_advert(context, name, advert, seen)
        ordered = {name: adverts[name] for name in sorted(adverts)}
        return cls(context=context, adverts=ordered, terms=terms_for(len(ordered), drop_share, degree))

    @cached_property
    def hash(self) -> bytes:
        """Over the terms and all that was signed; 32 bytes."""
        terms = self.terms
        signed = [advert.message() for advert in self.adverts.values()]
        return sha256(pack(_TAG, terms.degree, terms.threshold, terms.quorum, len(signed), *signed)).digest()

    @cached_property
    def graph(self) -> dict[str, tuple[str, ...]]:
        """Name -> its neighbours."""
        return neighbours(list(self.adverts), self.hash, self.terms.degree)

    @cached_property
    def points(self) -> dict[str, int]:
        """Name -> where its shares lie on every polynomial."""
        return {name: place + 1 for place, name in enumerate(self.adverts)}

    @property
    def least_received(self) -> int:
        """Neighbours whose shares a member must hold before it masks: all but as many as may drop, or the threshold's.

        So a coordinator that holds shares back to leave a site without masks must do without too many other sites.
        """
        terms = self.terms
        return max(terms.threshold, terms.degree + 1 - (len(self.adverts) - terms.quorum)) - 1

    def verify_all(self, verify: Verify) -> None:
        """Check every signature, neighbour or not: a list with one name that nobody vouches for is no list.

        Raises:
            FederationError: from `verify`.
        """
        for name, advert in self.adverts.items():
            verify(name, advert.message(), advert.signature)

    def check_survivors(self, survivors: Set[str]) -> None:
        """Whether a sum over these sites can be unmasked, and shows no smaller one.

        Raises:
            FederationError: unknown names, fewer than the quorum, or sites that no masks tie together.
        """
        if not survivors <= self.adverts.keys():
            raise FederationError("secure sum: found a survivor that never advertised; expected names of the roster")
        if len(survivors) < self.terms.quorum:
            raise FederationError(
                f"secure sum: found {len(survivors)} survivors; expected at least {self.terms.quorum} of "
                f"{len(self.adverts)}; begin a new attempt"
            )
        if not is_connected(self.graph, survivors):
            raise FederationError("secure sum: found survivors in parts; expected masks to tie all of them together")

    def survivors_message(self, survivors: Set[str], binding: bytes) -> bytes:
        """What a member signs before it helps to unmask: this attempt, this plan, these sites."""
        return pack(_SURVIVORS_TAG, self.hash, binding, len(survivors), *sorted(survivors))


def check_advert(context: Attempt, name: str, advert: Advert, seen: set[bytes]) -> None:
    """Whether an advert can stand in a list, but for its signature.

    Args:
        context: the attempt.
        name: under which it came.
        advert: to check.
        seen: keys of the adverts before it; its own are added.

    Raises:
        FederationError: of another attempt, under another name, a key of small order, or one that was seen before.
    """
    if advert.name != name:
        raise FederationError("secure sum: found an advert under another site's name; expected its own")
    if advert.context != context:
        raise FederationError(f"secure sum: found an advert of {name} for another attempt; expected this one")
    keys = {advert.encryption_key, advert.mask_key}
    if len(keys) != 2 or keys & seen:
        raise FederationError("secure sum: found one key in two places; expected fresh ones from every site")
    for key in keys:
        require_strong(key)
    seen |= keys
