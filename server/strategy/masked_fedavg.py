"""Federated averaging in which a site speaks only for what it has seen."""

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import SiteUpdate

_UNCERTAINTY = "uncertainty."


def masked_fedavg(update: SiteUpdate) -> dict[str, int]:
    """Weight of a site per parameter group: the number of its training cases that inform the group.

        theta_g = sum_i n_ig theta_ig / sum_i n_ig,      n_ig = cases of site i seen by group g

    A site without T2 is silent for `stem.t2`, one without 1p/19q labels for `head.codel_1p19q`. A task's learned
    log-variance is averaged by the cases that carry that task's label (masks, for segmentation), i.e. the variances by
    their weighted geometric mean; a site without such labels would only bring its untouched starting value.

    Args:
        update: screened; `seen` holds every group.

    Returns:
        Group -> weight, for every group in `seen`.

    Source: McMahan et al. 2017 (arXiv 1602.05629), eq. 1, with masks per sequence as in FedMEMA (arXiv 2403.11803);
    log-variances: Kendall et al. 2018 (arXiv 1705.07115).
    """
    return {group: update.seen[_informed_by(group)] for group in update.seen}


def _informed_by(group: str) -> str:
    if not group.startswith(_UNCERTAINTY):
        return group
    name = group.removeprefix(_UNCERTAINTY)
    return "decoder" if name == SEGMENTATION else f"head.{name}"
