"""What the model committed to in a stored document: its answers per task, and over the three types of a ranking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.tissue_classes import TYPES
from gmmas_core.diagnosis import conditional_codeletion
from gmmas_core.types import CLASS_NAMES, Task

SEGMENTATION = "segmentation"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Of one document.

    Attributes:
        model_id: of the model that read the study.
        probability: P(class 1) of every task that was answered; of 1p/19q, given that IDH is mutant.
        types: probability per type of TYPES; empty where the ranking has other types or none.
    """

    model_id: str
    probability: Mapping[Task, float]
    types: Mapping[str, float]

    def classes(self, task: Task) -> dict[str, float]:
        """Class name -> probability of an answered task."""
        zero, one = CLASS_NAMES[task]
        return {zero: 1.0 - self.probability[task], one: self.probability[task]}


def answers_of(document: Mapping[str, Any]) -> Answers:
    """The answers in a document; tasks that the model abstained from or could not judge are left out."""
    open_tasks = {} if SEGMENTATION in document["abstained"] else document["probability"]
    closed = {*document["abstained"], *document["not_assessable"]}
    probability = {Task(name): float(p) for name, p in open_tasks.items() if name not in closed}
    marginal = probability.pop(Task.CODEL, None)
    if marginal is not None and Task.IDH in probability:
        given = conditional_codeletion(probability[Task.IDH], marginal)
        if given is not None:
            probability[Task.CODEL] = given
    types = {each["id"]: float(each["probability"]) for each in document["suggested"]["types"]}
    return Answers(
        model_id=document["model"]["model_id"],
        probability=probability,
        types=types if set(types) == set(TYPES) else {},
    )
