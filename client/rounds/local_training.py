"""One round at a hospital: received weights -> scores on validation cases -> local steps -> what may leave."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.local_data import LocalData
from client.egress.floor import floor_in_cases
from client.egress.speech import encoded_to_norm, held_to_norm, may_leave, quiet, rare_classes, told_counts
from client.privacy.protected_round import without_training_metrics
from client.rounds import signals
from client.rounds.local_evaluation import score_cases, validation_cases
from client.rounds.local_groups import local_values, put_local, require_known, spoken_for, without_local
from client.rounds.novelty import patient_sums
from client.rounds.state import RoundState, state_before
from client.site import Site
from gmmas_core.calibration import fit_calibration, read_calibration
from gmmas_core.config import Config
from gmmas_core.metrics.evaluation import merge
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.schedule import schedule
from gmmas_core.training.loop import OnGradients, OnStep
from gmmas_core.training.precision import choose_device
from gmmas_core.training.protection import Protection
from gmmas_core.training.seeding import set_deterministic, stream_seed
from gmmas_core.training.stages import STAGES, StageInput, StageOutput
from gmmas_core.types import UNKNOWN, DataError, EvaluationPlan, FederationError, Metric, RoundPlan, SiteUpdate, Task
from gmmas_core.update_encoding import Encoded, encode
from gmmas_core.weights import load_weights, weights_hash, weights_of

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a round leaves at a site.

    Attributes:
        update: before the egress gate.
        encoded: its parameters as they are to travel.
        kept: what stays, for the next round.
    """

    update: SiteUpdate
    encoded: Encoded
    kept: RoundState


def train_locally(
    site: Site,
    plan: RoundPlan,
    config: Config,
    model: GMMAS,
    weights: Weights,
    data: LocalData,
    on_step: OnStep | None = None,
    protection: Protection | None = None,
) -> Trained:
    """Play one round's stage on this site's training cases.

    Deterministic, unless protected: the same plan, weights, cases and state of earlier rounds give the same on the same
    machine, whatever of this round was written before. Noise is drawn from the protection's secret, never the same.

    Args:
        site: name, device, threads and state folder.
        plan: what the coordinator asks.
        config: composed at this site.
        model: built at this site; its weights are replaced.
        weights: the global model's.
        data: this site's cases and their cache.
        on_step: called after every step; what it raises ends the round.
        protection: of the training patients, paid for; None for none.

    Raises:
        ConfigError: a local group that is none.
        DataError: no training case.
        FederationError: a stage this core does not know, or a loss that became non-finite.
    """
    started = time.monotonic()
    require_known(config)
    set_deterministic(stream_seed(plan.seed, plan.round, site.name), site.threads)
    earlier = state_before(site.state, plan.run_id, plan.round)
    load_weights(model, weights)
    put_local(model, earlier.local, config)
    stage, metrics = _play_and_score(site, plan, config, model, data, on_step, protection)
    trained = weights_of(model)
    floor, most = floor_in_cases(data.split("train"), site.cohort_floor), site.privacy.max_update_norm
    seen = told_counts(spoken_for(stage.seen, config), floor)
    leaving = held_to_norm(may_leave(without_local(trained, weights, config), weights, seen), weights, most)
    spoken = {group for group, count in seen.items() if count}
    encoded, residual = encode(config.exchange.encoding, leaving, weights, earlier.residual, spoken)
    kept = RoundState(local=local_values(trained, config), residual=residual)
    update = SiteUpdate(
        site=site.name,
        run_id=plan.run_id,
        round=plan.round,
        weights=leaving,
        num_cases=len(data.split("train")),
        seen=seen,
        uncertainty=_log_variances(trained, weights, _few(stage.seen, data, floor), (SEGMENTATION, *plan.tasks)),
        metrics=quiet(metrics, stage.seen, floor, _rare(site, data, plan.tasks)),
        duration_s=time.monotonic() - started,
        core_fingerprint=plan.core_fingerprint,
    )
    return Trained(update=update, encoded=encoded_to_norm(encoded, most), kept=kept)


def _play_and_score(
    site: Site,
    plan: RoundPlan,
    config: Config,
    model: GMMAS,
    data: LocalData,
    on_step: OnStep | None,
    protection: Protection | None,
) -> tuple[StageOutput, dict[str, Metric]]:
    """Run the plan's stage; beside its output the metrics of the received model, of the stage and of the signals."""
    calibration = read_calibration(plan.calibration, config.task_list)
    scores = score_cases(site, config, model, data, validation_cases(config, data), calibration)
    subject = signals.Subject(
        site=site, plan=plan, config=config, model=model, data=data, calibration=calibration, scores=scores
    )
    finish = signals.begin(subject)
    watcher = None if protection else signals.observer(subject)
    stage = play_stage(site, plan, config, model, data, calibration, watcher, on_step, protection)
    told = without_training_metrics(site, stage.metrics | finish()) | patient_sums(site, plan, config, data)
    return stage, merge(scores, config.task_list) | told


