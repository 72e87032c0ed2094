"""Where client-level privacy meets a round: its sum, its price, and its words in the ledger."""

from collections.abc import Collection, Sequence
from typing import Any

from gmmas_core.types import RoundPlan
from server.client_level.clipped_sum import ClippedSum
from server.client_level.speakers import speakers
from server.client_level.spending import KEY, require_left, spent
from server.run import Run


def clipped_sum(run: Run, plan: RoundPlan, asked: Sequence[str]) -> ClippedSum | None:
    """What an attempt at a round adds up; None for a run without client-level privacy."""
    settings = run.config.privacy.client_level
    if settings.name == "none":
        return None
    able = speakers(plan.stage, (run.enlisted[site] for site in asked), run.config)
    clip = settings.clip_norm if run.memory.clip_norm is None else run.memory.clip_norm
    return ClippedSum(run.weights, able, max(1, len(asked)), clip, settings)


def require_affordable(run: Run, plan: RoundPlan, asked: Sequence[str]) -> None:
    """Let a round begin only if no asked site would then have spent more than `max_epsilon`; see `require_left`.

    Raises:
        RunPaused: one would have.
    """
    settings = run.config.privacy.client_level
    if settings.name != "none" and speakers(plan.stage, (run.enlisted[site] for site in asked), run.config):
        require_left(run.ledger.entries(), settings, asked, plan.round)


def ledger_fields(run: Run, noisy: ClippedSum, paid: Collection[str]) -> dict[str, Any]:
    """A noisy round's part of its line: what was done, who has paid, and the largest epsilon until now.

    Whoever answered has paid, counted or not: that it was left out is for all to see.
    """
    settings = run.config.privacy.client_level
    after = spent(run.ledger.entries(), settings, paid)
    return {
        KEY: {
            **noisy.about(),
            "paid": sorted(paid),
            "delta": settings.delta,
            "epsilon": round(max(after.values(), default=0.0), 6),
        }
    }
