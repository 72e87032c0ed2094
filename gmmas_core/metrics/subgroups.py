"""Does the model serve everybody alike? The main numbers per sex, age band and whatever else a site can tell apart.

For a site's own eyes. Groups below the site's cohort floor show no number, not even their size; one who knows the total
can still work out the size of a single group that is missing.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gmmas_core.metrics import classification
from gmmas_core.metrics.case_score import CaseScore
from gmmas_core.metrics.entries import Summary
from gmmas_core.metrics.merging import scored_labels, scored_regions
from gmmas_core.types import Task

AGE_BANDS = ((40, "<40"), (55, "40-54"), (70, "55-69"))
"""First age that no longer belongs to a band, and the band's name; the oldest band is OLDEST."""

OLDEST = ">=70"
UNRECORDED = "not recorded"

GroupOf = Callable[[CaseScore], str | None]


def age_band(score: CaseScore) -> str | None:
    """The band a case's age falls in; None where it is unknown."""
    if score.age is None:
        return None
    return next((name for beyond, name in AGE_BANDS if score.age < beyond), OLDEST)


def sex(score: CaseScore) -> str | None:
    """The sex as the site's table has it; None where it is unknown."""
    return score.sex


def subgroups(
    scores: Sequence[CaseScore], tasks: Sequence[Task], floor: int, more: Mapping[str, GroupOf] | None = None
) -> Summary:
    """Main numbers per group.

    Args:
        scores: of a site's cases.
        tasks: the image-level questions.
        floor: fewest patients about whom a number is shown.
        more: further ways to split, name -> group of a case (a scanner, say), None where it is not recorded.

    Returns:
        `{"sex" | "age" | name: {group: {"n", "dice_wt", "classification": {task: {"auroc", "brier"}}}}}`, every leaf
        `{"value", "n", "suppressed"}`: value and n are None where fewer patients than the floor stand behind them.
    """
    splits: dict[str, GroupOf] = {"sex": sex, "age": age_band, **(more or {})}
    return {name: _split(scores, tasks, floor, group_of) for name, group_of in splits.items()}


def _split(scores: Sequence[CaseScore], tasks: Sequence[Task], floor: int, group_of: GroupOf) -> Summary:
    members: dict[str, list[CaseScore]] = {}
    for score in scores:
        members.setdefault(group_of(score) or UNRECORDED, []).append(score)
    order = [name for _, name in AGE_BANDS] + [OLDEST]
    names = sorted(members, key=lambda name: (name == UNRECORDED, order.index(name) if name in order else -1, name))
    return {name: _group(members[name], tasks, floor) for name in names}


def _group(scores: Sequence[CaseScore], tasks: Sequence[Task], floor: int) -> Summary:
    outlined = scored_regions(scores, "wt")
    dice = float(np.mean([score.dice for _, score in outlined])) if outlined else None
    return {
        "n": _shown(len(scores), scores, floor),
        "dice_wt": _shown(dice, [case for case, _ in outlined], floor),
        "classification": {task.value: _task(scores, task, floor) for task in tasks},
    }


def _task(scores: Sequence[CaseScore], task: Task, floor: int) -> Summary:
    known, prob, label = scored_labels(scores, task)
    return {
        "auroc": _shown(classification.auroc(prob, label), known, floor),
        "brier": _shown(classification.brier(prob, label), known, floor),
    }


def _shown(value: float | None, behind: Sequence[CaseScore], floor: int) -> Summary:
    """A number over these cases, kept back when too few patients stand behind it (none at all betrays nobody)."""
    patients = len({score.patient_id for score in behind})
    if 0 < patients < floor:
        return {"value": None, "n": None, "suppressed": True}
    return {"value": value, "n": len(behind), "suppressed": False}