def play_stage(
    site: Site,
    plan: RoundPlan,
    config: Config,
    model: GMMAS,
    data: LocalData,
    calibration: Mapping[str, Any],
    on_gradients: OnGradients | None = None,
    on_step: OnStep | None = None,
    protection: Protection | None = None,
) -> StageOutput:
    """Run the plan's stage on the training cases, from the weights that the model holds."""
    if plan.stage not in STAGES:
        raise FederationError(f"round {plan.round}: found stage {plan.stage!r}; expected any of {sorted(STAGES)}")
    cases = data.split("train")
    if not cases:
        raise DataError("training: found no training case; expected at least one; check the split column")
    set_deterministic(stream_seed(plan.seed, plan.round, site.name), site.threads)
    return STAGES[plan.stage](
        StageInput(
            model=model,
            cases=cases,
            cache=data.cache,
            config=config,
            plan=plan,
            site_name=site.name,
            validation=data.split("validation"),
            state=site.state,
            calibration=calibration,
            device=choose_device(site.device),
            on_gradients=on_gradients,
            on_step=on_step,
            protection=protection,
            answered=data.answered,
        )
    )


def train_alone(
    site: Site,
    plan: EvaluationPlan,
    config: Config,
    model: GMMAS,
    weights: Weights,
    data: LocalData,
    on_round: Callable[[int, int], None] | None = None,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """What this hospital would have reached without the others: as many rounds on its own cases alone.

    Starts from the weights given (the run's initial ones) and leaves the trained ones in `model`. The optimiser starts
    anew in every round and the seeds are the federation's, so only the averaging is missing; temperatures and
    pseudo-labels are the site's own too, and no state of the federation's rounds is read or written. The weights never
    leave the site; only their scores do.

    Args:
        site: whose cases.
        plan: run id, seed and deadline of the rounds that are imitated.
        config: its curriculum is played.
        model: its weights are replaced.
        weights: to start from.
        data: the site's cases and their cache.
        on_round: told (rounds done, rounds in all), before the first round and after each.
        on_step: called after every step; what it raises ends the work.

    Returns:
        The site's own calibration, {} when the curriculum has none.
    """
    load_weights(model, weights)
    calibration: dict[str, Any] = {}
    slots = schedule(config)
    tell = on_round or _tell_nobody
    tell(0, len(slots))
    for slot in slots:
        alone = RoundPlan(
            run_id=f"{plan.run_id}alone",  # pseudo-labels of the federation's model must not mix with its own
            round=slot.round,
            seed=plan.seed,
            weights_hash=weights_hash(weights_of(model)),
            stage=slot.stage,
            local_steps=slot.local_steps,
            lr=slot.lr,
            tasks=config.task_list,
            deadline_s=plan.deadline_s,
            config_hash=plan.config_hash,
            core_fingerprint=plan.core_fingerprint,
        )
        output = play_stage(site, alone, config, model, data, calibration, on_step=on_step)
        if slot.stage == "calibrate":
            calibration = fit_calibration(output.metrics, config.task_list, config.calibration)
        tell(slot.round, len(slots))
    return calibration


def _tell_nobody(done: int, total: int) -> None:
    """Inside a federation nobody watches a site's rounds."""


def _log_variances(
    trained: Weights, received: Weights, few: Collection[str], questions: Sequence[str]
) -> dict[str, float]:
    """The site's own, and the received ones where too few cases have taught its own."""
    names = {str(question): f"uncertainty.log_variance_{question}" for question in questions}
    return {q: float((received if q in few else trained)[name].item()) for q, name in names.items()}


def _rare(site: Site, data: LocalData, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks of which few validation cases have one of the classes."""
    cases = data.split("validation")
    return rare_classes(cases, tasks, floor_in_cases(cases, site.cohort_floor))


def _few(seen: Mapping[str, int], data: LocalData, floor: int) -> set[str]:
    """Questions that some of the site's training cases answer, but fewer than its floor."""
    cases = data.split("train")
    known = {SEGMENTATION: sum(case.mask is not None for case in cases)}
    known |= {str(task): sum(case.labels[task] != UNKNOWN for case in cases) for task in Task}
    few = {name for name, count in known.items() if 0 < count < floor}
    return few | {name for name in known if 0 < seen.get(f"uncertainty.{name}", 0) < floor}
