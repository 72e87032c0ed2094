"""The coordinator's side of one secure sum: it routes what it cannot read and adds what it cannot understand.

It holds one accumulator and one block of keystream, however many sites there are, and at no time any site's vector
without its masks. It does not survive a restart of the coordinator: the round begins a new attempt.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.advert import Advert, Attempt
from gmmas_core.secure_sum.lost import RoundLost
from gmmas_core.secure_sum.masks import Integers, apply_masks
from gmmas_core.secure_sum.removal import Reply, removals
from gmmas_core.secure_sum.roster import Roster, Verify, check_advert
from gmmas_core.secure_sum.sealing import SEALED_BYTES
from gmmas_core.secure_sum.terms import DROP_SHARE


class Collector:
    """One attempt: adverts, shares, add (for each site), survivors, confirmations, finish; in this order."""

    def __init__(
        self,
        run_id: str,
        round: int,
        attempt: int,
        *,
        size: int,
        binding: bytes,
        min_sites: int = 2,
        drop_share: float = DROP_SHARE,
        degree: int = 0,
    ) -> None:
        """Prepare an empty sum.

        Args:
            run_id, round, attempt: as the members'.
            size: elements of the vectors.
            binding: as the members', see `Member.mask`.
            min_sites: fewest sites worth going on with; members have floors of their own.
            drop_share, degree: as `terms_for`.
        """
        self._context = Attempt(run_id=run_id, round=round, attempt=attempt)
        self._binding, self._min_sites = binding, max(2, min_sites)
        self._drop_share, self._degree = drop_share, degree
        self._roster: Roster | None = None
        self._shared: frozenset[str] = frozenset()
        self._added: set[str] = set()
        self._closed = False
        self._finished = False
        self._sum: Integers = np.zeros(size, np.int64)
        self._refused: dict[str, str] = {}

    @property
    def refused(self) -> Mapping[str, str]:
        """Site -> why something it sent was left out; counts as dropped from then on."""
        return MappingProxyType(self._refused)

    @property
    def roster(self) -> Roster:
        """Who takes part, from `adverts` on.

        Raises:
            FederationError: before that.
        """
        if self._roster is None:
            raise FederationError("secure sum: found a step before the adverts; expected them first")
        return self._roster

    def adverts(self, received: Mapping[str, Advert], verify: Verify) -> dict[str, Advert]:
        """The list that every member must be shown, whole: adverts that the other hospitals will accept.

        Args:
            received: site -> what it sent.
            verify: as the members'; an advert that is unfit is left out, or every member would refuse the list.

        Raises:
            RoundLost: fewer than min_sites are left.
            ConfigError: as `terms_for`.
        """
        fit: dict[str, Advert] = {}
        seen: set[bytes] = set()
        for name, advert in sorted(received.items()):
            try:
                check_advert(self._context, name, advert, seen)
                verify(name, advert.message(), advert.signature)
            except FederationError as error:
                self._refused[name] = str(error)
            else:
                fit[name] = advert
        self._require_sites(fit)
        self._roster = Roster.of(self._context, fit, self._drop_share, self._degree)
        return dict(self._roster.adverts)

    def shares(self, received: Mapping[str, Mapping[str, bytes]]) -> dict[str, dict[str, bytes]]:
        """Recipient -> sender -> sealed shares; for every site that shared with all its neighbours.

        Args:
            received: sender -> recipient -> sealed.

        Raises:
            RoundLost: fewer than min_sites or the quorum shared.
        """
        graph = self.roster.graph
        whole = {}
        for name, sealed in received.items():
            fit = all(isinstance(data, bytes) and len(data) == SEALED_BYTES for data in sealed.values())
            if name in graph and sealed.keys() == set(graph[name]) and fit:
                whole[name] = sealed
            else:
                self._refused[name] = "secure sum: found unfit shares; expected one for each neighbour"
        self._require_sites(whole, self.roster.terms.quorum)
        self._shared = frozenset(whole)
        return {name: {other: whole[other][name] for other in graph[name] if other in whole} for name in whole}

    def add(self, name: str, masked: Integers) -> None:
        """Add one site's masked vector; keep the vector nowhere.

        Raises:
            FederationError: of a site that did not share, a second one, too late, or of another size or dtype.
        """
        if self._closed:
            raise FederationError("secure sum: found a vector after the survivors were named; expected it before")
        if name not in self._shared or name in self._added:
            raise FederationError(
                "secure sum: found a vector of a site that did not share, or its second; expected one"
            )
        fit = isinstance(masked, np.ndarray) and masked.dtype == np.int64 and masked.shape == self._sum.shape
        if not fit:
            raise FederationError(f"secure sum: found an unfit vector; expected {self._sum.size} int64")
        np.add(self._sum, masked, out=self._sum)  # wraps around, as masks do
        self._added.add(name)

    def survivors(self) -> frozenset[str]:
        """Whose vectors are in the sum; nothing can be added any more.

        Raises:
            RoundLost: too few, or in parts that masks do not tie together.
        """
        self._closed = True
        self._require_sites(self._added)
        try:
            self.roster.check_survivors(self._added)
        except FederationError as error:
            raise RoundLost(str(error)) from None
        return frozenset(self._added)

    def confirmations(self, received: Mapping[str, bytes], verify: Verify) -> dict[str, bytes]:
        """The signatures that every member must be shown before it unmasks.

        Raises:
            RoundLost: fewer than the quorum are valid.
        """
        survivors = self.survivors()
        message = self.roster.survivors_message(survivors, self._binding)
        valid = {}
        for name, signature in received.items():
            try:
                if name not in survivors:
                    raise FederationError("secure sum: found a confirmation of a site that is no survivor")
                verify(name, message, signature)
            except FederationError as error:
                self._refused[name] = str(error)
            else:
                valid[name] = signature
        self._require_sites(valid, self.roster.terms.quorum)
        return valid

    def finish(self, replies: Mapping[str, Reply]) -> Integers:
        """The exact sum of the survivors' vectors.

        Args:
            replies: site -> what its `Member.unmask` gave; of at least so many that every secret is rebuilt.

        Raises:
            RoundLost: a secret that is needed has too few shares, or wrong ones; the sum stays masked.
        """
        if self._finished:
            raise FederationError("secure sum: found a sum that is unmasked already; expected to finish once")
        survivors = self.survivors()
        masks = removals(self.roster, shared=self._shared, survivors=survivors, binding=self._binding, replies=replies)
        self._finished = True
        apply_masks(self._sum, masks)
        return self._sum

    def _require_sites(self, sites: Iterable[str], least: int = 0) -> None:
        count, least = len(set(sites)), max(least, self._min_sites)
        if count < least:
            raise RoundLost(f"secure sum: found {count} sites left; expected at least {least}; begin a new attempt")
