"""Agreement between imaging and pathology, by hand."""

from typing import Any

import pytest

from client.reading_room.agreement import FEW, task_agreement, type_agreement
from client.reading_room.model_answers import Answers, answers_of
from client.reading_room.pairs import Pair
from client.reading_room.tissue_classes import TYPES, tissue_class, tissue_type
from gmmas_core.diagnosis import Findings, from_tissue
from gmmas_core.diagnosis.ids import Entity
from gmmas_core.diagnosis.markers import Alteration, Codel, Histology, Idh, Mgmt
from gmmas_core.types import Task

MUTANT, WILDTYPE = Findings(idh=from_tissue(Idh.MUTANT)), Findings(idh=from_tissue(Idh.WILDTYPE))
CODELETED = Findings(idh=from_tissue(Idh.MUTANT), codel=from_tissue(Codel.CODELETED))
INTACT = Findings(idh=from_tissue(Idh.MUTANT), codel=from_tissue(Codel.INTACT))


def pair(patient: str, p: float | None, tissue: Findings, **more: Any) -> Pair:
    probability = {} if p is None else {Task.IDH: p}
    answers = Answers(model_id="m", probability=probability, types=more.get("types", {}))
    return Pair(study=f"study of {patient}", patient=patient, answers=answers, tissue=tissue, is_rejected=False)


def test_the_numbers_of_five_patients() -> None:
    said = [(0.9, MUTANT), (0.6, MUTANT), (0.2, MUTANT), (0.1, WILDTYPE), (0.5, WILDTYPE)]
    found = task_agreement(Task.IDH, [pair(str(n), p, tissue) for n, (p, tissue) in enumerate(said)])
    assert (found.accuracy.hits, found.accuracy.count) == (3, 5)
    assert (found.sensitivity.hits, found.sensitivity.count) == (2, 3)
    assert (found.specificity.hits, found.specificity.count) == (1, 2)
    assert found.confusion == ((1, 1), (1, 2))
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.64 + 0.01 + 0.25) / 5)
    # Wilson, 3 of 5: (0.6 + 1.9208/5 +- 1.96 sqrt(0.048 + 0.9604/25)) / (1 + 3.8416/5)
    assert found.accuracy.low == pytest.approx(0.2307, abs=1e-3)
    assert found.accuracy.high == pytest.approx(0.8824, abs=1e-3)
    bins = {(each.start, each.end): each for each in found.bins}
    assert set(bins) == {(0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)}
    assert bins[0.0, 0.2].mean == pytest.approx(0.1)
    assert (bins[0.2, 0.4].observed.hits, bins[0.2, 0.4].observed.count) == (1, 1)
    assert "next to nothing" in found.caution


def test_the_first_study_of_a_patient_counts_and_no_other() -> None:
    found = task_agreement(Task.IDH, [pair("a", 0.1, MUTANT), pair("a", 0.9, MUTANT), pair("b", 0.9, MUTANT)])
    assert (found.accuracy.hits, found.accuracy.count) == (1, 2)
    assert "No patient with wildtype yet" in found.caution


def test_a_first_study_without_the_marker_leaves_the_place_to_the_next() -> None:
    found = task_agreement(Task.IDH, [pair("a", 0.1, Findings()), pair("a", 0.9, MUTANT)])
    assert (found.accuracy.hits, found.accuracy.count) == (1, 1)


def test_where_the_model_kept_silent_it_is_neither_right_nor_wrong_and_counted() -> None:
    found = task_agreement(Task.IDH, [pair("a", None, MUTANT), pair("a", 0.9, MUTANT), pair("b", 0.9, MUTANT)])
    assert (found.accuracy.hits, found.accuracy.count, found.unanswered) == (1, 1, 1)


def test_without_any_study_nothing_is_claimed() -> None:
    found = task_agreement(Task.IDH, [])
    assert found.accuracy.count == 0
    assert found.accuracy.low is None
    assert found.brier is None
    assert found.bins == ()
    assert found.caution == "No patient has both yet."
    assert type_agreement([]).accuracy.count == 0


def test_enough_patients_of_both_classes_need_no_caution() -> None:
    said = [pair(str(n), 0.9 if n % 2 else 0.1, MUTANT if n % 2 else WILDTYPE) for n in range(FEW)]
    assert task_agreement(Task.IDH, said).caution == ""


