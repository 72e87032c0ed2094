"""The gate for a round of training."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from client.egress.floor import above_floor
from client.site import Site
from gmmas_core.types import DataError, SiteUpdate
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
    return replace(update, metrics=above_floor(update.metrics, site.cohort_floor))


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
