"""From the scores of a site's cases to sums and histograms that add up across sites.

The keys depend on the tasks alone, never on what a site has: a site without masks or labels sends zeros. Merging the
parts of a cohort in any order gives the sums of the whole (histograms exactly, sums to rounding).

Keys, <r> a region, <t> a task, all in kebab-case with a dot before the variable part:
    cases, reference-masks                                Sum(cases that have it, cases)
    not-assessable.<r|t>, abstained.<t>                   Sum(cases of which it holds, cases)
    dice.<r>, hd95-mm.<r>, lesion-dice.<r>, lesion-hd95-mm.<r>   Sum over scored cases;
        with -squared (Sum of squares) and -histogram (bins of `score_histogram`)
    score.<t>.positive, score.<t>.negative                Histogram of P(class 1) by true class
    accuracy.<t>, sensitivity.<t>, specificity.<t>        Sum(right, cases of that kind)
    brier.<t>, nll.<t>, each with -squared                Sum
    reliability.<t>.<0..9>                                Sum(predicted probabilities, cases) of one bin
    reliability-positives.<t>.<0..9>                      Sum(cases of class 1, cases) of the same bin
    doubt.<t>.<0..9>                                      Sum(confidences, cases) per bin of mutual information
    doubt-right.<t>.<0..9>                                Sum(cases whose class was right, cases) of the same bin
    age.idh.positive, age.idh.negative                    Histogram of age by true IDH class, if IDH is a task

The two sums of one bin always have the same count, so that a site's cohort floor withholds both or neither: what came
true is never added without the cases it came true in.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import classification, score_histogram
from gmmas_core.metrics.calibration_error import RELIABILITY_BINS, Reliability, reliability
from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.metrics.doubt import DOUBT_BINS, DoubtTable, doubt_table
from gmmas_core.types import REGIONS, UNKNOWN, FederationError, Histogram, Metric, Sum, Task

REGION_MEASURES: Mapping[str, str] = {
    "dice": "dice",
    "hd95-mm": "hd95_mm",
    "lesion-dice": "lesion_dice",
    "lesion-hd95-mm": "lesion_hd95_mm",
}
"""Wire name of a measure -> field of RegionScore."""


def is_distance(measure: str) -> bool:
    """Whether a measure of REGION_MEASURES is in mm, lower being better."""
    return measure.endswith("-mm")


def merge(scores: Sequence[CaseScore], tasks: Sequence[Task]) -> dict[str, Metric]:
    """Sums and histograms over cases; `merge([], tasks)` is the zero of `add`."""
    num_cases = len(scores)
    metrics: dict[str, Metric] = {
        "cases": Sum(float(num_cases), num_cases),
        "reference-masks": Sum(float(sum(score.has_reference for score in scores)), num_cases),
    }
    for region in REGIONS:
        metrics |= _merge_region(scores, region)
    for task in tasks:
        metrics |= _merge_task(scores, task)
    for name in (*REGIONS, *(task.value for task in tasks)):
        metrics[f"not-assessable.{name}"] = Sum(float(sum(name in s.not_assessable for s in scores)), num_cases)
    if Task.IDH in tasks:
        for name, age in zip(("positive", "negative"), ages_by_idh(scores)):
            metrics[f"age.idh.{name}"] = score_histogram.age_histogram(age)
    return metrics


def _merge_region(scores: Sequence[CaseScore], region: str) -> dict[str, Metric]:
    scored = scored_regions(scores, region)
    metrics: dict[str, Metric] = {}
    for measure, attribute in REGION_MEASURES.items():
        values = np.array([getattr(score, attribute) for _, score in scored], dtype=np.float64)
        count = score_histogram.distance_histogram if is_distance(measure) else score_histogram.dice_histogram
        metrics[f"{measure}.{region}"] = _sum(values)
        metrics[f"{measure}-squared.{region}"] = _sum(values**2)
        metrics[f"{measure}-histogram.{region}"] = count(values)
    return metrics


def _merge_task(scores: Sequence[CaseScore], task: Task) -> dict[str, Metric]:
    known, prob, label = scored_labels(scores, task)
    right = classification.correct(prob, label)
    squared, nats = classification.squared_error(prob, label), classification.negative_log_likelihood(prob, label)
    table = reliability(prob, label)
    return {
        f"score.{task}.positive": score_histogram.score_histogram(prob[label == 1]),
        f"score.{task}.negative": score_histogram.score_histogram(prob[label == 0]),
        f"accuracy.{task}": _sum(right),
        f"sensitivity.{task}": _sum(right[label == 1]),
        f"specificity.{task}": _sum(right[label == 0]),
        f"brier.{task}": _sum(squared),
        f"brier-squared.{task}": _sum(squared**2),
        f"nll.{task}": _sum(nats),
        f"nll-squared.{task}": _sum(nats**2),
        **_per_bin(f"reliability.{task}", table.probability_R, table.count_R),
        **_per_bin(f"reliability-positives.{task}", table.positives_R, table.count_R),
        **_merge_doubt(known, prob, label, task),
        f"abstained.{task}": Sum(float(sum(task.value in score.abstained for score in scores)), len(scores)),
    }


def _merge_doubt(
    known: Sequence[CaseScore], prob: NDArray[np.float64], label: NDArray[np.int64], task: Task
) -> dict[str, Metric]:
    doubted = np.array([task in score.epistemic for score in known], dtype=np.bool_)
    information = np.array([score.epistemic[task] for score in known if task in score.epistemic], dtype=np.float64)
    table = doubt_table(information, prob[doubted], label[doubted])
    return {
        **_per_bin(f"doubt.{task}", table.confidence_D, table.count_D),
        **_per_bin(f"doubt-right.{task}", table.right_D, table.count_D),
    }


def _per_bin(prefix: str, total: NDArray[np.number], count: NDArray[np.int64]) -> dict[str, Metric]:
    """One sum per bin, "<prefix>.<place>"."""
    return {f"{prefix}.{place}": Sum(float(part), int(cases)) for place, (part, cases) in enumerate(zip(total, count))}


def scored_regions(scores: Sequence[CaseScore], region: str) -> list[tuple[CaseScore, RegionScore]]:
    """The cases in which a region was scored, with its scores."""
    found = ((score, score.regions[region]) for score in scores)
    return [(score, region_score) for score, region_score in found if region_score is not None]


def scored_labels(
    scores: Sequence[CaseScore], task: Task
) -> tuple[list[CaseScore], NDArray[np.float64], NDArray[np.int64]]:
    """The cases with a known label and a prediction, with P(class 1) (N,) and label (N,)."""
    known = [s for s in scores if s.label.get(task, UNKNOWN) != UNKNOWN and task in s.probability]
    prob = np.array([score.probability[task] for score in known], dtype=np.float64)
    return known, prob, np.array([score.label[task] for score in known], dtype=np.int64)


def ages_by_idh(scores: Sequence[CaseScore]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ages of the cases that the IDH score is computed on: mutant, wildtype."""
    known, _, label = scored_labels(scores, Task.IDH)
    age = np.array([np.nan if score.age is None else score.age for score in known], dtype=np.float64)
    return age[(label == 1) & ~np.isnan(age)], age[(label == 0) & ~np.isnan(age)]