def test_types_are_compared_with_the_type_on_tissue() -> None:
    names = [each.value for each in TYPES]
    likely = {name: dict(zip(names, (0.2, 0.3, 0.5), strict=True)) for name in ("oligo",)}
    pairs = [
        pair("a", 0.8, CODELETED, types=likely["oligo"]),
        pair("b", 0.8, INTACT, types=likely["oligo"]),
        pair("c", 0.2, WILDTYPE, types=dict(zip(names, (0.7, 0.2, 0.1), strict=True))),
        pair("d", 0.8, INTACT),
        pair("e", 0.8, MUTANT, types=likely["oligo"]),  # tissue does not tell which mutant type
    ]
    found = type_agreement(pairs)
    assert (found.accuracy.hits, found.accuracy.count, found.unanswered) == (2, 3, 1)
    assert found.confusion[Entity.ASTROCYTOMA][Entity.OLIGODENDROGLIOMA] == 1
    assert (found.per_type[Entity.ASTROCYTOMA].hits, found.per_type[Entity.ASTROCYTOMA].count) == (0, 1)
    assert found.per_type[Entity.OLIGODENDROGLIOMA].hits == 1


@pytest.mark.parametrize(
    ("task", "tissue", "expected"),
    [
        (Task.IDH, MUTANT, 1),
        (Task.IDH, WILDTYPE, 0),
        (Task.IDH, Findings(), None),
        (Task.CODEL, CODELETED, 1),
        (Task.CODEL, INTACT, 0),
        (Task.CODEL, Findings(idh=from_tissue(Idh.MUTANT), codel=from_tissue(Codel.PARTIAL)), None),
        (Task.CODEL, Findings(idh=from_tissue(Idh.WILDTYPE), codel=from_tissue(Codel.INTACT)), None),
        (Task.CODEL, Findings(codel=from_tissue(Codel.CODELETED)), None),
        (Task.MGMT, Findings(mgmt=from_tissue(Mgmt.METHYLATED)), 1),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.GLIOBLASTOMA)), 1),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.OLIGODENDROGLIOMA)), 0),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.LOWER_GRADE)), 0),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.ASTROCYTOMA)), None),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.ASTROCYTOMA), grade=from_tissue(3)), 0),
        (Task.HISTOLOGY, Findings(histology=from_tissue(Histology.ASTROCYTOMA), grade=from_tissue(4)), None),
        (
            Task.HISTOLOGY,
            Findings(histology=from_tissue(Histology.ASTROCYTOMA), necrosis=from_tissue(Alteration.PRESENT)),
            1,
        ),
    ],
)
def test_pathology_answers_a_task_or_does_not(task: Task, tissue: Findings, expected: int | None) -> None:
    assert tissue_class(task, tissue) == expected


def test_the_type_on_tissue_follows_the_decision_table() -> None:
    assert tissue_type(CODELETED) is Entity.OLIGODENDROGLIOMA
    assert tissue_type(INTACT) is Entity.ASTROCYTOMA
    assert tissue_type(WILDTYPE) is Entity.WILDTYPE_GROUP
    assert tissue_type(MUTANT) is None
    lost = Findings(idh=from_tissue(Idh.MUTANT), atrx=from_tissue(Alteration.PRESENT))
    assert tissue_type(lost) is Entity.ASTROCYTOMA
    assert tissue_type(Findings(histology=from_tissue(Histology.ASTROCYTOMA))) is None


def document(**changed: Any) -> dict[str, Any]:
    types = [{"id": each.value, "probability": p} for each, p in zip(TYPES, (0.2, 0.5, 0.3), strict=True)]
    return {
        "model": {"model_id": "m"},
        "probability": {"idh": 0.8, "codel_1p19q": 0.3, "histology": 0.4},
        "abstained": {},
        "not_assessable": {},
        "suggested": {"types": types},
    } | changed


def test_codeletion_is_the_head_s_own_answer_given_a_mutation() -> None:
    answers = answers_of(document())
    assert answers.probability[Task.CODEL] == pytest.approx(0.3 / 0.8)
    assert answers.classes(Task.IDH) == {"wildtype": pytest.approx(0.2), "mutant": 0.8}
    assert answers.types[Entity.ASTROCYTOMA] == 0.5


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"abstained": {"segmentation": "no tumour"}}, set()),
        ({"abstained": {"idh": "unsure"}}, {Task.HISTOLOGY}),
        ({"not_assessable": {"histology": "x"}}, {Task.IDH, Task.CODEL}),
        ({"probability": {"idh": 0.0, "codel_1p19q": 0.0}}, {Task.IDH}),
    ],
)
def test_what_the_model_did_not_commit_to_is_no_answer(changed: dict[str, Any], left: set[Task]) -> None:
    assert set(answers_of(document(**changed)).probability) == left
