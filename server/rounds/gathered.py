"""What a round needs of whatever gathered its replies: each update by itself (`Tally`), or only their sum."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gmmas_core.types import RoundPlan
from server.client_level.clipped_sum import ClippedSum
from server.strategy.strategy import Strategy
from server.strategy.voice import Voice

POOLED = "secure sum"
"""Stands for all sites together where no site's own numbers are known; with its space it is no site's name."""


class Gathered(Protocol):
    """See `Tally` for what each means."""

    plan: RoundPlan
    asked: tuple[str, ...]
    strategy: Strategy
    offended: dict[str, str]
    entries: dict[str, dict[str, Any]]
    paces: dict[str, float]
    noisy: ClippedSum | None

    @property
    def voices(self) -> Sequence[Voice]:
        """Those counted, by name."""

    @property
    def spoken_groups(self) -> set[str]:
        """Parameter groups for which at least one site has spoken."""

    @property
    def remarks(self) -> Mapping[str, Any]:
        """Further fields of the round's line in the ledger."""
