"""How often imaging and later pathology agree, with intervals: what this hospital knows about its own model.

Every number stands beside its n. Proportions have Wilson's 95 % interval. Which studies count: see `pairs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from client.reading_room.pairs import Pair, first_of_each
from client.reading_room.tissue_classes import TYPES, tissue_class, tissue_type
from gmmas_core.metrics import bootstrap, classification
from gmmas_core.sums import Sum
from gmmas_core.types import CLASS_NAMES, Task

NUM_BINS = 5
"""Of equal width on P(class 1): few, because a hospital has few cases."""

VERY_FEW, FEW = 10, 50


@dataclass(frozen=True, kw_only=True)
class Share:
    """A proportion: `hits` of `count`; `low` and `high` of Wilson's interval, None without cases."""

    hits: int
    count: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Cases whose P(class 1) lies in [start, end): the mean that was said, and the share that came true."""

    start: float
    end: float
    mean: float
    observed: Share


@dataclass(frozen=True, kw_only=True)
class TaskAgreement:
    """One task.

    Attributes:
        names: of class 0 and class 1.
        accuracy, sensitivity, specificity: at a probability of one half; sensitivity is that of class 1.
        brier: mean squared error of P(class 1); None without cases.
        bins: those that hold cases.
        confusion: pathology's class -> suggested class -> cases.
        unanswered: patients with pathology about whom the model did not commit itself.
        caution: what the number of cases does not support, or "".
    """

    task: Task
    names: tuple[str, str]
    accuracy: Share
    sensitivity: Share
    specificity: Share
    brier: float | None
    bins: tuple[Bin, ...]
    confusion: tuple[tuple[int, int], tuple[int, int]]
    unanswered: int
    caution: str


@dataclass(frozen=True, kw_only=True)
class TypeAgreement:
    """The most probable type against the type on tissue.

    Attributes:
        accuracy: over all three types.
        per_type: type -> of the patients who had it on tissue, those for whom it was suggested.
        confusion: type on tissue -> suggested type -> cases.
        unanswered: patients with a type on tissue and without a ranking over all three.
        caution: as in TaskAgreement.
    """

    accuracy: Share
    per_type: Mapping[str, Share]
    confusion: Mapping[str, Mapping[str, int]]
    unanswered: int
    caution: str


def task_agreement(task: Task, pairs: Sequence[Pair]) -> TaskAgreement:
    """Agreement in one task, over the first study of each patient in which pathology answers it."""
    counted = list(first_of_each(pairs, [tissue_class(task, pair.tissue) is not None for pair in pairs]))
    answered = [pair for pair in counted if task in pair.answers.probability]
    prob = np.array([pair.answers.probability[task] for pair in answered], dtype=np.float64)
    label = np.array([tissue_class(task, pair.tissue) for pair in answered], dtype=np.int64)
    right = classification.correct(prob, label)
    said = (prob >= classification.THRESHOLD).astype(np.int64)
    table = [[int(((label == truth) & (said == answer)).sum()) for answer in (0, 1)] for truth in (0, 1)]
    return TaskAgreement(
        task=task,
        names=CLASS_NAMES[task],
        accuracy=share(int(right.sum()), len(right)),
        sensitivity=share(table[1][1], sum(table[1])),
        specificity=share(table[0][0], sum(table[0])),
        brier=classification.brier(prob, label),
        bins=_bins(prob, label),
        confusion=((table[0][0], table[0][1]), (table[1][0], table[1][1])),
        unanswered=len(counted) - len(answered),
        caution=_caution({name: sum(row) for name, row in zip(CLASS_NAMES[task], table, strict=True)}),
    )


def type_agreement(pairs: Sequence[Pair]) -> TypeAgreement:
    """Agreement in the suggested type, over the first study of each patient in which tissue tells the type."""
    counted = list(first_of_each(pairs, [tissue_type(pair.tissue) is not None for pair in pairs]))
    answered = [pair for pair in counted if pair.answers.types]
    table = {truth.value: dict.fromkeys((each.value for each in TYPES), 0) for truth in TYPES}
    for pair in answered:
        table[str(tissue_type(pair.tissue))][max(pair.answers.types, key=lambda name: pair.answers.types[name])] += 1
    per_type = {name: share(row[name], sum(row.values())) for name, row in table.items()}
    return TypeAgreement(
        accuracy=share(sum(each.hits for each in per_type.values()), len(answered)),
        per_type=per_type,
        confusion=table,
        unanswered=len(counted) - len(answered),
        caution=_few(len(answered)),
    )


def share(hits: int, count: int) -> Share:
    """A proportion with its interval."""
    low, high = bootstrap.wilson(Sum(float(hits), count)) or (None, None)
    return Share(hits=hits, count=count, low=low, high=high)


def _bins(prob: np.ndarray, label: np.ndarray) -> tuple[Bin, ...]:
    place = np.minimum((prob * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    return tuple(
        Bin(
            start=number / NUM_BINS,
            end=(number + 1) / NUM_BINS,
            mean=float(prob[place == number].mean()),
            observed=share(int(label[place == number].sum()), int((place == number).sum())),
        )
        for number in range(NUM_BINS)
        if (place == number).any()
    )


def _caution(classes: Mapping[str, int]) -> str:
    total = sum(classes.values())
    absent = [name.replace("_", " ") for name, count in classes.items() if not count]
    if not total or not absent:
        return _few(total)
    return f"No patient with {absent[0]} yet: how such a tumour would be read is not known. {_few(total)}".strip()


def _few(count: int) -> str:
    if not count:
        return "No patient has both yet."
    if count < VERY_FEW:
        return f"Only {count} {'patient' if count == 1 else 'patients'}: these numbers say next to nothing yet."
    if count < FEW:
        return f"Only {count} patients: the intervals are wide, and the bins of the calibration hold few each."
    return ""
