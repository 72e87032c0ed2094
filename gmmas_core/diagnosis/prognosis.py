"""Published survival of groups of patients: figures with their source, handed out only when somebody asks for them.

Nothing else in this package reads this table; no diagnosis, ranking or report carries a figure. Only figures that were
read in their source's abstract are here. Left out, because no original with a DOI was found: the medians that BMJ Best
Practice lists (oligodendroglioma over 14 years and others).
"""

from dataclasses import dataclass
from enum import StrEnum

from gmmas_core.diagnosis.ids import Basis, Entity
from gmmas_core.diagnosis.integrate import Diagnosis
from gmmas_core.diagnosis.markers import Marker, Mgmt
from gmmas_core.errors import DataError


class Measure(StrEnum):
    """What a figure says."""

    ONE_YEAR_SURVIVAL = "measure.one_year_survival"  # percent
    MEDIAN_SURVIVAL = "measure.median_survival"  # months


class Subgroup(StrEnum):
    """Which patients of the type."""

    ALL = "subgroup.all"
    METHYLATED = "subgroup.mgmt_methylated"
    UNMETHYLATED = "subgroup.mgmt_unmethylated"
    STANDARD_CHEMORADIATION = "subgroup.standard_chemoradiation"
    OTHER_ADJUVANT = "subgroup.other_adjuvant"
    NO_FURTHER_TREATMENT = "subgroup.no_further_treatment"


class Requester(StrEnum):
    """Who asked; a figure is never shown to somebody who did not."""

    CLINICIAN = "clinician"
    PATIENT_THROUGH_CLINICIAN = "patient_through_clinician"


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """Where a figure was published.

    Attributes:
        population: text id of who was studied, where and when.
        num_patients: of the whole study.
    """

    title: str
    journal: str
    year: int
    doi: str
    population: str
    num_patients: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One published number: percent or months, as its measure says."""

    entity: Entity
    grade: int
    measure: Measure
    value: float
    citation: Citation
    subgroup: Subgroup = Subgroup.ALL


CAVEAT = "caveat.population"
"""Text id of the sentence that stands beside every figure."""

NCDB = Citation(
    title="National-level overall survival patterns for molecularly-defined diffuse glioma types in the United States",
    journal="Neuro-Oncology",
    year=2022,
    doi="10.1093/neuonc/noac198",
    population="population.ncdb_2018",
    num_patients=8651,
)
LONDON = Citation(
    title="Survival Outcomes and Prognostic Factors in Glioblastoma",
    journal="Cancers 14(13):3161",
    year=2022,
    doi="10.3390/cancers14133161",
    population="population.london_2011_2015",
    num_patients=490,
)


def _one_year(entity: Entity, grade: int, percent: float) -> Figure:
    return Figure(entity=entity, grade=grade, measure=Measure.ONE_YEAR_SURVIVAL, value=percent, citation=NCDB)


def _median(months: float, citation: Citation, subgroup: Subgroup) -> Figure:
    return Figure(
        entity=Entity.GLIOBLASTOMA,
        grade=4,
        measure=Measure.MEDIAN_SURVIVAL,
        value=months,
        citation=citation,
        subgroup=subgroup,
    )


FIGURES = (
    _one_year(Entity.OLIGODENDROGLIOMA, 2, 97.9),
    _one_year(Entity.OLIGODENDROGLIOMA, 3, 94.4),
    _one_year(Entity.ASTROCYTOMA, 2, 98.0),
    _one_year(Entity.ASTROCYTOMA, 3, 92.4),
    _one_year(Entity.ASTROCYTOMA, 4, 76.3),
    _one_year(Entity.GLIOBLASTOMA, 4, 53.7),
    _one_year(Entity.MIDLINE_GLIOMA, 4, 55.9),
    _median(17.1, NCDB, Subgroup.METHYLATED),
    _median(12.4, NCDB, Subgroup.UNMETHYLATED),
    _median(9.2, LONDON, Subgroup.ALL),
    _median(16.9, LONDON, Subgroup.STANDARD_CHEMORADIATION),
    _median(9.2, LONDON, Subgroup.OTHER_ADJUVANT),
    _median(2.0, LONDON, Subgroup.NO_FURTHER_TREATMENT),
)

_OTHER_MGMT = {Mgmt.METHYLATED: Subgroup.UNMETHYLATED, Mgmt.UNMETHYLATED: Subgroup.METHYLATED}


def population_figures(diagnosis: Diagnosis, *, requested_by: Requester) -> tuple[Figure, ...]:
    """Published figures for a tumour of this type and grade, to be shown with their source and CAVEAT.

    Args:
        diagnosis: established on tissue, of one grade; an imaging suggestion, a range or a NOS has no figures.
        requested_by: who asked for them.

    Returns:
        Figures of one type from all sources side by side, as they disagree; without those of the other MGMT status
        where tissue tells it. Empty where none fits.

    Raises:
        DataError: nobody who may ask.
    """
    if requested_by not in tuple(Requester):
        raise DataError(f"requested_by: found {requested_by!r}; expected one of {', '.join(Requester)}")
    if diagnosis.basis is not Basis.TISSUE or len(diagnosis.grades) != 1:
        return ()
    mgmt = dict(diagnosis.molecular)[Marker.MGMT]
    other = None if mgmt.imaged else _OTHER_MGMT.get(mgmt.value)
    fitting = (figure for figure in FIGURES if (figure.entity, figure.grade) == (diagnosis.entity, diagnosis.grades[0]))
    return tuple(figure for figure in fitting if figure.subgroup is not other)
