"""Integrated diagnoses that an image suggests, ranked by calibrated probability. Never a WHO grade, never a diagnosis.

With m = P(IDH-mutant) and the marginal c = P(codeleted) <= m, the three types exclude each other and sum to one:
oligodendroglioma c, IDH-mutant astrocytoma m - c, the IDH-wildtype group 1 - m. "Wildtype and codeleted" cannot arise.

The histology task is no fourth type and does not split the wildtype group: it asks what the microscope would show,
which is "glioblastoma" for many IDH-mutant astrocytomas of grade 4 too, and the network gives no joint answer. What
follows for "wildtype and glioblastoma by histology" from the two margins are bounds (Frechet), and these are given.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.diagnosis.findings import check_probability
from gmmas_core.diagnosis.ids import Entity, Flag, Reason
from gmmas_core.diagnosis.imaging import ROUNDING, SEGMENTATION, Probabilities, check_marginal
from gmmas_core.errors import DataError
from gmmas_core.types import CaseResult, Task

PERCENTILES = (5.0, 95.0)
MIN_PASSES = 2
Draws = Mapping[Task, Sequence[float] | NDArray[np.float64]]
Shares = dict[Entity, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """5th to 95th percentile over stochastic passes; it need not hold the single deterministic reading."""

    low: float
    high: float
    num_passes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One suggested type."""

    entity: Entity
    probability: float
    interval: Interval | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HistologyHint:
    """The histology task's answer beside the ranking.

    Attributes:
        glioblastoma: P(glioblastoma by histology), whatever IDH is.
        with_wildtype: least and greatest P(glioblastoma by histology and IDH-wildtype) that both answers allow; None
            where IDH is not assessable.
    """

    glioblastoma: float
    with_wildtype: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """What an image suggests.

    Attributes:
        candidates: most probable first, summing to one; empty where IDH is not assessable.
        histology: None where not assessable.
        not_assessable: task -> why; histology, IDH and 1p/19q only.
        flags: always that this is a suggestion; that a task used was not calibrated.
        uncalibrated: those tasks.
    """

    candidates: tuple[Candidate, ...]
    histology: HistologyHint | None
    not_assessable: tuple[tuple[Task, Reason], ...]
    flags: tuple[Flag, ...]
    uncalibrated: tuple[Task, ...]


def ranked_diagnoses(
    probability: Probabilities,
    *,
    draws: Draws | None = None,
    abstained: Collection[str] = (),
    calibrated: Collection[str] = (),
) -> Ranking:
    """Suggested types with their probabilities.

    Args:
        probability: P(class 1) per task; CODEL is the marginal, as in CaseResult.probability.
        draws: P(class 1) of M passes per task, CODEL the marginal, as in StochasticReading.prob_M; for intervals.
        abstained: tasks that the model did not commit to; "segmentation" stands for all of them.
        calibrated: tasks whose probabilities were calibrated.

    Returns:
        Three candidates; two (mutant, wildtype) where 1p/19q is not assessable; none where IDH is not.

    Raises:
        DataError: values that are no probabilities, a codeletion more probable than the mutation it needs, or draws
            that do not belong together.
    """
    for task, value in probability.items():
        check_probability(task, value)
    closed = _not_assessable(probability, abstained)
    open_tasks = [task for task in _TASKS if task not in closed]
    histology = probability[Task.HISTOLOGY] if Task.HISTOLOGY in open_tasks else None
    uncalibrated = tuple(task for task in open_tasks if task not in calibrated)
    return Ranking(
        candidates=_candidates(probability, draws, open_tasks),
        histology=None if histology is None else _hint(histology, probability, closed),
        not_assessable=tuple(closed.items()),
        flags=(Flag.IMAGING_SUGGESTED, Flag.UNCALIBRATED) if uncalibrated else (Flag.IMAGING_SUGGESTED,),
        uncalibrated=uncalibrated,
    )


def rank_case(result: CaseResult, *, draws: Draws | None = None, calibrated: Collection[str] = ()) -> Ranking:
    """`ranked_diagnoses` of a case's result, with its abstentions.

    Args:
        result: of `predict_case`; its CODEL is the marginal.
        draws: `StochasticReading.prob_M` of the same case and model; a CaseResult holds none.
        calibrated: tasks whose probabilities were calibrated.
    """
    return ranked_diagnoses(result.probability, draws=draws, abstained=tuple(result.abstained), calibrated=calibrated)


_TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)


def _not_assessable(probability: Probabilities, abstained: Collection[str]) -> dict[Task, Reason]:
    closed: dict[Task, Reason] = {}
    for task in _TASKS:
        if SEGMENTATION in abstained:
            closed[task] = Reason.NO_OUTLINE
        elif task in abstained:
            closed[task] = Reason.ABSTAINED
        elif task not in probability:
            closed[task] = Reason.NOT_ASKED
        elif task is Task.CODEL and Task.IDH in closed:
            closed[task] = Reason.NEEDS_IDH
    return closed


def _candidates(probability: Probabilities, draws: Draws | None, open_tasks: Sequence[Task]) -> tuple[Candidate, ...]:
    if Task.IDH not in open_tasks:
        return ()
    needed = [task for task in (Task.IDH, Task.CODEL) if task in open_tasks]
    point = _shares({task: np.asarray([probability[task]], dtype=np.float64) for task in needed})
    spread = _shares(_checked(draws, needed)) if draws else {}
    candidates = [
        Candidate(entity=entity, probability=float(value_1[0]), interval=_interval(spread.get(entity)))
        for entity, value_1 in point.items()
    ]
    return tuple(sorted(candidates, key=lambda candidate: -candidate.probability))  # ties keep the order of _shares


def _shares(value_M: Mapping[Task, NDArray[np.float64]]) -> Shares:
    """Type -> its probability in each pass; in every pass they sum to one."""
    mutant_M, codel_M = value_M[Task.IDH], value_M.get(Task.CODEL)
    if codel_M is None:
        return {Entity.WILDTYPE_GROUP: 1.0 - mutant_M, Entity.MUTANT_GLIOMA: mutant_M}
    codel_M = _within(mutant_M, codel_M)
    return {
        Entity.WILDTYPE_GROUP: 1.0 - mutant_M,
        Entity.ASTROCYTOMA: mutant_M - codel_M,
        Entity.OLIGODENDROGLIOMA: codel_M,
    }


def _within(mutant_M: NDArray[np.float64], codel_M: NDArray[np.float64]) -> NDArray[np.float64]:
    excess_M = codel_M - mutant_M
    if (excess_M > ROUNDING).any():
        worst = int(excess_M.argmax())
        check_marginal(float(mutant_M[worst]), float(codel_M[worst]))
    return np.minimum(codel_M, mutant_M)


def _interval(value_M: NDArray[np.float64] | None) -> Interval | None:
    if value_M is None:
        return None
    low, high = np.percentile(value_M, PERCENTILES)
    return Interval(low=float(low), high=float(high), num_passes=len(value_M))


def _checked(draws: Draws, needed: Sequence[Task]) -> dict[Task, NDArray[np.float64]]:
    """The passes of the tasks that are ranked.

    Raises:
        DataError: a task without passes, too few, another number for another task, or no probabilities.
    """
    missing = [task for task in needed if task not in draws]
    if missing:
        raise DataError(f"draws: found none for {', '.join(missing)}; expected those of every task that is ranked")
    try:
        value_M = {task: np.asarray(draws[task], dtype=np.float64) for task in needed}
    except (TypeError, ValueError):
        raise DataError("draws: found something that is no list of numbers; expected P(class 1) of each pass") from None
    shapes = {values.shape for values in value_M.values()}
    if len(shapes) != 1 or any(len(shape) != 1 or shape[0] < MIN_PASSES for shape in shapes):
        found = ", ".join(map(str, sorted(shapes)))
        raise DataError(f"draws: found shapes {found}; expected one (M,) for all tasks, M at least {MIN_PASSES}")
    for task, values in value_M.items():
        if not ((values >= 0.0) & (values <= 1.0)).all():  # False for NaN too
            raise DataError(f"draws of {task}: found values outside 0 to 1, or NaN; expected probabilities")
    return value_M


def _hint(glioblastoma: float, probability: Probabilities, closed: Mapping[Task, Reason]) -> HistologyHint:
    if Task.IDH in closed:
        return HistologyHint(glioblastoma=glioblastoma, with_wildtype=None)
    wildtype = 1.0 - probability[Task.IDH]
    bounds = (max(0.0, wildtype + glioblastoma - 1.0), min(wildtype, glioblastoma))
    return HistologyHint(glioblastoma=glioblastoma, with_wildtype=bounds)
