"""The catalogue: one text per id and one id per text; and diagnoses in words."""

import dataclasses
import string
import subprocess
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum

import pytest

from gmmas_core.diagnosis import ids, markers, prognosis
from gmmas_core.diagnosis.describe import grade_text, layered_report, title, value_text
from gmmas_core.diagnosis.findings import ABSTAINED, Findings, from_imaging, from_record, from_tissue
from gmmas_core.diagnosis.integrate import integrate
from gmmas_core.diagnosis.markers import Alteration, Codel, Histology, Idh, Location, Marker, Mgmt
from gmmas_core.diagnosis.texts import CATALOGUES, text
from gmmas_core.types import DISCLAIMER, ConfigError

VALUES = {
    "histology": Histology,
    "idh": Idh,
    "codel": Codel,
    "mgmt": Mgmt,
    "h3": markers.H3,
    "alteration": Alteration,
    "location": Location,
}
FRAMES = {
    "frame.imaging": {"name"},
    "frame.qualified": {"name", "qualifier"},
    "frame.grade": {"grade"},
    "frame.grade_range": {"grades"},
    "frame.no_grade": set(),
    "frame.or": {"first", "last"},
    "frame.finding": {"marker", "value"},
    "frame.from_imaging": {"value"},
    "frame.from_imaging_probability": {"value", "percent"},
    "frame.from_imaging_given_mutant": {"value", "percent"},
    "measure.one_year_survival": {"value"},
    "measure.median_survival": {"value"},
    "population.ncdb_2018": {"num"},
    "population.london_2011_2015": {"num"},
}


def enums(module: object) -> Iterable[type[StrEnum]]:
    return [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]


def spoken() -> set[str]:
    """Every id that code can ask a text for."""
    said = {str(member) for kind in enums(ids) for member in kind if kind is not StrEnum}
    said |= {str(member) for kind in (prognosis.Measure, prognosis.Subgroup) for member in kind}
    said |= {figure.citation.population for figure in prognosis.FIGURES} | {prognosis.CAVEAT}
    said |= {f"marker.{marker}" for marker in Marker}
    said |= {f"value.{name}.{value}" for name, kind in VALUES.items() for value in kind}
    said |= {"state.unknown", "state.not_assessable"} | {name for name in FRAMES if name.startswith("frame.")}
    return said | {f"layer.{name}" for name in ("integrated", "histology", "grade", "molecular")}


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_id_has_words_and_all_words_have_an_id(language: str) -> None:
    assert set(CATALOGUES[language]) == spoken()
    assert all(words.strip() == words and words for words in CATALOGUES[language].values())


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_a_text_has_the_gaps_that_the_code_fills(language: str) -> None:
    for text_id, words in CATALOGUES[language].items():
        gaps = {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}
        assert gaps == FRAMES.get(text_id, set()), text_id


def test_no_text_advises_a_treatment_or_speaks_to_the_patient() -> None:
    for words in CATALOGUES["en"].values():
        low = f" {words.lower()} "
        assert not any(word in low for word in (" you ", " your ", "should be treated", "we recommend", "temozolomide"))


def test_an_unknown_language_or_id_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of en"):
        text("flag.idh_untested", "xx")
    with pytest.raises(ConfigError, match=r"found the id 'flag\.nothing'"):
        text("flag.nothing")


def test_a_diagnosis_in_words(on_tissue: Callable[..., Findings]) -> None:
    report = layered_report(
        integrate(
            on_tissue(
                idh=Idh.MUTANT,
                codel=Codel.INTACT,
                grade=3,
                histology=Histology.ASTROCYTOMA,
                atrx=Alteration.PRESENT,
                mgmt=Mgmt.METHYLATED,
            )
        )
    )
    assert report.integrated == "Astrocytoma, IDH-mutant"
    assert report.histology == "astrocytoma"
    assert report.grade == "CNS WHO grade 3"
    assert report.molecular[:4] == (
        "IDH: mutant",
        "1p/19q: not codeleted",
        "MGMT promoter: methylated",
        "ATRX loss or mutation: present",
    )
    assert report.molecular[4] == "CDKN2A/B homozygous deletion: not known"
    assert report.flags == (text("flag.cdkn2a_untested"),)
    assert report.tests == (text("test.cdkn2a"),)
    assert report.disclaimer == DISCLAIMER


def test_a_suggestion_says_so_everywhere() -> None:
    report = layered_report(
        integrate(
            Findings(
                idh=from_imaging(Idh.MUTANT, 0.934),
                codel=from_imaging(Codel.INTACT, 0.9999),
                histology=from_imaging(Histology.LOWER_GRADE),
                mgmt=ABSTAINED,
            )
        )
    )
    assert report.integrated == "Imaging-suggested: Astrocytoma, IDH-mutant"
    assert report.histology == "lower-grade diffuse glioma (suggested by imaging)"
    assert report.grade == "CNS WHO grade not stated"
    assert report.molecular[:3] == (
        "IDH: mutant (suggested by imaging, probability 93 %)",
        "1p/19q: not codeleted (suggested by imaging, probability >99 % if IDH is mutant)",
        "MGMT promoter: not assessable",
    )
    assert "never taken from images" in report.reasons[1]


def test_titles_and_grades() -> None:
    assert (
        title(integrate(Findings(idh=from_imaging(Idh.MUTANT)))) == "Imaging-suggested: Diffuse glioma, IDH-mutant, NOS"
    )
    assert title(integrate(Findings(idh=from_tissue(Idh.MUTANT)))) == "Diffuse glioma, IDH-mutant, NOS"
    assert grade_text((2, 3, 4)) == "CNS WHO grade 2, 3 or 4, not settled"
    assert grade_text((2, 3)) == "CNS WHO grade 2 or 3, not settled"


@pytest.mark.parametrize("marker", [marker for marker in Marker if marker not in (Marker.AGE, Marker.GRADE)])
def test_every_value_can_be_said(marker: Marker) -> None:
    for value in VALUES.get(marker.value, Alteration):
        assert value_text(marker, from_tissue(value)) == text(
            f"value.{marker if marker in VALUES else 'alteration'}.{value}"
        )


def test_numbers_are_said_plainly() -> None:
    assert value_text(Marker.AGE, from_record(54.5)) == "54.5"
    assert value_text(Marker.GRADE, from_tissue(3)) == "3"


def test_nothing_here_needs_torch() -> None:
    code = (
        "import sys, gmmas_core.diagnosis; print([m for m in ('torch', 'flwr', 'monai', 'hydra') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_results_are_frozen() -> None:
    found = integrate(Findings())
    for record in (found, Findings(), layered_report(found)):
        name = dataclasses.fields(record)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, None)
