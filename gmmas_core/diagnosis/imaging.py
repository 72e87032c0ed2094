"""From the network's probabilities to findings, beside what tissue has said; and the two readings of 1p/19q.

The network's head answers P(codeleted | mutant). `CaseResult.probability` and the draws of `read_stochastic` hold the
marginal P(codeleted) = P(mutant) P(codeleted | mutant). Everything here takes the marginal, except where "conditional"
stands in the name.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from gmmas_core.diagnosis.findings import ABSTAINED, Finding, Findings, V, check_probability, from_imaging
from gmmas_core.diagnosis.markers import Codel, Histology, Idh, Mgmt, Source
from gmmas_core.errors import DataError
from gmmas_core.types import Task

LEAST_CONFIDENCE = 0.7
"""Below it, on either side, an image's answer is no finding."""

ROUNDING = 1e-6
"""By so much a marginal computed in single precision may exceed P(mutant)."""

NEGLIGIBLE = 1e-6
"""P(mutant) below which P(codeleted | mutant) cannot be recovered from the marginal."""

SEGMENTATION = "segmentation"
"""Key of CaseResult.abstained: without an outline there is no place that image-level answers are read from."""

Probabilities = Mapping[Task, float]


def marginal_codeletion(mutant: float, conditional: float) -> float:
    """P(codeleted) from P(mutant) and the head's own P(codeleted | mutant).

    Raises:
        DataError: not probabilities.
    """
    return check_probability(Task.IDH, mutant) * check_probability(Task.CODEL, conditional)


def conditional_codeletion(mutant: float, marginal: float) -> float | None:
    """P(codeleted | mutant) from P(mutant) and the marginal; None where P(mutant) is too small to tell.

    Raises:
        DataError: not probabilities, or a marginal above P(mutant).
    """
    marginal = check_marginal(mutant, marginal)
    return None if mutant < NEGLIGIBLE else min(marginal / mutant, 1.0)


def check_marginal(mutant: float, codeleted: float) -> float:
    """P(codeleted), checked to be a marginal, and never above P(mutant).

    Raises:
        DataError: not probabilities, or above P(mutant): then it is the head's conditional answer, or not of this case.
    """
    mutant, codeleted = check_probability(Task.IDH, mutant), check_probability(Task.CODEL, codeleted)
    if codeleted > mutant + ROUNDING:
        raise DataError(
            f"{Task.CODEL}: found probability {codeleted:g} above that of an IDH mutation, {mutant:g}; expected the "
            "marginal P(mutant) x P(codeleted | mutant); use marginal_codeletion on the head's own answer"
        )
    return min(codeleted, mutant)


def with_imaging(
    tissue: Findings,
    probability: Probabilities,
    *,
    abstained: Collection[str] = (),
    least: float = LEAST_CONFIDENCE,
) -> Findings:
    """What tissue says, completed by what an image suggests where tissue says nothing.

    1p/19q is read as P(codeleted | mutant) and only where IDH, from either source, is mutant: the network was never
    asked about a wildtype tumour.

    Args:
        tissue: findings without the image's; a known one is never replaced.
        probability: P(class 1) per task, calibrated; CODEL is the marginal, as in CaseResult.
        abstained: tasks that the model did not commit to; "segmentation" stands for all of them.
        least: confidence from which an answer counts as a finding, above 0.5.

    Raises:
        DataError: probabilities that are none or contradict each other, or a threshold out of range.
    """
    if check_probability("least", least) <= 0.5:
        raise DataError(f"least: found {least:g}; expected more than 0.5, or both answers would count")
    for task, value in probability.items():
        check_probability(task, value)
    silent = frozenset(Task) if SEGMENTATION in abstained else frozenset(abstained)
    said = {task: None if task in silent else value for task, value in probability.items()}
    idh = _completed(tissue.idh, said, Task.IDH, (Idh.WILDTYPE, Idh.MUTANT), least)
    return replace(
        tissue,
        idh=idh,
        histology=_completed(
            tissue.histology, said, Task.HISTOLOGY, (Histology.LOWER_GRADE, Histology.GLIOBLASTOMA), least
        ),
        mgmt=_completed(tissue.mgmt, said, Task.MGMT, (Mgmt.UNMETHYLATED, Mgmt.METHYLATED), least),
        codel=_completed_codel(tissue.codel, idh, said, probability, least),
    )


def _completed_codel(
    given: Finding[Codel],
    idh: Finding[Idh],
    said: Mapping[Task, float | None],
    probability: Probabilities,
    least: float,
) -> Finding[Codel]:
    if Task.CODEL not in said or given.known:
        return given
    if Task.IDH not in probability:
        raise DataError("probability: found codel_1p19q without idh; expected both, codeletion is predicted given IDH")
    conditional = conditional_codeletion(probability[Task.IDH], probability[Task.CODEL])
    if idh.value is Idh.WILDTYPE:
        return given
    withheld = said[Task.CODEL] is None or idh.value is not Idh.MUTANT
    said = {Task.CODEL: None if withheld else conditional}
    return _completed(given, said, Task.CODEL, (Codel.INTACT, Codel.CODELETED), least)


def _completed(
    given: Finding[V], said: Mapping[Task, float | None], task: Task, values: tuple[V, V], least: float
) -> Finding[V]:
    """The given finding where it is known or the image was not asked; else the image's answer, if it is sure enough."""
    if given.known or task not in said:
        return given
    positive = said[task]
    if positive is not None:
        for value, chance in zip(values, (1.0 - positive, positive), strict=True):
            if chance >= least:
                return from_imaging(value, chance)
    # a failed test on tissue stays the more informative of two answers that say nothing
    return given if given.source is Source.TISSUE else ABSTAINED
