"""How much a site has seen of each parameter group, and what it measured: what every strategy weighs by.

Shared by the coordinator, who weighs what it received, and by a site in a secure sum, which weighs itself.
"""

import math
from collections.abc import Mapping

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import Metric, Sum

LARGEST = 1e12
"""Nothing that a site measures for a strategy comes near; keeps every ratio finite."""

ROUNDING = 1e-6
"""A mutual information is a difference of entropies and may come out so little below zero."""

EPSILON = 1e-4  # nats; a site that measures no noise at all is not infinitely good

_UNCERTAINTY = "uncertainty."


def own_group(task: str) -> str:
    """The group that only this task trains; `task` may be "segmentation"."""
    return "decoder" if task == SEGMENTATION else f"head.{task}"


def task_of(group: str) -> str | None:
    """The task whose own group this is, or None."""
    if group == "decoder":
        return SEGMENTATION
    return group.removeprefix("head.") if group.startswith("head.") else None


def log_variance_of(group: str) -> str | None:
    """The task whose learned log-variance this group is, or None."""
    return group.removeprefix(_UNCERTAINTY) if group.startswith(_UNCERTAINTY) else None


def plain_share(seen: Mapping[str, int]) -> dict[str, int]:
    """Group -> cases that inform it, for every group in `seen`; what any strategy starts from."""
    return {group: min(count, seen[_informed_by(group)]) for group, count in seen.items()}


def _informed_by(group: str) -> str:
    task = log_variance_of(group)
    return group if task is None else own_group(task)


def measured(metrics: Mapping[str, Metric], name: str) -> float | None:
    """Mean of `signal.<name>`; None where it was not measured or the claim cannot be one (NaN, negative)."""
    metric = metrics.get(f"signal.{name}")
    if not isinstance(metric, Sum) or metric.count <= 0:
        return None
    is_possible = math.isfinite(metric.mean) and -ROUNDING <= metric.mean <= LARGEST
    return max(0.0, metric.mean) if is_possible else None


def doubt_ratio(metrics: Mapping[str, Metric], task: str) -> float | None:
    """Epistemic over aleatoric uncertainty of a task, see `uncertainty_weighted`; None where either is unknown."""
    epistemic, aleatoric = measured(metrics, f"epistemic.{task}"), measured(metrics, f"aleatoric.{task}")
    return None if epistemic is None or aleatoric is None else (epistemic + EPSILON) / (aleatoric + EPSILON)
