"""Probabilities as findings: thresholds, tissue first, and 1p/19q marginal or conditional."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.diagnosis.findings import ABSTAINED, INCONCLUSIVE, UNTESTED, Findings, from_tissue
from gmmas_core.diagnosis.imaging import LEAST_CONFIDENCE, conditional_codeletion, marginal_codeletion, with_imaging
from gmmas_core.diagnosis.integrate import integrate
from gmmas_core.diagnosis.markers import Codel, Histology, Idh, Mgmt
from gmmas_core.diagnosis.ranking import ranked_diagnoses
from gmmas_core.types import DataError, Task

PROBABILITY = st.floats(0, 1)


@given(PROBABILITY.filter(lambda mutant: mutant > 1e-3), PROBABILITY)
def test_marginal_and_conditional_are_inverse(mutant: float, conditional: float) -> None:
    marginal = marginal_codeletion(mutant, conditional)
    assert marginal <= mutant
    back = conditional_codeletion(mutant, marginal)
    assert back == pytest.approx(conditional, abs=1e-9)


def test_by_hand() -> None:
    assert marginal_codeletion(0.8, 0.5) == pytest.approx(0.4)
    assert conditional_codeletion(0.8, 0.4) == pytest.approx(0.5)
    assert conditional_codeletion(0.0, 0.0) is None
    assert conditional_codeletion(0.3, 0.3 + 5e-7) == 1.0  # single precision


def test_the_heads_own_answer_is_not_taken_for_a_marginal() -> None:
    with pytest.raises(DataError, match=r"above that of an IDH mutation.*use marginal_codeletion"):
        conditional_codeletion(0.3, 0.9)


def test_sure_answers_become_findings_and_others_are_not_assessable() -> None:
    said = {Task.IDH: 0.9, Task.CODEL: 0.8, Task.HISTOLOGY: 0.2, Task.MGMT: 0.5}
    found = with_imaging(Findings(), said)
    assert (found.idh.value, found.idh.probability) == (Idh.MUTANT, 0.9)
    assert (found.codel.value, found.codel.probability) == (Codel.CODELETED, pytest.approx(0.8 / 0.9))
    assert (found.histology.value, found.histology.probability) == (Histology.LOWER_GRADE, 0.8)
    assert found.mgmt == ABSTAINED
    assert found.idh.imaged
    assert found.tert == UNTESTED


def test_a_suggested_mutant_type_is_probable_as_a_whole() -> None:
    """0.8 x 0.75 is 0.6: each answer alone would pass."""
    assert with_imaging(Findings(), {Task.IDH: 0.8, Task.CODEL: 0.6}).codel == ABSTAINED
    on_tissue = with_imaging(Findings(idh=from_tissue(Idh.MUTANT)), {Task.IDH: 0.8, Task.CODEL: 0.6})
    assert on_tissue.codel.value is Codel.CODELETED


def test_a_wildtype_tumour_is_not_asked_about_1p19q() -> None:
    assert with_imaging(Findings(), {Task.IDH: 0.1, Task.CODEL: 0.09}).codel == UNTESTED
    tissue = Findings(idh=from_tissue(Idh.WILDTYPE))
    assert with_imaging(tissue, {Task.IDH: 0.9, Task.CODEL: 0.9}).codel == UNTESTED


def test_tissue_is_never_replaced() -> None:
    tissue = Findings(idh=from_tissue(Idh.WILDTYPE), mgmt=from_tissue(Mgmt.METHYLATED), histology=INCONCLUSIVE)
    found = with_imaging(tissue, {Task.IDH: 0.99, Task.MGMT: 0.01, Task.HISTOLOGY: 0.5})
    assert found == tissue
    assert with_imaging(tissue, {Task.HISTOLOGY: 0.9}).histology.value is Histology.GLIOBLASTOMA


@pytest.mark.parametrize("abstained", [{"idh": "doubt"}, ["segmentation"], {Task.IDH}])
def test_an_abstention_is_no_finding(abstained: Any) -> None:
    found = with_imaging(Findings(), {Task.IDH: 0.99, Task.CODEL: 0.98}, abstained=abstained)
    assert (found.idh, found.codel) == (ABSTAINED, ABSTAINED)


@pytest.mark.parametrize(
    ("probability", "options", "says"),
    [
        ({Task.IDH: math.nan}, {}, "from 0 to 1"),
        ({Task.IDH: 1.5}, {"abstained": ["idh"]}, "from 0 to 1"),
        ({Task.CODEL: 0.2}, {}, "codel_1p19q without idh"),
        ({Task.IDH: 0.7, Task.CODEL: 0.9}, {}, "above that of an IDH mutation"),
        ({Task.IDH: 0.7}, {"least": 0.5}, "more than 0.5"),
        ({Task.IDH: 0.7}, {"least": math.nan}, "from 0 to 1"),
    ],
)
def test_hostile_probabilities_are_refused(probability: dict[Task, float], options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        with_imaging(Findings(), probability, **options)


@given(PROBABILITY, PROBABILITY, st.booleans())
def test_what_is_suggested_is_the_first_of_the_ranking(mutant: float, conditional: float, asked: bool) -> None:
    said = {Task.IDH: mutant, **({Task.CODEL: mutant * conditional} if asked else {})}
    suggested = integrate(with_imaging(Findings(), said))
    assert suggested.grades == ()
    first = ranked_diagnoses(said).candidates[0]
    if suggested.entity == first.entity:
        assert first.probability >= LEAST_CONFIDENCE - 1e-9
    else:  # a coarser name: of a mutant whose 1p/19q is open, of the wildtype group, or of nothing
        assert suggested.entity in (
            "entity.diffuse_glioma_idh_mutant",
            "entity.diffuse_glioma_idh_wildtype",
            "entity.diffuse_glioma",
        )
