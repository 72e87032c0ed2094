"""Looked at whenever a round computes anything: has this hospital left meanwhile, and has the round taken too long?

Whoever types `leave` wants no further minute of the machine's time to go into the federation; the coordinator gets a
refusal at the next step and does not wait. After `pause` what is being computed is finished.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from client.data.local_data import LocalData
from client.node.attendance import require_member
from client.node.heartbeat import moved
from client.site import Site
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.prepared_case import PreparedCase
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import Case, FederationError


class Watch:
    """Of one request, from its beginning."""

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: site: its attendance and limits. clock: seconds."""
        self._site, self._clock = site, clock
        self._started = clock()

    def look(self) -> None:
        """Say that the work moves, and refuse to go on where nobody wants it.

        Raises:
            FederationError: the site has left, or the request takes longer than `limits.duration_s`.
            DataError: the note of absence cannot be read.
        """
        moved(self._site.state)
        require_member(self._site)
        most_s = self._site.limits.duration_s
        if self._clock() - self._started > most_s:
            raise FederationError(
                f"policy: found a request that takes longer than this site's limit of {most_s:g} s (duration_s); "
                "expected less; ask for fewer steps or cases"
            )

    def over_model(self, model: GMMAS) -> None:
        """Whenever the network reads a crop, the watch looks first: one case can have any number of crops."""
        model.encoder.register_forward_pre_hook(lambda *_: self.look())

    def step(self, number: int, loss: float) -> None:
        """`look`, as training calls it after every step."""
        self.look()

    def over(self, data: LocalData) -> LocalData:
        """The same cases; whenever one is opened, the watch looks first."""
        return replace(data, cache=_WatchedCache(data.cache, self.look))


class _WatchedCache(PreparedCache):
    def __init__(self, cache: PreparedCache, look: Callable[[], None]) -> None:
        settings: PrepareSettings = cache.settings
        super().__init__(cache.folder, settings)
        self._look = look

    def open(self, case: Case) -> PreparedCase:
        self._look()
        return super().open(case)
