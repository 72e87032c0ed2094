"""What a reader must know beside the diagnosis: one question per flag, and the tests that would settle it.

The order here is the order in which flags are shown.
"""

from collections.abc import Callable, Iterable, Mapping

from gmmas_core.diagnosis import criteria
from gmmas_core.diagnosis.criteria import PRESENT
from gmmas_core.diagnosis.findings import Findings
from gmmas_core.diagnosis.ids import Entity, Flag, Reason, Test
from gmmas_core.diagnosis.markers import H3, Codel, Histology, Idh, Location, Marker, Source
from gmmas_core.diagnosis.rules import Decision

_CRITERIA_OPEN = (Reason.WILDTYPE_CRITERIA_MISSING, Reason.WILDTYPE_LOOKS_LIKE_GLIOBLASTOMA)
_CHILDLIKE = (Reason.WILDTYPE_WITHOUT_CRITERION, Reason.WILDTYPE_NOT_ADULT)
_NEVER_OLIGODENDROGLIAL = (Entity.ASTROCYTOMA, Entity.MIDLINE_GLIOMA, Entity.HEMISPHERIC_GLIOMA)


def flags_of(f: Findings, decision: Decision) -> tuple[Flag, ...]:
    """Every flag that these findings and the line they met raise."""
    return tuple(flag for flag, applies in _QUESTIONS.items() if applies(f, decision))


def tests_for(flags: Iterable[Flag], f: Findings) -> tuple[Test, ...]:
    """Tests that would settle these flags, each once and without those that already gave a result on tissue."""
    wanted = dict.fromkeys(test for flag in flags for test in _SETTLED_BY.get(flag, ()))
    done = {
        test
        for marker, test in _GIVES.items()
        if getattr(f, marker).source is Source.TISSUE and getattr(f, marker).known
    }
    return tuple(test for test in wanted if test not in done)


def rests_on_image(f: Findings, decision: Decision) -> bool:
    """A finding that decided the type comes from an image."""
    return any(getattr(f, marker).imaged for marker in decision.decided_by)


def _codel_without_idh(f: Findings, _: Decision) -> bool:
    return f.codel.value is Codel.CODELETED and criteria.idh(f) is not Idh.MUTANT


def _cdkn2a_untested(f: Findings, decision: Decision) -> bool:
    return decision.entity is Entity.ASTROCYTOMA and decision.grades != (4,) and not f.cdkn2a.known


def _h3_untested_midline(f: Findings, _: Decision) -> bool:
    return f.location.value is Location.MIDLINE and not f.h3.known


def _molecular_only(f: Findings, decision: Decision) -> bool:
    return decision.reason is Reason.WILDTYPE_WITH_CRITERION and not criteria.microscopic(f)


def _tert_only(f: Findings, decision: Decision) -> bool:
    return _molecular_only(f, decision) and f.tert.value is PRESENT and not criteria.any_present(f.egfr, f.chr7_10)


def _criterion_not_named(f: Findings, decision: Decision) -> bool:
    used = decision.reason is Reason.WILDTYPE_WITH_CRITERION or decision.grade_reason is Reason.GRADE_BY_CRITERIA
    implied = criteria.microscopic(f) is True and not criteria.any_present(f.proliferation, f.necrosis)
    return used and implied


def _idh_sequencing_advised(f: Findings, _: Decision) -> bool:
    low = f.grade.value in (2, 3)
    young = criteria.is_under(f, criteria.CANONICAL_IDH_AGE)
    return f.idh.value is Idh.WILDTYPE and f.idh.source is Source.TISSUE and (young or low)


def _histology_discordant(f: Findings, decision: Decision) -> bool:
    seen, idh, codel = criteria.tissue_histology(f), criteria.idh(f), criteria.tissue_codel(f)
    if seen is Histology.OLIGODENDROGLIOMA:
        codel_refutes = codel in (Codel.INTACT, Codel.PARTIAL)
        return idh is Idh.WILDTYPE or codel_refutes or decision.entity in _NEVER_OLIGODENDROGLIAL
    if seen in (Histology.ASTROCYTOMA, Histology.GLIOBLASTOMA):
        codel_alone = idh is None and codel is Codel.CODELETED
        return codel_alone or decision.entity is Entity.OLIGODENDROGLIOMA
    return False


def _grade_overridden(f: Findings, decision: Decision) -> bool:
    given, stated = f.grade.value, decision.grades
    return given is not None and len(stated) == 1 and stated != (given,) and not _oligodendroglioma_4(f, decision)


def _grade_without_criteria(f: Findings, decision: Decision) -> bool:
    claimed = f.grade.value == 4 or criteria.tissue_histology(f) is Histology.GLIOBLASTOMA
    if decision.reason is Reason.WILDTYPE_WITHOUT_CRITERION:
        return claimed
    none_left = criteria.microscopic(f) is False and criteria.all_absent(f.cdkn2a)
    return decision.entity is Entity.ASTROCYTOMA and none_left and claimed


def _oligodendroglioma_4(f: Findings, decision: Decision) -> bool:
    oligo = (Entity.OLIGODENDROGLIOMA, Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY)
    return decision.entity in oligo and f.grade.value == 4


