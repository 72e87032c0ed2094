"""The decision table: findings -> tumour type, qualifier and grade. One function per branch, one return per line.

Types and grades are those of WHO CNS5 (2021) as tabulated in PMC11540532 (table 1) and doi 10.1007/s11060-023-04250-5
(table 2). Two choices of ours: a pathologist's "glioblastoma" counts as necrosis or microvascular proliferation, which
define it; and where results contradict each other in a way that no type allows, the answer is "NEC" and no type.
"""

from dataclasses import dataclass

from gmmas_core.diagnosis import criteria
from gmmas_core.diagnosis.findings import Findings
from gmmas_core.diagnosis.ids import Entity, Qualifier, Reason
from gmmas_core.diagnosis.markers import H3, Codel, Histology, Idh, Location, Marker

Grades = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The answer of one line.

    Attributes:
        entity: tumour type.
        reason: the line.
        decided_by: findings that the type rests on.
        grades: one CNS WHO grade, a range, or none.
        grade_reason: where they come from.
        qualifier: NOS, NEC or none.
    """

    entity: Entity
    reason: Reason
    decided_by: tuple[Marker, ...]
    grades: Grades
    grade_reason: Reason
    qualifier: Qualifier | None = None


def decide(f: Findings) -> Decision:
    """The line of the table that these findings meet; there is exactly one for any findings."""
    idh = criteria.idh(f)
    if criteria.h3_altered(f):
        return _h3_altered(f, idh)
    if idh is Idh.MUTANT:
        return _mutant(f)
    if idh is Idh.WILDTYPE:
        return _wildtype(f)
    return _idh_unknown(f)


def _h3_altered(f: Findings, idh: Idh | None) -> Decision:
    if idh is Idh.MUTANT:
        return _contradictory(f, Marker.H3, Marker.IDH)
    if f.h3.value is H3.K27 and f.location.value is Location.HEMISPHERE:
        return _contradictory(f, Marker.H3)
    entity = Entity.MIDLINE_GLIOMA if f.h3.value is H3.K27 else Entity.HEMISPHERIC_GLIOMA
    return Decision(
        entity=entity,
        reason=Reason.H3_ALTERED,
        decided_by=(Marker.H3,),
        grades=(4,),
        grade_reason=Reason.GRADE_BY_DEFINITION,
    )


def _contradictory(f: Findings, *decided_by: Marker) -> Decision:
    grades, grade_reason = _as_given(f)
    return Decision(
        entity=Entity.DIFFUSE_GLIOMA,
        reason=Reason.RESULTS_CONTRADICT,
        decided_by=decided_by,
        grades=grades,
        grade_reason=grade_reason,
        qualifier=Qualifier.NEC,
    )


def _mutant(f: Findings) -> Decision:
    if f.codel.value is Codel.CODELETED:
        grades, grade_reason = _oligodendroglioma_grade(f)
        return Decision(
            entity=Entity.OLIGODENDROGLIOMA,
            reason=Reason.MUTANT_AND_CODELETED,
            decided_by=(Marker.IDH, Marker.CODEL),
            grades=grades,
            grade_reason=grade_reason,
        )
    if f.codel.known or f.atrx.value is criteria.PRESENT:  # a partial loss is no codeletion
        grades, grade_reason = _astrocytoma_grade(f)
        by_codel = f.codel.known
        return Decision(
            entity=Entity.ASTROCYTOMA,
            reason=Reason.MUTANT_AND_INTACT if by_codel else Reason.MUTANT_AND_ATRX_LOST,
            decided_by=(Marker.IDH, Marker.CODEL if by_codel else Marker.ATRX),
            grades=grades,
            grade_reason=grade_reason,
        )
    grades, grade_reason = _as_given(f)
    return Decision(
        entity=Entity.MUTANT_GLIOMA,
        reason=Reason.MUTANT_ONLY,
        decided_by=(Marker.IDH,),
        grades=grades,
        grade_reason=grade_reason,
        qualifier=Qualifier.NOS,
    )


def _oligodendroglioma_grade(f: Findings) -> tuple[Grades, Reason]:
    """2 or 3 and never 4."""
    if f.grade.value == 4:
        return (3,), Reason.GRADE_CAPPED
    if criteria.microscopic(f) or criteria.any_present(f.cdkn2a):
        return (3,), Reason.GRADE_BY_CRITERIA
    return _given_or(f, (2, 3))


def _astrocytoma_grade(f: Findings) -> tuple[Grades, Reason]:
    """4 by any of three criteria, whatever the histology; else the pathologist's."""
    if criteria.microscopic(f) or criteria.any_present(f.cdkn2a):
        return (4,), Reason.GRADE_BY_CRITERIA
    excluded = criteria.microscopic(f) is False and criteria.all_absent(f.cdkn2a)
    return _given_or(f, (2, 3) if excluded else (2, 3, 4))


