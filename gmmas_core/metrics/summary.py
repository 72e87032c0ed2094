"""Merged metrics in the words and numbers that a report shows; nothing here needs a case.

Every number stands beside its n; None where there was nothing to score. Intervals are 95 %. Proportions have Wilson's
interval, Brier and NLL a normal one, the AUROC DeLong's, Dice, HD95 and AUPRC a bootstrap of the merged histograms;
all take one case per patient. `local_summary` has the same shape with exact values and intervals by patient.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from gmmas_core.metrics import bootstrap, ranking, score_histogram, trust_summary
from gmmas_core.metrics.entries import Summary, as_list, as_score
from gmmas_core.metrics.levels import Levels, binned_levels
from gmmas_core.metrics.merging import (
    REGION_MEASURES,
    doubt_sums,
    histogram_of,
    is_distance,
    reliability_table,
    sum_of,
)
from gmmas_core.metrics.selective import by_score
from gmmas_core.types import REGIONS, Metric, Sum, Task

RESAMPLES = 1000
_QUARTILES = (0.25, 0.5, 0.75)


def summarise(
    metrics: Mapping[str, Metric], tasks: Sequence[Task], *, resamples: int = RESAMPLES, seed: int = 0
) -> Summary:
    """Numbers for people from merged metrics of one site or of many.

    Args:
        metrics: from `merge`, `add` or `pool` with the same tasks.
        tasks: the image-level questions.
        resamples: bootstrap draws.
        seed: of these draws.

    Returns:
        `{"cases": {"n", "reference_masks"}, "intervals", "segmentation": {region: {"n", "not_assessable", "dice",
        "hd95_mm", "lesion_dice", "lesion_hd95_mm"}}, "classification": {task: {"n", "positives", "negatives",
        ...}}}`; each measure of a region is `{"mean", "sd", "quartiles", "interval"}`, each score of a task
        `{"value", "interval"}`; "selective" of a region is empty here and filled by `local_summary`. A task's
        "withheld" counts the cases whose scores a site kept back because too few were of their class; its "n" does not
        count them, and what they would shift (equal-mass ECE, slope, risk, decisions) is None then.

    Raises:
        FederationError: a key of these tasks is missing.
    """
    rng = np.random.default_rng(seed)
    masks = sum_of(metrics, "reference-masks")
    return {
        "cases": {"n": masks.count, "reference_masks": round(masks.total)},
        "intervals": "95 %, from merged counts, one case per patient",
        "segmentation": {region: _region(metrics, region, resamples, rng) for region in REGIONS},
        "classification": {task.value: _task(metrics, task, resamples, rng) for task in tasks},
    }


def _region(metrics: Mapping[str, Metric], region: str, resamples: int, rng: np.random.Generator) -> Summary:
    entry: Summary = {
        "n": sum_of(metrics, f"dice.{region}").count,
        "not_assessable": round(sum_of(metrics, f"not-assessable.{region}").total),
    }
    for measure, field in REGION_MEASURES.items():
        values = sum_of(metrics, f"{measure}.{region}")
        histogram = histogram_of(metrics, f"{measure}-histogram.{region}")
        centres = score_histogram.distance_centres_mm() if is_distance(measure) else score_histogram.dice_centres()
        entry[field] = {
            "mean": mean(values),
            "sd": bootstrap.standard_deviation(values, sum_of(metrics, f"{measure}-squared.{region}")),
            "quartiles": score_histogram.quantiles(histogram, centres, _QUARTILES),
            "interval": as_list(bootstrap.of_mean(values, histogram, centres, resamples, rng)),
        }
    # Which uncertainty belongs to which Dice is known at the site alone.
    entry["selective"] = {"n": 0, **trust_summary.of_ranking(by_score(np.array([]), np.array([])))}
    return entry


def _task(metrics: Mapping[str, Metric], task: Task, resamples: int, rng: np.random.Generator) -> Summary:
    counts = counts_of(metrics, f"score.{task}")
    num_cases = int(sum(part.sum() for part in counts))
    withheld = sum_of(metrics, f"brier.{task}").count - num_cases
    entry: Summary = {
        "n": num_cases,
        "withheld": withheld,
        "positives": int(counts[0].sum()),
        "negatives": int(counts[1].sum()),
        "not_assessable": round(sum_of(metrics, f"not-assessable.{task}").total),
        "abstained": round(sum_of(metrics, f"abstained.{task}").total),
        "auroc": as_score(ranking.auroc(*counts), ranking.auroc_interval(*counts)),
        "auprc": as_score(ranking.auprc(*counts), bootstrap.of_auprc(*counts, resamples, rng)),
    }
    for name in ("accuracy", "sensitivity", "specificity"):
        share = sum_of(metrics, f"{name}.{task}")
        entry[name] = as_score(mean(share), bootstrap.wilson(share))
    for name in ("brier", "nll"):
        values = sum_of(metrics, f"{name}.{task}")
        entry[name] = as_score(mean(values), bootstrap.normal(values, sum_of(metrics, f"{name}-squared.{task}")))
    entry |= trust_summary.of_bins(reliability_table(metrics, task))
    entry |= trust_summary.of_levels(_whole_levels(*counts, withheld))
    entry["by_epistemic"] = trust_summary.of_doubt(doubt_sums(metrics, task))
    if task is Task.IDH:
        entry["age_only"] = _age_only(metrics)
    return entry


def _whole_levels(positive: ranking.Counts, negative: ranking.Counts, withheld: int) -> Levels:
    """Levels of the merged histograms, or none at all when one class of a site is missing from them.

    A ranking bears the absence of some positives; a calibration, a risk or a net benefit is shifted by it.
    """
    nobody = np.zeros_like(positive)
    return binned_levels(nobody, nobody) if withheld else binned_levels(positive, negative)


def _age_only(metrics: Mapping[str, Metric]) -> Summary:
    """How far "the younger, the likelier mutant" gets on its own; whole years, ties one half."""
    mutant, wildtype = (part[::-1] for part in counts_of(metrics, "age.idh"))
    return {
        "n": int(mutant.sum() + wildtype.sum()),
        "auroc": as_score(ranking.auroc(mutant, wildtype), ranking.auroc_interval(mutant, wildtype)),
    }


def counts_of(metrics: Mapping[str, Metric], prefix: str) -> tuple[ranking.Counts, ranking.Counts]:
    """Counts per level of the positives and the negatives under a prefix."""
    positive, negative = (histogram_of(metrics, f"{prefix}.{name}") for name in ("positive", "negative"))
    return np.array(positive, dtype=np.int64), np.array(negative, dtype=np.int64)


def mean(values: Sum) -> float | None:
    """Total over count; None, not NaN, when nothing was counted."""
    return values.mean if values.count else None
