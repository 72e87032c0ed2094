"""What a site measured for a strategy can be at all: the bounds of every `signal.*` metric.

A strategy caps what a site claims against the other sites' claims; a claim that no honest measurement could give is not
capped but left out with the update, because its site computes something else than it was asked to.
"""

import math
from collections.abc import Mapping

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import NUM_SEG_CLASSES, Metric, RoundPlan, SiteStatus, Sum

PREFIX = "signal."
SLACK = 1e-6  # nats or counts per case that rounding may add

MAX_LOSS = 2.0  # per case: 1 - Dice and a Brier score

MAX_ENTROPY = math.log(NUM_SEG_CLASSES)
"""Nats: no entropy over the classes of a voxel, or over the two of an image-level task, is larger."""


def unfit_signals(metrics: Mapping[str, Metric], plan: RoundPlan, enlisted: SiteStatus) -> list[str]:
    """Names of the signals that no honest measurement could give, or that nobody asked for.

    Counts of cases are bounded by the cases the site enrolled with, counts of steps by the plan's; entropies lie in
    [0, count ln 4], losses in [0, 2 count], summed confidences in [0, count]; variances are not negative.

    Args:
        metrics: all of an update's; only those under "signal." are looked at. Numbers are finite, counts >= 0.
        plan: of the round.
        enlisted: what the site had when the run began.
    """
    return [
        name
        for name, metric in metrics.items()
        if name.startswith(PREFIX) and not _is_possible(name.removeprefix(PREFIX), metric, plan, enlisted)
    ]


def _is_possible(signal: str, metric: Metric, plan: RoundPlan, enlisted: SiteStatus) -> bool:
    kind, _, subject = signal.partition(".")
    questions = (SEGMENTATION, *(task.value for task in plan.tasks))
    train, validation = (enlisted.num_cases[split] for split in ("train", "validation"))
    if not isinstance(metric, Sum):
        return False
    if kind in ("epistemic", "aleatoric"):
        return subject in questions and metric.count <= validation and _is_between(metric, MAX_ENTROPY)
    if kind in ("loss_before", "loss_after"):
        return not subject and metric.count <= validation and _is_between(metric, MAX_LOSS)
    if kind == "gradient_variance":
        return subject in GROUPS(plan.tasks) and metric.count <= plan.local_steps and metric.total >= 0
    if kind == "pseudo_labels":
        return subject in questions and metric.count <= train and _is_between(metric, 1.0)
    if kind == "pseudo_labels_known":
        return subject in questions and metric.total == metric.count <= enlisted.num_labels[subject]
    return False


def _is_between(metric: Sum, most: float) -> bool:
    """Whether the total lies in [0, most per counted case], up to rounding."""
    slack = SLACK * metric.count
    return -slack <= metric.total <= most * metric.count + slack
