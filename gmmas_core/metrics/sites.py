"""Hospitals side by side: one number per site and which of them is served worst.

A federation that is good on average can fail one hospital; the worst site belongs beside every pooled number.
"""

from collections.abc import Mapping

from gmmas_core.metrics import calibration_error, ranking
from gmmas_core.metrics.merging import reliability_table, sum_of
from gmmas_core.metrics.summary import counts_of, mean
from gmmas_core.types import Metric, Task

_LOWER_IS_BETTER = ("hd95-mm", "lesion-hd95-mm", "brier", "nll", "ece")


def value_of(metrics: Mapping[str, Metric], name: str) -> float | None:
    """One number out of merged metrics.

    Args:
        metrics: from `merge`, `add` or `pool`.
        name: any Sum's key, e.g. "dice.wt" or "brier.idh", or "auroc.<task>", "auprc.<task>", "ece.<task>".

    Returns:
        None where there was nothing to score.

    Raises:
        FederationError: the metrics hold nothing of that name.
    """
    measure, _, rest = name.partition(".")
    if measure == "auroc":
        return ranking.auroc(*counts_of(metrics, f"score.{rest}"))
    if measure == "auprc":
        return ranking.auprc(*counts_of(metrics, f"score.{rest}"))
    if measure == "ece":
        return calibration_error.ece(reliability_table(metrics, Task(rest)))
    return mean(sum_of(metrics, name))


def worst_site(sites: Mapping[str, Mapping[str, Metric]], name: str) -> tuple[str, float] | None:
    """The site with the worst value, be that the lowest (Dice, AUROC, ...) or the highest (HD95, Brier, NLL, ECE).

    Args:
        sites: merged metrics by name of the site.
        name: as for `value_of`.

    Returns:
        Its name and value; the first in alphabetical order of equals; None when no site has the number.
    """
    sign = -1 if name.partition(".")[0] in _LOWER_IS_BETTER else 1
    known = [(sign * value, site) for site in sites if (value := value_of(sites[site], name)) is not None]
    if not known:
        return None
    signed, site = min(known)
    return site, sign * signed
