"""One round of training: plan, send, screen each reply, weigh it, add it, and only then move the global weights."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from flwr.app import MessageType, RecordDict

from gmmas_core import wire
from gmmas_core.calibration import calibration_text, fit_calibration
from gmmas_core.metrics.evaluation import add
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.schedule import Slot
from gmmas_core.types import Metric, RoundPlan, SiteUpdate
from gmmas_core.weights import load_weights, weights_hash
from server.aggregation import Accumulator
from server.checkpoints import save_round
from server.ledger_entries import metrics_to_entry
from server.quorum import ask_with_quorum
from server.run import Run
from server.screening import screen
from server.strategy import strategy_of

CALIBRATE = "calibrate"
"""The stage after which the coordinator has something to compute."""


@dataclass
class _Tally:
    """The round's sum so far, and a line for the ledger per site counted in it."""

    run: Run
    plan: RoundPlan
    enlisted: Mapping[str, int]
    accumulator: Accumulator
    sites: dict[str, Any] = field(default_factory=dict)
    metrics: list[Mapping[str, Metric]] = field(default_factory=list)

    def count(self, site: str, content: RecordDict) -> None:
        """Screen one reply and add it.

        Raises:
            WireError, FederationError: it is not fit to be counted; the sum is as it was.
        """
        run = self.run
        update = wire.read_update(content)
        screen(
            update,
            run.weights,
            self.plan,
            fingerprint=run.fingerprint.digest,
            sites_known=[site],
            max_weight=self.enlisted[site],
        )
        weights = strategy_of(run.config.strategy.name)(update)
        self.accumulator.add(update.weights, {key: weights[group_of(key)] for key in update.weights})
        self.sites[site] = _entry(update, weights)
        self.metrics.append(update.metrics)
        run.watch("site-counted", {"round": self.plan.round, "site": site, "duration_s": update.duration_s})


def play_round(run: Run, slot: Slot) -> None:
    """Train one round everywhere; afterwards `run.weights` and `run.round` are the new ones, on disk and in the ledger.

    The ledger's line is written before the checkpoint: a crash between the two repeats the round, to which the sites
    answer from their store, and the report takes the last line of a round.

    Raises:
        FederationError: fewer good replies than the quorum; the global weights stay as they were.
    """
    plan = _plan(run, slot)
    enlisted = {status.site: status.num_cases.get("train", 0) for status in run.sites.values()}
    accumulator = Accumulator(run.weights, max_weight=max(1, *enlisted.values()), max_sites=len(enlisted))
    tally = _Tally(run, plan, enlisted, accumulator)
    run.watch("round-started", {"round": slot.round, "stage": slot.stage, "lr": slot.lr, "sites": list(enlisted)})
    started = time.monotonic()
    outcome = ask_with_quorum(run, plan, MessageType.TRAIN, question=f"round {slot.round}", on_reply=tally.count)
    run.weights = accumulator.result()
    load_weights(run.model, run.weights)
    run.round = slot.round
    if slot.stage == CALIBRATE:
        run.calibration = fit_calibration(reduce(add, tally.metrics), run.config.task_list, run.config.calibration)
    duration_s = time.monotonic() - started
    digest = weights_hash(run.weights)
    run.ledger.append(
        "round",
        round=slot.round,
        stage=slot.stage,
        lr=slot.lr,
        duration_s=round(duration_s, 3),
        weights_hash=digest,
        sites=tally.sites,
        left_out=outcome.left_out,
        **({"calibration": run.calibration} if slot.stage == CALIBRATE else {}),
    )
    state = {"weights_hash": digest, "run_id": run.run_id, "calibration": run.calibration}
    save_round(run.folder.checkpoints, slot.round, run.weights, state)
    run.watch("round-finished", {"round": slot.round, "duration_s": duration_s, "left_out": outcome.left_out})


def _entry(update: SiteUpdate, weights: Mapping[str, int]) -> dict[str, Any]:
    return {
        "num_cases": update.num_cases,
        "weights": dict(weights),
        "uncertainty": dict(update.uncertainty),
        "duration_s": update.duration_s,
        "metrics": metrics_to_entry(update.metrics),
    }


def _plan(run: Run, slot: Slot) -> RoundPlan:
    return RoundPlan(
        run_id=run.run_id,
        round=slot.round,
        seed=run.config.seed,
        weights_hash=weights_hash(run.weights),
        stage=slot.stage,
        local_steps=slot.local_steps,
        lr=slot.lr,
        tasks=run.config.task_list,
        deadline_s=run.config.federation.deadline_s,
        config_hash=run.config_hash,
        core_fingerprint=run.fingerprint.digest,
        ledger_head=run.ledger.head,
        calibration=calibration_text(run.calibration),
    )
