"""One round of training: plan, ask, screen and weigh every reply, and only then move the global weights."""

import time
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from flwr.app import MessageType
from numpy.typing import NDArray

from gmmas_core.calibration import calibration_text, fit_calibration
from gmmas_core.metrics.evaluation import add
from gmmas_core.schedule import Slot
from gmmas_core.types import RoundPlan
from gmmas_core.weights import load_weights, weights_hash
from server.aggregation.server_optimizer import OPTIMIZERS
from server.client_level.noise import Noise
from server.client_level.round import ledger_fields, require_affordable
from server.membership.enlist import askable, wait_for_sites
from server.records.checkpoints import save_round
from server.records.pruning import prune
from server.rounds.deadlines import Deadlines, deadlines, observe
from server.rounds.exchange import Collected
from server.rounds.gathered import Gathered
from server.rounds.quorum import RoundVoid, ask_with_quorum
from server.rounds.sampling import choose_sites
from server.rounds.tally import Tally
from server.run import Run, RunPaused, checkpoint_state
from server.screening.quarantine import after_round
from server.secure_round.summing import sum_securely

Mean = Mapping[str, NDArray[np.float32]]

CALIBRATE = "calibrate"
"""The stage after which the coordinator has something to compute."""


def play_round(run: Run, slot: Slot) -> None:
    """Train one round; afterwards `run.weights` and `run.round` are the new ones, on disk and in the ledger.

    A void round (no quorum, or without a mandatory site) leaves everything as it was and is repeated; sites that have
    answered answer again from their store.

    Raises:
        RunPaused: void more often than `federation.void_repeats` allows, or too dear for `max_epsilon`.
    """
    repeats = run.config.federation.void_repeats
    for attempt in range(repeats + 1):
        try:
            _play(run, slot)
            return
        except RoundVoid as void:
            run.watch("round-void", {"round": slot.round, "reason": str(void)})
            if attempt == repeats:
                raise RunPaused(
                    f"{void}; the round was tried {repeats + 1} times; resume the run when they are back"
                ) from None
            wait_for_sites(run)


def _play(run: Run, slot: Slot) -> None:
    """One attempt.

    The ledger's line is written before the checkpoint: a crash between the two repeats the round, to which the sites
    answer from their store, and the report takes the last line of a round.
    """
    plan, nodes = _plan(run, slot), _asked(run, slot.round)
    require_affordable(run, plan, list(nodes.values()))
    gather = _gather_plainly if run.config.privacy.secure_sum.name == "none" else _gather_securely
    times = run.memory.times.setdefault(slot.stage, {})  # a stage's rounds are alike, those of two stages are not
    limits = deadlines(times, list(nodes.values()), run.config.federation)
    run.watch(
        "round-started",
        {
            "round": slot.round,
            "stage": slot.stage,
            "lr": slot.lr,
            "sites": sorted(nodes.values()),
            "soft_s": limits.soft_s,
            "hard_s": limits.hard_s,
        },
    )
    started = time.monotonic()
    tally, mean, outcome, collected = gather(run, plan, nodes, limits)
    _move(run, slot, tally, mean)
    _remember(run, tally, outcome)
    finished = time.monotonic()
    phases = {"collect_s": round(collected - started, 3), "aggregate_s": round(finished - collected, 3)}
    _write_down(run, slot, tally, outcome, phases)
    state, arrays = checkpoint_state(run)
    save_round(run.folder.checkpoints, slot.round, run.weights, state, arrays)
    prune(run.folder.checkpoints, run.ledger, run.config.task_list, run.config.federation.keep_best)
    run.watch("round-finished", {"round": slot.round, "duration_s": finished - started, "left_out": outcome.left_out})


def _gather_plainly(
    run: Run, plan: RoundPlan, nodes: Mapping[int, str], limits: Deadlines
) -> tuple[Gathered, Mean, Collected, float]:
    """Every update by itself: tally, mean, how it was answered, and when the last one was here."""
    tally, question = Tally(run, plan, list(nodes.values())), f"round {plan.round}"
    try:
        outcome = ask_with_quorum(
            run, plan, MessageType.TRAIN, question=question, on_reply=tally.count, nodes=nodes, deadlines=limits
        )
        collected = time.monotonic()
        return tally, tally.combine(outcome, question), outcome, collected
    finally:
        tally.close()


def _gather_securely(
    run: Run, plan: RoundPlan, nodes: Mapping[int, str], limits: Deadlines
) -> tuple[Gathered, Mean, Collected, float]:
    """Their sum alone."""
    tally, pooled, outcome = sum_securely(run, plan, nodes, limits)
    return tally, pooled.mean, outcome, time.monotonic()


def _asked(run: Run, number: int) -> dict[int, str]:
    """Node -> site of those asked in this round: a seeded choice of the sites that are online and not quarantined."""
    settings = run.config.federation
    online = askable(run)
    chosen = choose_sites(
        run.config.seed, number, list(online.values()), settings.mandatory, settings.sample_share, settings.quorum
    )
    return {node: site for node, site in online.items() if site in chosen}


def _move(run: Run, slot: Slot, tally: Gathered, mean: Mean) -> None:
    """The mean, through the server's optimiser, becomes the global weights; a calibrating stage fits temperatures."""
    settings = run.config.strategy.server_optimizer
    spoken = tally.spoken_groups
    weights, moments = OPTIMIZERS[settings.name](run.weights, mean, spoken, run.memory.moments, settings)
    if spoken:
        run.memory.last_step = {name: value - run.weights[name] for name, value in weights.items()}
    run.memory.moments = moments
    if tally.noisy is not None:
        run.memory.clip_norm = tally.noisy.next_clip(Noise())
    run.weights = dict(weights)
    load_weights(run.model, run.weights)
    run.round = slot.round
    if slot.stage == CALIBRATE:
        metrics = [voice.metrics for voice in tally.voices]
        run.calibration = fit_calibration(reduce(add, metrics), run.config.task_list, run.config.calibration)


def _remember(run: Run, tally: Gathered, outcome: Collected) -> None:
    for site in outcome.counted:
        observe(run.memory.times[tally.plan.stage], site, outcome.seconds[site])
    before = dict(run.memory.screen.quarantined)
    after_round(run.memory.screen, tally.paces, tally.offended, run.config.screening)
    for site in run.memory.screen.quarantined.keys() - before.keys():
        run.ledger.append("quarantined", site=site, reason=run.memory.screen.quarantined[site])
    run.memory.strategy = tally.strategy.remember(tally.voices, run.memory.strategy)


def _write_down(run: Run, slot: Slot, tally: Gathered, outcome: Collected, phases: Mapping[str, float]) -> None:
    received = sum(entry["bytes"] for entry in tally.entries.values())
    sent = sum(value.nbytes for value in run.weights.values()) * len(tally.asked)
    fields: dict[str, Any] = {"calibration": run.calibration} if slot.stage == CALIBRATE else {}
    if tally.noisy is not None and tally.noisy.speakers:
        fields |= ledger_fields(run, tally.noisy, [*outcome.counted, *tally.offended])
    run.ledger.append(
        "round",
        round=slot.round,
        stage=slot.stage,
        lr=slot.lr,
        duration_s=round(sum(phases.values()), 3),
        phases=phases,
        asked=sorted(tally.asked),
        weights_hash=weights_hash(run.weights),
        sites=tally.entries,
        left_out=outcome.left_out,
        late=outcome.late,
        bytes={"sent": sent, "received": received},
        **tally.remarks,
        **fields,
    )


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
