"""The gate for a round of training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from client.egress.floor import floor_in_cases, without_small_parts
from client.egress.names import Tasks, require_known, update_names
from client.egress.speech import told_counts
from client.site import Site
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import Case, DataError, SiteUpdate
from gmmas_core.update_encoding import Encoded


def gate_update(
    update: SiteUpdate,
    encoded: Encoded,
    site: Site,
    allowed: Mapping[str, tuple[int, ...]],
    tasks: Tasks,
    train: Sequence[Case],
    validation: Sequence[Case],
) -> SiteUpdate:
    """The update as it may leave.

    Args:
        update: what local training made.
        encoded: its parameters as they travel.
        site: its policy.
        allowed: parameter name -> shape of the model this site built.
        tasks: of the run.
        train, validation: cases that the update and its metrics are about.

    Raises:
        DataError: fewer training cases than the cohort floor, a parameter that is not the model's, a value that is not
            finite, or a name of a group, task or metric that this release does not know.
    """
    require_cohort(update.num_cases, site)
    require_known(update.metrics, update_names(tasks))
    if set(update.seen) - set(GROUPS(tasks)) or set(update.uncertainty) - {SEGMENTATION, *tasks}:
        raise DataError("policy: found counts of unknown groups; expected those of the model; nothing was sent")
    for arrays in (update.weights, encoded.arrays):
        if {name: value.shape for name, value in arrays.items()} != dict(allowed):
            raise DataError("policy: found parameters that are not the model's; expected exactly its names and shapes")
    arrays_finite = all(np.isfinite(value).all() for value in (*update.weights.values(), *encoded.arrays.values()))
    if not (arrays_finite and all(map(math.isfinite, update.uncertainty.values()))):
        raise DataError("training: found non-finite weights; expected finite ones; nothing was sent")
    of_train, of_validation = (floor_in_cases(cases, site.cohort_floor) for cases in (train, validation))
    return replace(
        update,
        seen=told_counts(update.seen, of_train),
        metrics=without_small_parts(update.metrics, tasks, max(of_train, of_validation)),
    )


def require_cohort(num_cases: int, site: Site) -> None:
    """Refuse a round about too few cases; asked before training, and again by the gate.

    Args:
        num_cases: training cases of the site, whatever the stage reads: they are what an update is about.
        site: its cohort floor.

    Raises:
        DataError: fewer than the floor.
    """
    if num_cases < site.cohort_floor:
        raise DataError(
            f"policy: found fewer training cases than the cohort floor; expected at least {site.cohort_floor}"
        )
