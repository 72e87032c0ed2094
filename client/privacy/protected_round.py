"""Record-level privacy of one round at this site: what is demanded, paid and handed to training, and what is refused.

A record is a patient, with all studies and crops. What training makes of the patients is noisy; everything computed
from the noisy model is as private as the model. What would carry the training patients past the noise is refused
(scores of the training split, a model trained without noise for `local_only`) or emptied (losses, gradient norms,
pseudo-label counts). What stays exact is told in `client.privacy.budget`.
"""

import os
from collections.abc import Mapping, Sequence

from client.data.local_data import LocalData
from client.privacy.budget import noise_of_run, note_unprotected, require_delta, reserve
from client.privacy.participation import TRAINED, participation
from client.site import Site
from client.withdrawal.record import recorded_names
from gmmas_core.config import Config
from gmmas_core.schedule import schedule
from gmmas_core.training.protection import (
    GRADIENT_STAGES,
    Protection,
    Spent,
    protected_patients,
    require_separable,
    sample_rate,
)
from gmmas_core.types import Case, DataError, EvaluationPlan, FederationError, Metric, RoundPlan, Sum

OF_VALIDATION = (
    *("calibration.", "calibration-positives.", "pseudo-audit."),
    *("signal.epistemic.", "signal.aleatoric.", "signal.loss_before", "signal.loss_after"),
)
"""Beginnings of names of metrics that no training case reaches except through the trained model."""


def protect(site: Site, plan: RoundPlan, config: Config, data: LocalData) -> Protection | None:
    """Pay for a round and say how it is to be protected; None where the site demands nothing or nothing is trained.

    Raises:
        FederationError: "policy: ..." when the budget does not allow it, or settings under which patients mix.
        DataError: no training patient.
    """
    if plan.stage not in GRADIENT_STAGES:
        return None
    if site.privacy.epsilon is None:
        note_unprotected(site, plan)
        return None
    require_separable(config, plan.stage)
    patients = num_patients(data)
    require_delta(site, patients)
    rate = sample_rate(config, patients)
    noise = noise_of_run(site, plan, rate, _steps_left(plan, config))
    spent = Spent(noise_multiplier=noise, sample_rate=rate, steps=plan.local_steps)
    reserve(site, plan, spent, patients)
    secret = int.from_bytes(os.urandom(32))
    return Protection(noise_multiplier=noise, max_grad_norm=site.privacy.max_grad_norm, secret=secret)


def num_patients(data: LocalData) -> int:
    """Patients of the training split: the population that every noisy step samples from.

    Raises:
        DataError: there is none.
    """
    patients = len(protected_patients(data.split("train")))
    if not patients:
        raise DataError("training: found no training case; expected at least one; check the split column")
    return patients


def require_private_question(site: Site, plan: EvaluationPlan, config: Config) -> None:
    """Refuse an evaluation whose scores would tell of training patients what noise was to hide.

    Raises:
        FederationError: the site demands record-level privacy, and the question is one of those.
    """
    if site.privacy.epsilon is None:
        return
    if plan.split == "train":
        raise FederationError(
            "policy: found a question for scores of training patients; expected validation or holdout: this site has "
            "record-level privacy, and such scores would bypass it; leave acceptance.split at holdout"
        )
    if plan.subject == "local_only" and any(slot.stage in GRADIENT_STAGES for slot in schedule(config)):
        raise FederationError(
            "policy: found a question for scores of a model trained here alone, without noise; expected none: this "
            "site has record-level privacy, and such scores would bypass it; run with evaluation.local_only=false"
        )


def require_never_trained(site: Site, cases: Sequence[Case]) -> None:
    """Refuse to score patients that noise was to hide when a model was trained on them.

    Whoever asks chooses the shares of the splits, so a training patient of one request can be a holdout patient of the
    next.

    Args:
        site: its policy and its record of participation.
        cases: about to be scored, as validation or holdout.

    Raises:
        FederationError: the site demands record-level privacy, and some of them have been trained on.
        DataError: the record was changed, or the key of its names is gone.
    """
    lines = participation(site.state) if site.privacy.epsilon is not None else ()
    trained = {
        case
        for line in lines
        if line["kind"] == TRAINED and line["stage"] in GRADIENT_STAGES
        for case in line["cases"]["train"]
    }
    if trained and trained & recorded_names(site.state, (case.case_id for case in cases)):
        raise FederationError(
            "policy: found training patients of an earlier round among those to be scored; expected others: this site "
            "has record-level privacy, and such scores would bypass it; keep data.holdout_share and "
            "data.validation_share as they were"
        )


def without_training_metrics(site: Site, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """A stage's and the signals' metrics as they may leave: with record-level privacy, those of training are emptied.

    Every name counts as one about training cases unless it is known not to be.
    """
    if site.privacy.epsilon is None:
        return dict(metrics)
    return {
        key: metric if key.startswith(OF_VALIDATION) else Sum(0.0, 0) if isinstance(metric, Sum) else (0,) * len(metric)
        for key, metric in metrics.items()
    }


def _steps_left(plan: RoundPlan, config: Config) -> int:
    """Noisy steps of this round and of those after it, by the configuration; what comes beyond is refused in time."""
    later = [slot for slot in schedule(config) if slot.round > plan.round and slot.stage in GRADIENT_STAGES]
    return plan.local_steps + sum(slot.local_steps for slot in later)
