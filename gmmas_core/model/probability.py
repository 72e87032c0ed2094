"""From class logits to probabilities that cannot contradict each other.

A 1p/19q codeletion defines a subtype of the IDH-mutant glioma. The codeletion head therefore answers P(codeleted |
mutant), and what anybody is shown is the marginal P(codeleted) = P(mutant) P(codeleted | mutant), which never exceeds
P(mutant).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmmas_core.types import ConfigError, Task


def class_probabilities(class_logits: Mapping[Task, Tensor]) -> dict[Task, Tensor]:
    """Probability of class 1 per task, shape (B,); for codeletion the marginal.

    Raises:
        ConfigError: codeletion without IDH.
    """
    probability = {task: torch.softmax(logits_B2.float(), dim=1)[:, 1] for task, logits_B2 in class_logits.items()}
    check_tasks(tuple(class_logits))
    if Task.CODEL in probability:
        probability[Task.CODEL] = probability[Task.IDH] * probability[Task.CODEL]
    return probability


def check_tasks(tasks: tuple[Task, ...]) -> None:
    """Refuse a set of tasks whose probabilities would be undefined.

    Raises:
        ConfigError: codeletion without IDH.
    """
    if Task.CODEL in tasks and Task.IDH not in tasks:
        raise ConfigError("tasks: found codel_1p19q without idh; expected both, codeletion is predicted given IDH")
