"""Merged metrics in the words and numbers that a report shows; nothing here needs a case.

Every number stands beside its n; None where there was nothing to score. Intervals are 95 %. Proportions have Wilson's
interval, Brier and NLL a normal one, the AUROC DeLong's, Dice, HD95 and AUPRC a bootstrap of the merged histograms;
all take one case per patient. `local_summary` has the same shape with exact values and intervals by patient.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gmmas_core.metrics import bootstrap, calibration_error, ranking, score_histogram
from gmmas_core.metrics.merging import REGION_MEASURES, histogram_of, is_distance, reliability_table, sum_of
from gmmas_core.types import REGIONS, Metric, Sum, Task

Summary = dict[str, Any]
"""JSON-able: dicts, lists, strings, numbers and None."""

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
        `{"value", "interval"}`.

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
    return entry


def _task(metrics: Mapping[str, Metric], task: Task, resamples: int, rng: np.random.Generator) -> Summary:
    counts = counts_of(metrics, f"score.{task}")
    entry: Summary = {
        "n": int(sum(part.sum() for part in counts)),
        "positives": int(counts[0].sum()),
        "negatives": int(counts[1].sum()),
        "not_assessable": round(sum_of(metrics, f"not-assessable.{task}").total),
        "abstained": round(sum_of(metrics, f"abstained.{task}").total),
        "auroc": _score(ranking.auroc(*counts), ranking.auroc_interval(*counts)),
        "auprc": _score(ranking.auprc(*counts), bootstrap.of_auprc(*counts, resamples, rng)),
    }
    for name in ("accuracy", "sensitivity", "specificity"):
        share = sum_of(metrics, f"{name}.{task}")
        entry[name] = _score(mean(share), bootstrap.wilson(share))
    for name in ("brier", "nll"):
        values = sum_of(metrics, f"{name}.{task}")
        entry[name] = _score(mean(values), bootstrap.normal(values, sum_of(metrics, f"{name}-squared.{task}")))
    entry |= _calibration(metrics, task)
    if task is Task.IDH:
        entry["age_only"] = _age_only(metrics)
    return entry


def _calibration(metrics: Mapping[str, Metric], task: Task) -> Summary:
    """The ECE in its two usual binnings, and the bins themselves for a reliability diagram."""
    table = reliability_table(metrics, task)
    bins = zip(table.count_R.tolist(), table.probability_R.tolist(), table.positives_R.tolist())
    return {
        "ece": {**_ece(table, calibration_error.BINNING), "interval": None},
        "ece_confidence": _ece(table.confidence(), calibration_error.CONFIDENCE_BINNING),
        "reliability": [
            {
                "from": place / calibration_error.RELIABILITY_BINS,
                "to": (place + 1) / calibration_error.RELIABILITY_BINS,
                "n": count,
                "mean_probability": said / count if count else None,
                "observed_share": positives / count if count else None,
            }
            for place, (count, said, positives) in enumerate(bins)
        ],
    }


def _ece(table: calibration_error.Reliability, binning: str) -> Summary:
    return {
        "value": calibration_error.ece(table),
        "if_calibrated": calibration_error.ece_if_calibrated(table),
        "debiased": calibration_error.ece_debiased(table),
        "binning": binning,
    }


def _age_only(metrics: Mapping[str, Metric]) -> Summary:
    """How far "the younger, the likelier mutant" gets on its own; whole years, ties one half."""
    mutant, wildtype = (part[::-1] for part in counts_of(metrics, "age.idh"))
    return {
        "n": int(mutant.sum() + wildtype.sum()),
        "auroc": _score(ranking.auroc(mutant, wildtype), ranking.auroc_interval(mutant, wildtype)),
    }


def counts_of(metrics: Mapping[str, Metric], prefix: str) -> tuple[ranking.Counts, ranking.Counts]:
    """Counts per level of the positives and the negatives under a prefix."""
    positive, negative = (histogram_of(metrics, f"{prefix}.{name}") for name in ("positive", "negative"))
    return np.array(positive, dtype=np.int64), np.array(negative, dtype=np.int64)


def mean(values: Sum) -> float | None:
    """Total over count; None, not NaN, when nothing was counted."""
    return values.mean if values.count else None


def as_list(interval: ranking.Interval | None) -> list[float] | None:
    """An interval as JSON has it."""
    return None if interval is None else list(interval)


def _score(value: float | None, interval: ranking.Interval | None) -> Summary:
    return {"value": value, "interval": as_list(interval)}
