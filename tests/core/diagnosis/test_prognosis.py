"""Population figures: every one cited, none without a request, none for a suggestion."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gmmas_core.diagnosis as package
from gmmas_core.diagnosis.findings import Findings, from_imaging, from_tissue
from gmmas_core.diagnosis.ids import Entity
from gmmas_core.diagnosis.integrate import integrate
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Idh, Mgmt
from gmmas_core.diagnosis.prognosis import FIGURES, Figure, Measure, Requester, Subgroup, population_figures
from gmmas_core.diagnosis.texts import text
from gmmas_core.types import DataError

GLIOBLASTOMA: dict[str, Any] = {"idh": Idh.WILDTYPE, "necrosis": Alteration.PRESENT, "h3": H3.WILDTYPE}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f.entity}-{f.grade}-{f.measure}-{f.subgroup}")
def test_every_figure_says_whose_it_is(figure: Figure) -> None:
    citation = figure.citation
    assert re.fullmatch(r"10\.\d{4,9}/\S+", citation.doi)
    assert 2000 <= citation.year <= 2026
    assert citation.title
    assert citation.journal
    assert citation.num_patients > 100
    assert str(citation.num_patients) in text(citation.population).format(num=citation.num_patients)
    assert text(figure.measure).format(value=figure.value)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f.entity}-{f.grade}-{f.measure}-{f.subgroup}")
def test_every_figure_is_of_a_grade_that_exists_and_in_range(figure: Figure) -> None:
    grades = {Entity.OLIGODENDROGLIOMA: {2, 3}, Entity.ASTROCYTOMA: {2, 3, 4}}.get(figure.entity, {4})
    assert figure.grade in grades
    assert 0 < figure.value < (100 if figure.measure is Measure.ONE_YEAR_SURVIVAL else 600)


def test_no_figure_stands_twice() -> None:
    keys = [(f.entity, f.grade, f.measure, f.subgroup, f.citation.doi) for f in FIGURES]
    assert len(keys) == len(set(keys))


def test_read_in_the_source() -> None:
    """Abstract of doi 10.1093/neuonc/noac198."""
    one_year = {(f.entity, f.grade): f.value for f in FIGURES if f.measure is Measure.ONE_YEAR_SURVIVAL}
    assert one_year == {
        (Entity.GLIOBLASTOMA, 4): 53.7,
        (Entity.ASTROCYTOMA, 2): 98.0,
        (Entity.ASTROCYTOMA, 3): 92.4,
        (Entity.ASTROCYTOMA, 4): 76.3,
        (Entity.OLIGODENDROGLIOMA, 2): 97.9,
        (Entity.OLIGODENDROGLIOMA, 3): 94.4,
        (Entity.MIDLINE_GLIOMA, 4): 55.9,
    }


def test_figures_of_type_and_grade(on_tissue: Callable[..., Findings]) -> None:
    oligo = integrate(on_tissue(idh=Idh.MUTANT, codel=Codel.CODELETED, grade=3))
    assert [f.value for f in population_figures(oligo, requested_by=Requester.CLINICIAN)] == [94.4]
    glioblastoma = population_figures(integrate(on_tissue(**GLIOBLASTOMA)), requested_by=Requester.CLINICIAN)
    assert len(glioblastoma) == 7
    assert len({f.citation.doi for f in glioblastoma}) == 2


def test_only_the_other_mgmt_status_is_left_out(on_tissue: Callable[..., Findings]) -> None:
    found = integrate(on_tissue(**GLIOBLASTOMA, mgmt=Mgmt.METHYLATED))
    subgroups = {f.subgroup for f in population_figures(found, requested_by=Requester.PATIENT_THROUGH_CLINICIAN)}
    assert Subgroup.METHYLATED in subgroups
    assert Subgroup.UNMETHYLATED not in subgroups
    tissue = {name: from_tissue(value) for name, value in GLIOBLASTOMA.items()}
    imaged = integrate(Findings(**tissue, mgmt=from_imaging(Mgmt.METHYLATED)))
    subgroups = {f.subgroup for f in population_figures(imaged, requested_by=Requester.CLINICIAN)}
    assert {Subgroup.METHYLATED, Subgroup.UNMETHYLATED} <= subgroups


@pytest.mark.parametrize(
    "findings",
    [
        Findings(),
        Findings(idh=from_tissue(Idh.MUTANT), grade=from_tissue(2)),
        Findings(idh=from_tissue(Idh.MUTANT), codel=from_tissue(Codel.CODELETED)),
        Findings(idh=from_imaging(Idh.MUTANT), codel=from_imaging(Codel.CODELETED), grade=from_tissue(2)),
    ],
    ids=["nothing", "NOS", "no grade", "suggestion"],
)
def test_no_figure_without_an_established_type_and_grade(findings: Findings) -> None:
    assert population_figures(integrate(findings), requested_by=Requester.CLINICIAN) == ()


@pytest.mark.parametrize("nobody", ["", "patient", None, True])
def test_no_figure_unless_somebody_asks(nobody: Any) -> None:
    with pytest.raises(DataError, match=r"requested_by: found .*; expected one of clinician"):
        population_figures(integrate(Findings()), requested_by=nobody)
    with pytest.raises(TypeError):
        population_figures(integrate(Findings()))  # type: ignore[call-arg]


def test_no_other_file_reads_the_figures() -> None:
    folder = Path(package.__file__).parent
    readers = [p.name for p in folder.glob("*.py") if "prognosis" in p.read_text() and p.name != "prognosis.py"]
    assert readers == ["__init__.py"]
