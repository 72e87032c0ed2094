"""The last gate before the wire: what is not on the list does not leave, and what leaves is written down.

The list is the core's own: parameter names, parameter groups and metric names of the model that this site built itself.
Metrics over fewer cases than the site's cohort floor are emptied, keys kept, so that every reply looks alike.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from client.site import Site
from gmmas_core.types import DataError, Metric, SiteScores, SiteUpdate, Sum
from gmmas_core.update_encoding import Encoded


def gate_update(update: SiteUpdate, encoded: Encoded, site: Site, allowed: Mapping[str, tuple[int, ...]]) -> SiteUpdate:
    """The update as it may leave.

    Args:
        update: what local training made.
        encoded: its parameters as they travel.
        site: its policy.
        allowed: parameter name -> shape of the model this site built.

    Raises:
        DataError: fewer training cases than the cohort floor, or a parameter that is not the model's.
    """
    require_cohort(update.num_cases, site)
    for arrays in (update.weights, encoded.arrays):
        if {name: value.shape for name, value in arrays.items()} != dict(allowed):
            raise DataError("policy: found parameters that are not the model's; expected exactly its names and shapes")
    if not all(np.isfinite(value).all() for value in (*update.weights.values(), *encoded.arrays.values())):
        raise DataError("training: found non-finite weights; expected finite ones; nothing was sent")
    gated = replace(update, metrics=above_floor(update.metrics, site.cohort_floor))
    _record(site.state, f"round {update.round}", encoded.nbytes, gated.metrics)
    return gated


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
            f"policy: found {num_cases} training cases; expected at least the cohort floor, {site.cohort_floor}"
        )


def gate_scores(scores: SiteScores, site: Site) -> SiteScores:
    """The scores as they may leave."""
    gated = replace(scores, metrics=above_floor(scores.metrics, site.cohort_floor))
    _record(site.state, f"evaluation {scores.split}", 0, gated.metrics)
    return gated


def above_floor(metrics: Mapping[str, Metric], floor: int) -> dict[str, Metric]:
    """Metrics over at least `floor` cases; the others emptied, every key kept."""
    kept: dict[str, Metric] = {}
    for key, metric in metrics.items():
        count = metric.count if isinstance(metric, Sum) else sum(metric)
        if count >= floor or count == 0:
            kept[key] = metric
        else:
            kept[key] = Sum(0.0, 0) if isinstance(metric, Sum) else (0,) * len(metric)
    return kept


def _record(state: Path, what: str, weight_bytes: int, metrics: Mapping[str, Metric]) -> None:
    """One line per departure in the site's own log: when, what, how large, and a hash of the numbers."""
    numbers = json.dumps({key: repr(value) for key, value in sorted(metrics.items())})
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "what": what,
        "weight_bytes": weight_bytes,
        "metrics": len(metrics),
        "metrics_sha256": hashlib.sha256(numbers.encode()).hexdigest(),
    }
    state.mkdir(parents=True, exist_ok=True)
    with (state / "egress.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