def add(left: Mapping[str, Metric], right: Mapping[str, Metric]) -> dict[str, Metric]:
    """The metrics of two disjoint groups of cases together.

    Raises:
        FederationError: the keys, the kinds or the numbers of bins differ.
    """
    if left.keys() != right.keys():
        differing = sorted(left.keys() ^ right.keys())
        raise FederationError(f"metrics: found {differing} on one side only; expected the same keys from every site")
    return {key: _add(key, left[key], right[key]) for key in left}


def pool(sites: Sequence[Mapping[str, Metric]], tasks: Sequence[Task]) -> dict[str, Metric]:
    """The metrics of all sites as if their cases were one cohort."""
    return reduce(add, sites, merge([], tasks))


def reliability_table(metrics: Mapping[str, Metric], task: Task) -> Reliability:
    """The reliability sums of one task out of merged metrics."""
    said_R, count_R = _bins(metrics, f"reliability.{task}", RELIABILITY_BINS)
    true_R, _ = _bins(metrics, f"reliability-positives.{task}", RELIABILITY_BINS)
    return Reliability(count_R=count_R, probability_R=said_R, positives_R=np.rint(true_R).astype(np.int64))


def doubt_sums(metrics: Mapping[str, Metric], task: Task) -> DoubtTable:
    """Confidence and truth of one task by epistemic uncertainty out of merged metrics."""
    confidence_D, count_D = _bins(metrics, f"doubt.{task}", DOUBT_BINS)
    right_D, _ = _bins(metrics, f"doubt-right.{task}", DOUBT_BINS)
    return DoubtTable(count_D=count_D, confidence_D=confidence_D, right_D=np.rint(right_D).astype(np.int64))


def _bins(metrics: Mapping[str, Metric], prefix: str, bins: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Totals and counts of `_per_bin`."""
    found = [sum_of(metrics, f"{prefix}.{place}") for place in range(bins)]
    return np.array([part.total for part in found]), np.array([part.count for part in found], dtype=np.int64)


def sum_of(metrics: Mapping[str, Metric], key: str) -> Sum:
    """The Sum under a key.

    Raises:
        FederationError: no such key, or it is a histogram.
    """
    metric = metrics.get(key)
    if not isinstance(metric, Sum):
        raise FederationError(
            f"metrics: found {type(metric).__name__} under {key!r}; expected a sum; merge with the same tasks"
        )
    return metric


def histogram_of(metrics: Mapping[str, Metric], key: str) -> Histogram:
    """The histogram under a key.

    Raises:
        FederationError: no such key, or it is a sum.
    """
    metric = metrics.get(key)
    if not isinstance(metric, tuple):
        raise FederationError(
            f"metrics: found {type(metric).__name__} under {key!r}; expected counts; merge with the same tasks"
        )
    return metric


def _add(key: str, left: Metric, right: Metric) -> Metric:
    if isinstance(left, Sum) and isinstance(right, Sum):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return tuple(a + b for a, b in zip(left, right))
    raise FederationError(
        f"metrics: found two forms of {key!r}; expected the same kind and number of bins from every site"
    )


def _sum(values: NDArray[np.generic]) -> Sum:
    return Sum(float(np.sum(values)), len(values))
