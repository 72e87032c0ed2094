"""The site's own report: exact values, and intervals from resampling its patients with all their cases.

Same shape as `summarise`, so that one page can show both; it needs the cases and therefore exists at the site only.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import classification, trust_summary
from gmmas_core.metrics.bootstrap import by_patient
from gmmas_core.metrics.case_score import CaseScore
from gmmas_core.metrics.entries import Summary, as_list, as_score
from gmmas_core.metrics.levels import exact_levels
from gmmas_core.metrics.merging import REGION_MEASURES, merge, scored_labels, scored_regions
from gmmas_core.metrics.selective import SureFirst, aurc, by_score, excess_aurc
from gmmas_core.metrics.summary import summarise
from gmmas_core.types import REGIONS, Task


def local_summary(scores: Sequence[CaseScore], tasks: Sequence[Task], bootstrap: int, seed: int) -> Summary:
    """Numbers for people from a site's own cases.

    Args:
        scores: of the cases, several per patient allowed.
        tasks: the image-level questions.
        bootstrap: resamples of patients; 0 for no intervals.
        seed: of the resampling.

    Returns:
        As `summarise`; nothing from histogram bins, every interval by patient (None below five patients), and for each
        region how well its uncertainty ranks its Dice ("selective").
    """
    rng = np.random.default_rng(seed)
    summary = summarise(merge(scores, tasks), tasks, resamples=0)
    summary["intervals"] = f"95 %, bootstrap by patient, {bootstrap} resamples"
    for region in REGIONS:
        _refine_region(summary["segmentation"][region], scores, region, bootstrap, rng)
    for task in tasks:
        _refine_task(summary["classification"][task.value], scores, task, bootstrap, rng)
    if Task.IDH in tasks:
        _refine_age(summary["classification"][Task.IDH.value]["age_only"], scores, bootstrap, rng)
    return summary


def _refine_region(
    entry: Summary, scores: Sequence[CaseScore], region: str, bootstrap: int, rng: np.random.Generator
) -> None:
    scored = scored_regions(scores, region)
    patients = [case.patient_id for case, _ in scored]
    for field in REGION_MEASURES.values():
        values = np.array([getattr(score, field) for _, score in scored], dtype=np.float64)
        entry[field]["quartiles"] = np.percentile(values, (25, 50, 75)).tolist() if len(values) else None
        entry[field]["interval"] = as_list(by_patient(_mean_of(values), patients, bootstrap, rng))
    entry["selective"] = _selective(scores, region, bootstrap, rng)


def _selective(scores: Sequence[CaseScore], region: str, bootstrap: int, rng: np.random.Generator) -> Summary:
    """Are the outlines the model doubts the worse ones? Loss 1 - Dice against the mean entropy inside the region."""
    doubted = [
        (case.patient_id, entropy, 1 - score.dice)
        for case, score in scored_regions(scores, region)
        if (entropy := case.region_uncertainty.get(region)) is not None
    ]
    patients = [patient for patient, _, _ in doubted]
    confidence = -np.array([entropy for _, entropy, _ in doubted], dtype=np.float64)
    loss = np.array([lost for _, _, lost in doubted], dtype=np.float64)
    entry = {"n": len(doubted), **trust_summary.of_ranking(by_score(confidence, loss))}
    for name, area in (("aurc", aurc), ("excess_aurc", excess_aurc)):
        interval = by_patient(_area_of(area, confidence, loss), patients, bootstrap, rng)
        entry[name] = as_score(area(by_score(confidence, loss)), interval)
    return entry


def _area_of(
    area: Callable[[SureFirst], float | None], confidence: NDArray[np.float64], loss: NDArray[np.float64]
) -> Callable[[NDArray[np.int64]], float | None]:
    return lambda chosen: area(by_score(confidence[chosen], loss[chosen]))


def _refine_task(
    entry: Summary, scores: Sequence[CaseScore], task: Task, bootstrap: int, rng: np.random.Generator
) -> None:
    known, prob, label = scored_labels(scores, task)
    patients = [case.patient_id for case in known]
    entry |= trust_summary.of_levels(exact_levels(prob, label))
    for name, score in classification.SCORES.items():
        entry[name]["value"] = score(prob, label)
        entry[name]["interval"] = as_list(by_patient(_score_of(score, prob, label), patients, bootstrap, rng))


def _refine_age(entry: Summary, scores: Sequence[CaseScore], bootstrap: int, rng: np.random.Generator) -> None:
    known, _, label = scored_labels(scores, Task.IDH)
    aged = [(case, is_mutant, case.age) for case, is_mutant in zip(known, label) if case.age is not None]
    youth = -np.array([age for _, _, age in aged], dtype=np.float64)
    mutant = np.array([is_mutant for _, is_mutant, _ in aged], dtype=np.int64)
    patients = [case.patient_id for case, _, _ in aged]
    interval = by_patient(_score_of(classification.auroc, youth, mutant), patients, bootstrap, rng)
    entry["auroc"] = {"value": classification.auroc(youth, mutant), "interval": as_list(interval)}


def _mean_of(values: NDArray[np.float64]) -> Callable[[NDArray[np.int64]], float]:
    return lambda chosen: float(values[chosen].mean())


def _score_of(
    score: classification.Score, prob: NDArray[np.float64], label: NDArray[np.int64]
) -> Callable[[NDArray[np.int64]], float | None]:
    return lambda chosen: score(prob[chosen], label[chosen])
