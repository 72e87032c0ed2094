"""What one securely summed round gives the rest of the coordinator: one voice for all sites, and nobody's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.secure_round.vector import Pooled
from gmmas_core.types import RoundPlan, SiteUpdate
from server.client_level.clipped_sum import ClippedSum
from server.records.ledger_entries import metrics_to_entry
from server.rounds.gathered import POOLED
from server.run import Run
from server.screening.suspicion import Suspicion, suspect
from server.screening.updates import Rejected
from server.strategy import strategy_of
from server.strategy.voice import Voice


class SecureTally:
    """A `Gathered` whose only voice is the sum's; offences of single sites cannot be known and are none.

    Attributes:
        plan, asked, strategy, offended, entries, paces: as in `Tally`.
        noisy: None, the configuration allows no client-level noise beside a secure sum.
        remarks: the attempt, who is in the sum, who dropped in which phase, and groups that nobody could speak for.
    """

    def __init__(
        self, run: Run, plan: RoundPlan, asked: Sequence[str], pooled: Pooled, about: Mapping[str, Any]
    ) -> None:
        """Screen the sum as one update; what is odd about it is nobody's in particular.

        Args:
            run: the federation.
            plan: of the round.
            asked: sites.
            pooled: the sum.
            about: "bytes" and "duration_s" of the exchange, and what becomes `remarks`, under "secure".

        Raises:
            Rejected: the mean makes a step far beyond the usual one.
        """
        self.plan, self.asked = plan, tuple(asked)
        self.strategy = strategy_of(run.config.strategy.name)
        self.offended: dict[str, str] = {}
        self.noisy: ClippedSum | None = None
        self.remarks: Mapping[str, Any] = {"secure": about["secure"]}
        self._pooled = pooled
        suspicion = _suspect(run, plan, pooled)
        self.paces = {POOLED: suspicion.pace}
        self._voice = Voice(
            site=POOLED,
            num_cases=pooled.num_cases,
            seen=pooled.weights,
            uncertainty=pooled.uncertainty,
            metrics=pooled.metrics,
            norms=suspicion.norms,
            doubts=suspicion.doubts,
        )
        self.entries: dict[str, dict[str, Any]] = {
            POOLED: {
                "num_cases": pooled.num_cases,
                "uncertainty": dict(pooled.uncertainty),
                "duration_s": about["duration_s"],
                "norm": suspicion.norm,
                "doubts": list(suspicion.doubts),
                "bytes": about["bytes"],
                "metrics": metrics_to_entry(pooled.metrics),
                "weights": dict(pooled.weights),
            }
        }

    @property
    def voices(self) -> list[Voice]:
        """The one."""
        return [self._voice]

    @property
    def spoken_groups(self) -> set[str]:
        """Parameter groups with any weight."""
        return {group for group, weight in self._pooled.weights.items() if weight > 0}


def _suspect(run: Run, plan: RoundPlan, pooled: Pooled) -> Suspicion:
    """Raises: Rejected: as `suspect`, in words for a sum."""
    update = SiteUpdate(
        site=POOLED,
        run_id=plan.run_id,
        round=plan.round,
        weights=pooled.mean,
        num_cases=pooled.num_cases,
        seen=pooled.weights,
        uncertainty=pooled.uncertainty,
    )
    try:
        return suspect(update, run.weights, run.memory.last_step, run.memory.screen, run.config.screening, plan)
    except Rejected:
        raise Rejected(
            "secure sum: found a mean step far beyond the usual one of this run; expected a smaller one; some site has "
            "sent nonsense, and nobody can tell which: ask the sites to look at their training logs"
        ) from None
