"""A model's own results on this hospital's holdout: every measure with its n and its interval, or why there is none."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import classification
from gmmas_core.metrics.bootstrap import by_patient
from gmmas_core.metrics.entries import as_list
from gmmas_core.metrics.evaluation import CaseScore
from gmmas_core.metrics.merging import scored_labels, scored_regions
from gmmas_core.reporting.wording import REGION_NAMES, TASK_NAMES
from gmmas_core.types import CLASS_NAMES, REGIONS, UNKNOWN, Task

Statistic = Callable[[NDArray[np.int64]], float | None]
"""Of the cases at the given indices, repeats allowed."""

TASK_SCORES = (("AUROC", classification.auroc, 1), ("Brier score", classification.brier, -1))
"""Name, score, and 1 where more of it is better, else -1."""


def results(scores: Sequence[CaseScore], tasks: Sequence[Task], resamples: int, seed: int) -> list[dict[str, Any]]:
    """What one model reached by itself.

    Args:
        scores: of the model, none is fine.
        tasks: its image-level questions.
        resamples: draws of patients for the intervals.
        seed: of the draws.

    Returns:
        Rows {"measure", "n", "value", "interval", "reason"}: the 95 % interval is None with fewer than five patients
        and where all draws gave the same value, the reason says why there is no value, else None.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for region in REGIONS:
        regions = scored_regions(scores, region)
        dice = mean_of(np.array([found.dice for _, found in regions], dtype=np.float64))
        why = "" if regions else _why_unscored(scores, [score for score in scores if score.has_reference], "mask")
        rows.append(_result(f"Dice, {REGION_NAMES[region]}", dice, [case for case, _ in regions], why, resamples, rng))
    for task in tasks:
        known, prob, label = scored_labels(scores, task)
        why = _why_unranked(task, label) if known else _why_unscored(scores, _labelled(scores, task), "label")
        for name, score, _ in TASK_SCORES:
            rows.append(
                _result(f"{name}, {TASK_NAMES[task]}", score_of(score, prob, label), known, why, resamples, rng)
            )
    return rows


def _result(
    measure: str, statistic: Statistic, known: Sequence[CaseScore], why: str, resamples: int, rng: np.random.Generator
) -> dict[str, Any]:
    value = statistic(np.arange(len(known)))
    interval = by_patient(statistic, [case.patient_id for case in known], resamples, rng)
    has_width = value is not None and interval is not None and interval[0] < interval[1]
    return {
        "measure": measure,
        "n": len(known),
        "value": value,
        "interval": as_list(interval if has_width else None),
        "reason": why if value is None else None,
    }


def _why_unscored(scores: Sequence[CaseScore], referenced: Sequence[CaseScore], reference: str) -> str:
    """Why no case was scored: there is none, none has a reference, or none has the sequences."""
    if not scores:
        return "there is no holdout case"
    if not referenced:
        return f"no holdout case has a {reference}"
    return f"no holdout case with a {reference} has the sequences for it"


def _why_unranked(task: Task, label: NDArray[np.int64]) -> str:
    """An AUROC, the only score that cases with labels may lack, needs both classes."""
    name = CLASS_NAMES[task][int(label[0])].replace("_", " ")
    return f"it needs both classes, and every labelled holdout case is {name}"


def _labelled(scores: Sequence[CaseScore], task: Task) -> list[CaseScore]:
    return [score for score in scores if score.label.get(task, UNKNOWN) != UNKNOWN]


def mean_of(values: NDArray[np.float64]) -> Statistic:
    """Mean of the values (N,) of the chosen cases; None of no case."""
    return lambda chosen: float(values[chosen].mean()) if len(chosen) else None


def score_of(score: classification.Score, prob: NDArray[np.float64], label: NDArray[np.int64]) -> Statistic:
    """Score of P(class 1) (N,) against the labels (N,) of the chosen cases."""
    return lambda chosen: score(prob[chosen], label[chosen])
