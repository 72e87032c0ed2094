"""What a stage trains on: a site's cases, what a model added to their labels, and how many speak for which group."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gmmas_core.data.pseudo_labels import PseudoCase, read_pseudo_labels, read_thresholds
from gmmas_core.training.protection import require_unranked
from gmmas_core.training.pseudo_selection import seen_with_pseudo, still_unknown
from gmmas_core.training.seen import informs, seen_counts
from gmmas_core.training.stages.stage import StageInput
from gmmas_core.types import UNKNOWN, Case


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Cases that teach something.

    Attributes:
        cases: with mask, known label, or something in `pseudo`.
        pseudo: case id -> what a model said.
        seen: parameter group -> cases that inform it.
    """

    cases: tuple[Case, ...]
    pseudo: Mapping[str, PseudoCase]
    seen: dict[str, int]

    @property
    def filled(self) -> tuple[Case, ...]:
        """The cases with pseudo-labels in the place of unknown ones, for counting classes."""
        return tuple(_filled(case, self.pseudo.get(case.case_id)) for case in self.cases)


def labelled(given: StageInput) -> TrainingSet:
    """Cases with a mask or a label that pathology or a reader gave."""
    tasks = given.config.task_list
    cases = tuple(case for case in given.cases if informs(case, tasks))
    return TrainingSet(cases=cases, pseudo={}, seen=seen_counts(given.cases, tasks))


def labelled_and_pseudo(given: StageInput) -> TrainingSet:
    """The same and, where this run has labelled the site's own unlabelled cases, those too.

    Raises:
        FederationError: single patients are protected, and the labels were chosen by ranking them.
    """
    tasks, run_id, before = given.config.task_list, given.plan.run_id, given.plan.round
    if given.protection is not None:
        require_unranked(read_thresholds(given.state, run_id, before=before), f"pseudo-labels of run {run_id}")
    stored = read_pseudo_labels(given.state, run_id, before=before)
    pseudo = still_unknown(stored, given.cases)
    cases = tuple(case for case in given.cases if informs(case, tasks) or case.case_id in pseudo)
    seen = seen_with_pseudo(given.cases, pseudo, tasks, given.config.pseudo_labels.weight)
    return TrainingSet(cases=cases, pseudo=pseudo, seen=seen)


def _filled(case: Case, pseudo: PseudoCase | None) -> Case:
    if pseudo is None:
        return case
    labels = {
        task: pseudo.labels.get(task, UNKNOWN) if label == UNKNOWN else label for task, label in case.labels.items()
    }
    return replace(case, labels=labels)
