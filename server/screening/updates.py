"""Is this update fit to be counted, and if not, why. An unfit one costs its own site the round and nobody else.

Everything in an update was written by another organisation. Names are shown only after scrubbing, values never.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import ScreeningConfig
from gmmas_core.fixed_point import is_within
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import SEQUENCES, FederationError, RoundPlan, SiteStatus, SiteUpdate, Sum, Task
from server.screening.signal_bounds import unfit_signals

SHOWN = 3  # names listed in a reason
MAX_NAME = 48  # characters of a name
MAX_CASES = 10**6  # of one hospital; also keeps sums of weights far from what integers can hold

SPLITS = ("train", "validation", "holdout")
WITH_PSEUDO_LABELS = ("semi_supervised", "distill", "contrast", "finetune")
"""Stages that may train on pseudo-labels: there a case without a mask or label may inform a decoder or head."""


class Rejected(FederationError):
    """The update is not counted; the message is the reason, short and free of values."""


def screen(
    update: SiteUpdate,
    reference: Mapping[str, NDArray[np.float32]],
    plan: RoundPlan,
    *,
    bounds: Mapping[str, float],
    fingerprint: str,
    enlisted: SiteStatus,
    config: ScreeningConfig,
) -> None:
    """Check everything the aggregation relies on.

    Args:
        update: as decoded from the wire.
        reference: the weights that the sites were sent.
        plan: of the round being collected.
        bounds: parameter -> largest magnitude of a value, `fixed_point.bound_of` what was sent.
        fingerprint: the coordinator's own core fingerprint.
        enlisted: what the site said of itself when it joined, after `screen_status`; bounds what it can have seen.
        config: of the screening.

    Raises:
        Rejected: the first kind of fault found, with the names concerned.
    """
    if update.site != enlisted.site:
        raise Rejected(f"site {_scrub(update.site)}: not the site that was asked; expected the name it joined with")
    if update.run_id != plan.run_id or update.round != plan.round:
        raise Rejected(f"found a reply to another run or round; expected round {plan.round} of this run")
    if update.core_fingerprint != fingerprint:
        raise Rejected("found another core fingerprint; expected the coordinator's; install the same release")
    _check_counts(update, plan, enlisted)
    _check_numbers(update, plan, config)
    _check_metrics(update, plan, enlisted)
    _check_arrays(update.weights, reference)
    _check_values(update.weights, bounds)


def screen_status(status: SiteStatus, tasks: Sequence[Task]) -> None:
    """Check the counts a site joins with: they bound everything it may claim later.

    Args:
        status: as decoded from the wire.
        tasks: trained in this run.

    Raises:
        Rejected: missing or unknown names, a count that is no whole number from 0 to MAX_CASES, or more sequences or
            labels than training cases.
    """
    _check_names("cases", status.num_cases, SPLITS)
    _check_names("sequences", status.num_sequences, SEQUENCES)
    _check_names("labels", status.num_labels, (SEGMENTATION, *(task.value for task in tasks)))
    train = status.num_cases["train"]
    unfit = [f"cases.{name}" for name, count in status.num_cases.items() if not _is_count(count) or count > MAX_CASES]
    if not unfit:
        counts = {f"sequences.{name}": count for name, count in status.num_sequences.items()}
        counts |= {f"labels.{name}": count for name, count in status.num_labels.items()}
        unfit = [name for name, count in counts.items() if not _is_count(count) or count > train]
    if unfit:
        raise Rejected(
            f"status: found unfit counts for {_listed(unfit)}; expected at most {MAX_CASES} cases, and no more "
            "sequences or labels than training cases"
        )


def _check_counts(update: SiteUpdate, plan: RoundPlan, enlisted: SiteStatus) -> None:
    groups = GROUPS(plan.tasks)
    _check_names("seen", update.seen, groups)
    most = enlisted.num_cases["train"]
    if not _is_count(update.num_cases) or update.num_cases > most:
        raise Rejected("num_cases: found an unfit count; expected a whole number from 0 to what it joined with")
    unfit = [group for group in groups if not _is_count(update.seen[group]) or update.seen[group] > update.num_cases]
    if unfit:
        raise Rejected(f"seen: found unfit counts for {_listed(unfit)}; expected whole numbers from 0 to num_cases")
    unfit = [group for group in groups if update.seen[group] > most_seen(group, plan.stage, enlisted)]
    if unfit:
        raise Rejected(
            f"seen: found more cases for {_listed(unfit)} than have that sequence or label; expected at most the "
            "counts it joined with"
        )


def most_seen(group: str, stage: str, enlisted: SiteStatus) -> int:
    """Most training cases of a site that can inform a group in a stage."""
    kind, _, name = group.rpartition(".")
    if kind in ("stem", "global.stem"):
        return enlisted.num_sequences[name]
    if stage not in WITH_PSEUDO_LABELS:
        if kind in ("head", "uncertainty"):
            return enlisted.num_labels[name]
        if group == "decoder":
            return enlisted.num_labels[SEGMENTATION]
    return enlisted.num_cases["train"]


def _check_numbers(update: SiteUpdate, plan: RoundPlan, config: ScreeningConfig) -> None:
    _check_names("uncertainty", update.uncertainty, (SEGMENTATION, *(task.value for task in plan.tasks)))
    most = config.max_log_variance
    unfit = [name for name, value in update.uncertainty.items() if not _is_finite(value) or abs(value) > most]
    if unfit:
        raise Rejected(f"uncertainty: found unfit values for {_listed(unfit)}; expected at most {most:g} in magnitude")
    if not _is_finite(update.duration_s) or update.duration_s < 0:
        raise Rejected("duration_s: found an unfit value; expected a finite number >= 0")


def _check_metrics(update: SiteUpdate, plan: RoundPlan, enlisted: SiteStatus) -> None:
    unfit = [
        name
        for name, metric in update.metrics.items()
        if not (
            _is_finite(metric.total) and _is_count(metric.count)
            if isinstance(metric, Sum)
            else all(_is_count(count) for count in metric)
        )
    ]
    if unfit:
        raise Rejected(f"metrics: found unfit numbers for {_listed(unfit)}; expected finite sums and counts >= 0")
    unfit = unfit_signals(update.metrics, plan, enlisted)
    if unfit:
        raise Rejected(
            f"metrics: found impossible values for {_listed(unfit)}; expected what its cases and steps can give"
        )


def _check_arrays(weights: Mapping[str, NDArray[np.float32]], reference: Mapping[str, NDArray[np.float32]]) -> None:
    _check_names("weights", weights, reference)
    wrong = [
        name
        for name, expected in reference.items()
        if not isinstance(weights[name], np.ndarray)
        or weights[name].dtype != expected.dtype
        or weights[name].shape != expected.shape
    ]
    if wrong:
        raise Rejected(f"weights: found another shape or dtype for {_listed(wrong)}; expected those sent")


def _check_values(weights: Mapping[str, NDArray[np.float32]], bounds: Mapping[str, float]) -> None:
    unfit = [name for name, bound in bounds.items() if not is_within(weights[name], bound)]
    if not unfit:
        return
    groups = _listed(sorted({group_of(name) for name in unfit}))
    if any(not np.isfinite(weights[name]).all() for name in unfit):
        raise Rejected(f"weights: found NaN or infinity in {groups}; expected finite values; its training diverged")
    raise Rejected(f"weights: found values beyond the bound of this round in {groups}; its training diverged")


def _check_names(where: str, found: Mapping[str, object], expected: Iterable[str]) -> None:
    missing = sorted(set(expected) - set(found))
    unknown = sorted(str(name) for name in set(found) - set(expected))
    if missing or unknown:
        parts = [f"missing {_listed(missing)}"] * bool(missing) + [f"unknown {_listed(unknown)}"] * bool(unknown)
        raise Rejected(f"{where}: found {' and '.join(parts)}; expected the names of this round")


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 0


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool) and math.isfinite(value)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(_scrub(name) for name in names[:SHOWN]) + more


def _scrub(name: object) -> str:
    """A foreign name as plain ASCII of bounded length, fit for a log, a terminal and a page."""
    return re.sub(r"[^A-Za-z0-9._-]", "?", str(name))[:MAX_NAME]