_QUESTIONS: Mapping[Flag, Callable[[Findings, Decision], bool]] = {
    Flag.IMAGING_SUGGESTED: rests_on_image,
    Flag.IMAGING_SET_ASIDE: lambda f, _: criteria.imaging_set_aside(f),
    Flag.UNDER_18: lambda f, _: criteria.is_under(f, criteria.ADULT),
    Flag.IDH_UNTESTED: lambda f, d: criteria.idh(f) is None and d.reason is not Reason.H3_ALTERED,
    Flag.CODEL_UNTESTED: lambda f, d: d.entity is Entity.MUTANT_GLIOMA,
    Flag.CODEL_PARTIAL: lambda f, _: f.codel.value is Codel.PARTIAL,
    Flag.CODEL_WITHOUT_IDH: _codel_without_idh,
    Flag.HISTOLOGY_DISCORDANT: _histology_discordant,
    Flag.ATRX_WITH_CODELETION: lambda f, _: f.atrx.value is PRESENT and f.codel.value is Codel.CODELETED,
    Flag.CDKN2A_UNTESTED: _cdkn2a_untested,
    Flag.CDKN2A_IN_OLIGODENDROGLIOMA: lambda f, d: d.entity is Entity.OLIGODENDROGLIOMA and f.cdkn2a.value is PRESENT,
    Flag.GLIOBLASTOMA_MARKERS_UNTESTED: lambda f, d: d.reason in _CRITERIA_OPEN,
    Flag.GLIOBLASTOMA_MOLECULAR_ONLY: _molecular_only,
    Flag.GLIOBLASTOMA_TERT_ONLY: _tert_only,
    Flag.CRITERION_NOT_NAMED: _criterion_not_named,
    Flag.H3_UNTESTED: lambda f, d: d.entity is Entity.GLIOBLASTOMA and not f.h3.known,
    Flag.H3_UNTESTED_MIDLINE: _h3_untested_midline,
    Flag.H3_WITH_IDH_MUTATION: lambda f, _: criteria.h3_altered(f) and criteria.idh(f) is Idh.MUTANT,
    Flag.K27_LOCATION_UNKNOWN: lambda f, d: d.entity is Entity.MIDLINE_GLIOMA and not f.location.known,
    Flag.K27_OUTSIDE_MIDLINE: lambda f, _: f.h3.value is H3.K27 and f.location.value is Location.HEMISPHERE,
    Flag.PEDIATRIC_TYPE: lambda f, d: d.reason is Reason.H3_ALTERED,
    Flag.CONSIDER_PEDIATRIC_TYPE: lambda f, d: d.reason in _CHILDLIKE,
    Flag.IDH_SEQUENCING_ADVISED: _idh_sequencing_advised,
    Flag.RETIRED_OLIGOASTROCYTOMA: lambda f, _: criteria.tissue_histology(f) is Histology.OLIGOASTROCYTOMA,
    Flag.RETIRED_MUTANT_GLIOBLASTOMA: lambda f, d: (
        d.entity is Entity.ASTROCYTOMA and criteria.tissue_histology(f) is Histology.GLIOBLASTOMA
    ),
    Flag.GRADE_OVERRIDDEN: _grade_overridden,
    Flag.GRADE_WITHOUT_CRITERIA: _grade_without_criteria,
    Flag.OLIGODENDROGLIOMA_GRADE_4: _oligodendroglioma_4,
}

_GIVES: Mapping[Marker, Test] = {
    Marker.IDH: Test.IDH,
    Marker.CDKN2A: Test.CDKN2A,
    Marker.TERT: Test.TERT,
    Marker.EGFR: Test.EGFR,
    Marker.CHR7_10: Test.CHR7_10,
    Marker.H3: Test.H3,
    Marker.ATRX: Test.ATRX,
}
_SETTLED_BY: Mapping[Flag, tuple[Test, ...]] = {
    Flag.IMAGING_SUGGESTED: (Test.TISSUE,),
    Flag.IMAGING_SET_ASIDE: (Test.IDH,),
    Flag.IDH_UNTESTED: (Test.IDH,),
    Flag.CODEL_UNTESTED: (Test.CODEL_WHOLE_ARM, Test.ATRX),
    Flag.CODEL_PARTIAL: (Test.CODEL_WHOLE_ARM,),
    Flag.CODEL_WITHOUT_IDH: (Test.IDH_SEQUENCING, Test.CODEL_WHOLE_ARM),
    Flag.HISTOLOGY_DISCORDANT: (Test.METHYLATION,),
    Flag.ATRX_WITH_CODELETION: (Test.CODEL_WHOLE_ARM,),
    Flag.CDKN2A_UNTESTED: (Test.CDKN2A,),
    Flag.GLIOBLASTOMA_MARKERS_UNTESTED: (Test.TERT, Test.EGFR, Test.CHR7_10),
    Flag.GLIOBLASTOMA_TERT_ONLY: (Test.EGFR, Test.CHR7_10, Test.METHYLATION),
    Flag.H3_UNTESTED: (Test.H3,),
    Flag.H3_UNTESTED_MIDLINE: (Test.H3,),
    Flag.H3_WITH_IDH_MUTATION: (Test.IDH_SEQUENCING, Test.METHYLATION),
    Flag.K27_OUTSIDE_MIDLINE: (Test.METHYLATION,),
    Flag.CONSIDER_PEDIATRIC_TYPE: (Test.H3, Test.METHYLATION),
    Flag.IDH_SEQUENCING_ADVISED: (Test.IDH_SEQUENCING,),
    Flag.GRADE_WITHOUT_CRITERIA: (Test.METHYLATION,),
}
