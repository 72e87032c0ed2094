"""Is this update fit to be counted, and if not, why. An unfit one costs its own site the round and nobody else.

Everything in an update was written by another organisation. Names are shown only after scrubbing, values never.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import FederationError, RoundPlan, SiteUpdate, Sum
from server.aggregation import bound_of, is_within

SHOWN = 3  # names listed in a reason
MAX_NAME = 48  # characters of a name


class Rejected(FederationError):
    """The update is not counted; the message is the reason, short and free of values."""


def screen(
    update: SiteUpdate,
    reference: Mapping[str, NDArray[np.float32]],
    plan: RoundPlan,
    *,
    fingerprint: str,
    sites_known: Collection[str],
    max_weight: int,
) -> None:
    """Check everything the aggregation relies on.

    Args:
        update: as decoded from the wire.
        reference: the weights that the sites were sent.
        plan: of the round being collected.
        fingerprint: the coordinator's own core fingerprint.
        sites_known: names that may answer.
        max_weight: most training cases this site can have.

    Raises:
        Rejected: the first kind of fault found, with the names concerned.
    """
    if update.site not in sites_known:
        raise Rejected(f"site {_scrub(update.site)}: not expected in this round; expected a site that was asked")
    if update.run_id != plan.run_id or update.round != plan.round:
        raise Rejected(f"found a reply to another run or round; expected round {plan.round} of this run")
    if update.core_fingerprint != fingerprint:
        raise Rejected("found another core fingerprint; expected the coordinator's; install the same release")
    _check_counts(update, plan, max_weight)
    _check_numbers(update, plan)
    _check_arrays(update.weights, reference)
    _check_values(update.weights, reference)


def _check_counts(update: SiteUpdate, plan: RoundPlan, max_weight: int) -> None:
    _check_names("seen", update.seen, GROUPS(plan.tasks))
    if not _is_count(update.num_cases) or update.num_cases > max_weight:
        raise Rejected(f"num_cases: found an unfit count; expected a whole number from 0 to {max_weight}")
    unfit = [group for group, count in update.seen.items() if not _is_count(count) or count > update.num_cases]
    if unfit:
        raise Rejected(f"seen: found unfit counts for {_listed(unfit)}; expected whole numbers from 0 to num_cases")


def _check_numbers(update: SiteUpdate, plan: RoundPlan) -> None:
    _check_names("uncertainty", update.uncertainty, (SEGMENTATION, *(task.value for task in plan.tasks)))
    unfit = [name for name, value in update.uncertainty.items() if not _is_finite(value)]
    if unfit:
        raise Rejected(f"uncertainty: found unfit values for {_listed(unfit)}; expected finite numbers")
    if not _is_finite(update.duration_s) or update.duration_s < 0:
        raise Rejected("duration_s: found an unfit value; expected a finite number >= 0")
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


def _check_values(weights: Mapping[str, NDArray[np.float32]], reference: Mapping[str, NDArray[np.float32]]) -> None:
    unfit = [name for name, sent in reference.items() if not is_within(weights[name], bound_of(name, sent))]
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