def _wildtype(f: Findings) -> Decision:
    if criteria.is_under(f, criteria.ADULT):
        return _wildtype_glioma(f, Reason.WILDTYPE_NOT_ADULT, Qualifier.NOS)
    microscopic, molecular = criteria.microscopic(f), criteria.molecular(f)
    if microscopic or molecular:
        return _glioblastoma(Reason.WILDTYPE_WITH_CRITERION, Marker.IDH)
    if microscopic is False and molecular is False:
        return _wildtype_glioma(f, Reason.WILDTYPE_WITHOUT_CRITERION, Qualifier.NEC)
    if f.histology.imaged and f.histology.value is Histology.GLIOBLASTOMA and microscopic is None:
        return _glioblastoma(Reason.WILDTYPE_LOOKS_LIKE_GLIOBLASTOMA, Marker.IDH, Marker.HISTOLOGY)
    return _wildtype_glioma(f, Reason.WILDTYPE_CRITERIA_MISSING, Qualifier.NOS)


def _glioblastoma(reason: Reason, *decided_by: Marker) -> Decision:
    return Decision(
        entity=Entity.GLIOBLASTOMA,
        reason=reason,
        decided_by=decided_by,
        grades=(4,),
        grade_reason=Reason.GRADE_BY_DEFINITION,
    )


def _wildtype_glioma(f: Findings, reason: Reason, qualifier: Qualifier) -> Decision:
    grades, grade_reason = _as_given(f)
    if qualifier is Qualifier.NEC and grades == (4,):  # every criterion for a 4 was looked for and is absent
        grades, grade_reason = (), Reason.GRADE_NOT_GIVEN
    return Decision(
        entity=Entity.WILDTYPE_GLIOMA,
        reason=reason,
        decided_by=(Marker.IDH,),
        grades=grades,
        grade_reason=grade_reason,
        qualifier=qualifier,
    )


_BY_HISTOLOGY = {
    Histology.ASTROCYTOMA: Entity.ASTROCYTOMA_BY_HISTOLOGY,
    Histology.GLIOBLASTOMA: Entity.GLIOBLASTOMA_BY_HISTOLOGY,
    Histology.OLIGODENDROGLIOMA: Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY,
}


def _idh_unknown(f: Findings) -> Decision:
    """At most the pathologist's own word, and only where 1p/19q on tissue does not speak against it."""
    histology, codel = criteria.tissue_histology(f), criteria.tissue_codel(f)
    entity = Entity.DIFFUSE_GLIOMA if histology is None else _BY_HISTOLOGY.get(histology, Entity.DIFFUSE_GLIOMA)
    is_oligo = entity is Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY
    if codel is not None and is_oligo != (codel is Codel.CODELETED):
        entity = Entity.DIFFUSE_GLIOMA
    is_named = entity is not Entity.DIFFUSE_GLIOMA
    grades, grade_reason = _as_given(f)
    if entity is Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY and grades == (4,):
        grades, grade_reason = (), Reason.GRADE_NOT_GIVEN
    return Decision(
        entity=entity,
        reason=Reason.HISTOLOGY_ONLY if is_named else Reason.NOTHING_DECISIVE,
        decided_by=(Marker.HISTOLOGY,) if is_named else (),
        grades=grades,
        grade_reason=grade_reason,
        qualifier=Qualifier.NOS,
    )


def _as_given(f: Findings) -> tuple[Grades, Reason]:
    return _given_or(f, (), Reason.GRADE_NOT_GIVEN)


def _given_or(f: Findings, otherwise: Grades, reason: Reason = Reason.GRADE_RANGE) -> tuple[Grades, Reason]:
    """The pathologist's grade, or what is possible without one."""
    given = f.grade.value
    return (otherwise, reason) if given is None else ((given,), Reason.GRADE_AS_GIVEN)
