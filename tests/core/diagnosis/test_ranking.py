"""Ranked suggestions: a distribution in every case, coherent, monotone, and silent where the model abstained."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.diagnosis.ids import Entity, Flag, Reason
from gmmas_core.diagnosis.ranking import Ranking, rank_case, ranked_diagnoses
from gmmas_core.types import CaseResult, DataError, Task

PROBABILITY = st.floats(0, 1)
PASSES = st.lists(st.tuples(PROBABILITY, PROBABILITY), min_size=2, max_size=30)
ALL = (Task.HISTOLOGY, Task.IDH, Task.CODEL)


def shares(ranking: Ranking) -> dict[Entity, float]:
    return {candidate.entity: candidate.probability for candidate in ranking.candidates}


def said(mutant: float, conditional: float) -> dict[Task, float]:
    return {Task.IDH: mutant, Task.CODEL: mutant * conditional}


def test_by_hand() -> None:
    """The head says 0.5 given mutant; a case holds 0.8 x 0.5."""
    ranking = ranked_diagnoses({Task.IDH: 0.8, Task.CODEL: 0.4, Task.HISTOLOGY: 0.3}, calibrated=ALL)
    assert shares(ranking) == {
        Entity.ASTROCYTOMA: pytest.approx(0.4),
        Entity.OLIGODENDROGLIOMA: pytest.approx(0.4),
        Entity.WILDTYPE_GROUP: pytest.approx(0.2),
    }
    assert ranking.flags == (Flag.IMAGING_SUGGESTED,)
    assert ranking.not_assessable == ()
    assert ranking.histology is not None
    assert ranking.histology.glioblastoma == 0.3
    assert ranking.histology.with_wildtype == (0.0, pytest.approx(0.2))


def test_the_most_probable_comes_first() -> None:
    order = [candidate.entity for candidate in ranked_diagnoses({Task.IDH: 0.9, Task.CODEL: 0.7}).candidates]
    assert order == [Entity.OLIGODENDROGLIOMA, Entity.ASTROCYTOMA, Entity.WILDTYPE_GROUP]
    order = [candidate.entity for candidate in ranked_diagnoses({Task.IDH: 0.2, Task.CODEL: 0.05}).candidates]
    assert order == [Entity.WILDTYPE_GROUP, Entity.ASTROCYTOMA, Entity.OLIGODENDROGLIOMA]


@given(PROBABILITY, PROBABILITY)
def test_the_shares_are_a_distribution_in_order(mutant: float, conditional: float) -> None:
    values = [candidate.probability for candidate in ranked_diagnoses(said(mutant, conditional)).candidates]
    assert math.fsum(values) == pytest.approx(1.0, abs=1e-12)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert values == sorted(values, reverse=True)


@given(PROBABILITY, PROBABILITY, PROBABILITY)
def test_more_mutant_is_more_of_both_mutant_types(one: float, other: float, conditional: float) -> None:
    less, more = (shares(ranked_diagnoses(said(mutant, conditional))) for mutant in sorted((one, other)))
    assert more[Entity.WILDTYPE_GROUP] <= less[Entity.WILDTYPE_GROUP]
    for entity in (Entity.OLIGODENDROGLIOMA, Entity.ASTROCYTOMA):
        assert more[entity] >= less[entity] - 1e-12


@given(PROBABILITY, PROBABILITY, PROBABILITY)
def test_more_codeleted_moves_from_astrocytoma_to_oligodendroglioma(mutant: float, one: float, other: float) -> None:
    less, more = (shares(ranked_diagnoses(said(mutant, conditional))) for conditional in sorted((one, other)))
    assert more[Entity.WILDTYPE_GROUP] == less[Entity.WILDTYPE_GROUP]
    assert more[Entity.OLIGODENDROGLIOMA] >= less[Entity.OLIGODENDROGLIOMA]
    assert more[Entity.ASTROCYTOMA] <= less[Entity.ASTROCYTOMA]


@given(PASSES, PROBABILITY, PROBABILITY)
def test_intervals_are_percentiles_of_the_passes(
    passes: list[tuple[float, float]], mutant: float, conditional: float
) -> None:
    mutant_M, conditional_M = np.array(passes).T
    draws = {Task.IDH: mutant_M, Task.CODEL: mutant_M * conditional_M}
    ranking = ranked_diagnoses(said(mutant, conditional), draws=draws)
    joint_M = {
        Entity.OLIGODENDROGLIOMA: mutant_M * conditional_M,
        Entity.ASTROCYTOMA: mutant_M - mutant_M * conditional_M,
        Entity.WILDTYPE_GROUP: 1 - mutant_M,
    }
    for candidate in ranking.candidates:
        interval = candidate.interval
        assert interval is not None
        assert interval.num_passes == len(passes)
        expected = np.percentile(joint_M[candidate.entity], [5, 95])
        assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=1e-12)
        assert 0.0 <= interval.low <= interval.high <= 1.0


def test_passes_that_vary_together_are_not_taken_as_independent() -> None:
    """Astrocytoma stays at 0.2 in every pass, whatever its two factors do."""
    draws = {Task.IDH: [0.3, 0.5, 0.7, 0.9], Task.CODEL: [0.1, 0.3, 0.5, 0.7]}
    ranking = ranked_diagnoses({Task.IDH: 0.6, Task.CODEL: 0.4}, draws=draws)
    interval = next(candidate.interval for candidate in ranking.candidates if candidate.entity is Entity.ASTROCYTOMA)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.2, 0.2))


@given(PROBABILITY, PROBABILITY)
def test_without_1p19q_two_groups_share_one(mutant: float, conditional: float) -> None:
    for ranking in (
        ranked_diagnoses({Task.IDH: mutant}),
        ranked_diagnoses(said(mutant, conditional), abstained={"codel_1p19q": "doubt"}),
    ):
        assert shares(ranking) == {Entity.MUTANT_GLIOMA: mutant, Entity.WILDTYPE_GROUP: 1 - mutant}
        assert Task.CODEL in dict(ranking.not_assessable)


def test_without_idh_nothing_is_ranked() -> None:
    ranking = ranked_diagnoses({Task.IDH: 0.9, Task.CODEL: 0.8, Task.HISTOLOGY: 0.7}, abstained=["idh"])
    assert ranking.candidates == ()
    assert ranking.not_assessable == ((Task.IDH, Reason.ABSTAINED), (Task.CODEL, Reason.NEEDS_IDH))
    assert ranking.histology is not None
    assert ranking.histology.with_wildtype is None


def test_without_an_outline_nothing_is_said() -> None:
    ranking = ranked_diagnoses({Task.IDH: 0.9, Task.CODEL: 0.8, Task.HISTOLOGY: 0.7}, abstained=["segmentation"])
    assert (ranking.candidates, ranking.histology) == ((), None)
    assert {reason for _, reason in ranking.not_assessable} == {Reason.NO_OUTLINE}


def test_what_was_not_calibrated_is_said() -> None:
    ranking = ranked_diagnoses({Task.IDH: 0.9, Task.CODEL: 0.8}, calibrated=[Task.IDH])
    assert ranking.uncalibrated == (Task.CODEL,)
    assert Flag.UNCALIBRATED in ranking.flags
    assert ranking.not_assessable == ((Task.HISTOLOGY, Reason.NOT_ASKED),)


@given(PROBABILITY, PROBABILITY)
def test_the_bounds_hold_what_is_possible(mutant: float, glioblastoma: float) -> None:
    hint = ranked_diagnoses({Task.IDH: mutant, Task.HISTOLOGY: glioblastoma}).histology
    assert hint is not None
    assert hint.with_wildtype is not None
    low, high = hint.with_wildtype
    independent = (1 - mutant) * glioblastoma
    assert 0 <= low <= independent + 1e-12
    assert independent <= high + 1e-12


def case(probability: dict[Task, float], abstained: dict[str, str]) -> CaseResult:
    return CaseResult(
        case_id="case-1",
        seg_XYZ=np.zeros((2, 2, 2), dtype=np.uint8),
        affine_44=np.eye(4),
        volume_ml={},
        probability=probability,
        epistemic={},
        aleatoric={},
        region_uncertainty={},
        region_epistemic={},
        region_aleatoric={},
        sequences_used=("t1",),
        sequences_missing=(),
        not_assessable={},
        abstained=abstained,
        model_id="m",
    )


def test_a_case_is_ranked_with_its_abstentions() -> None:
    probability = {Task.IDH: 0.9, Task.CODEL: 0.7}
    draws = {Task.IDH: np.array([0.8, 0.9]), Task.CODEL: np.array([0.6, 0.7])}
    ranking = rank_case(case(probability, {}), draws=draws, calibrated=ALL)
    assert ranking == ranked_diagnoses(probability, draws=draws, calibrated=ALL)
    assert ranking.candidates[0].entity is Entity.OLIGODENDROGLIOMA
    assert rank_case(case(probability, {"segmentation": "no tumour found"})).candidates == ()


@pytest.mark.parametrize(
    ("probability", "draws", "says"),
    [
        ({Task.IDH: math.nan}, None, "from 0 to 1"),
        ({Task.IDH: -0.1}, None, "from 0 to 1"),
        ({Task.IDH: 1.1}, None, "from 0 to 1"),
        ({Task.IDH: "0.5"}, None, "from 0 to 1"),
        ({Task.IDH: True}, None, "from 0 to 1"),
        ({Task.IDH: 0.3, Task.CODEL: 0.9}, None, "above that of an IDH mutation"),
        ({Task.IDH: 0.5, Task.HISTOLOGY: math.inf}, None, "from 0 to 1"),
        ({Task.IDH: 0.5}, {Task.IDH: [0.5, math.nan]}, "or NaN"),
        ({Task.IDH: 0.5}, {Task.IDH: [0.5, 1.2]}, "outside 0 to 1"),
        ({Task.IDH: 0.5}, {Task.IDH: [0.5]}, "M at least 2"),
        ({Task.IDH: 0.5}, {Task.IDH: [[0.5, 0.5]]}, "one \\(M,\\)"),
        ({Task.IDH: 0.5}, {Task.IDH: ["a", "b"]}, "no list of numbers"),
        ({Task.IDH: 0.5}, {Task.CODEL: [0.1, 0.2]}, "found none for idh"),
        ({Task.IDH: 0.5, Task.CODEL: 0.1}, {Task.IDH: [0.5, 0.5], Task.CODEL: [0.1, 0.1, 0.1]}, "shapes"),
        ({Task.IDH: 0.5, Task.CODEL: 0.1}, {Task.IDH: [0.5, 0.1], Task.CODEL: [0.1, 0.5]}, "above that of an IDH"),
    ],
)
def test_hostile_numbers_are_refused(probability: Any, draws: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        ranked_diagnoses(probability, draws=draws)


def test_single_precision_is_no_contradiction() -> None:
    mutant = float(np.float32(0.3))
    ranking = ranked_diagnoses({Task.IDH: mutant, Task.CODEL: mutant + 5e-8})
    assert shares(ranking)[Entity.ASTROCYTOMA] == 0.0
