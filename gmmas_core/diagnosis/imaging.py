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
    return None if mutant < NEGLIGIBLE else marginal / mutant


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

    1p/19q is only read where IDH, from either source, is mutant: the network was never asked about a wildtype tumour.
    Where tissue shows the mutation, P(codeleted | mutant) must reach `least`; where IDH is an image's answer too, the
    probability of both together must, so that no suggested IDH-mutant type is less probable than `least`.

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
    if Task.CODEL in probability and Task.IDH not in probability:
        raise DataError("probability: found codel_1p19q without idh; expected both, codeletion is predicted given IDH")
    silent = frozenset(Task) if SEGMENTATION in abstained else frozenset(abstained)

    def completed(given: Finding[V], task: Task, values: tuple[V, V]) -> Finding[V]:
        if given.known or task not in probability:
            return given
        chances = None if task in silent else (1.0 - probability[task], probability[task])
        return _answer(given, values, chances, least)

    idh = completed(tissue.idh, Task.IDH, (Idh.WILDTYPE, Idh.MUTANT))
    codel = tissue.codel
    if Task.CODEL in probability and not codel.known and idh.value is not Idh.WILDTYPE:
        chances = None if Task.CODEL in silent or not idh.known else _codel_chances(probability)
        together = probability[Task.IDH] if idh.imaged else 1.0
        codel = _answer(codel, (Codel.INTACT, Codel.CODELETED), chances, least / together)
    return replace(
        tissue,
        idh=idh,
        codel=codel,
        histology=completed(tissue.histology, Task.HISTOLOGY, (Histology.LOWER_GRADE, Histology.GLIOBLASTOMA)),
        mgmt=completed(tissue.mgmt, Task.MGMT, (Mgmt.UNMETHYLATED, Mgmt.METHYLATED)),
    )


def _codel_chances(probability: Probabilities) -> tuple[float, float] | None:
    """P(intact | mutant), P(codeleted | mutant); None where they cannot be told."""
    conditional = conditional_codeletion(probability[Task.IDH], probability[Task.CODEL])
    return None if conditional is None else (1.0 - conditional, conditional)


def _answer(given: Finding[V], values: tuple[V, V], chances: tuple[float, float] | None, least: float) -> Finding[V]:
    """The value whose chance reaches `least`, or that the image does not tell."""
    if chances is not None:
        for value, chance in zip(values, chances, strict=True):
            if chance >= least:
                return from_imaging(value, chance)
    return given if given.source is Source.TISSUE else ABSTAINED  # a failed test on tissue stays named as one
