"""Stable names of everything this package says; the words for them stand in `texts_en.py` and nowhere else.

A stored report keeps ids, so it can be shown again in another language or with better words.
"""

from enum import StrEnum


class Entity(StrEnum):
    """A tumour type of WHO CNS5, or the coarser name that the findings allow."""

    OLIGODENDROGLIOMA = "entity.oligodendroglioma_idh_mutant_codeleted"
    ASTROCYTOMA = "entity.astrocytoma_idh_mutant"
    GLIOBLASTOMA = "entity.glioblastoma_idh_wildtype"
    MIDLINE_GLIOMA = "entity.diffuse_midline_glioma_h3_k27_altered"
    HEMISPHERIC_GLIOMA = "entity.diffuse_hemispheric_glioma_h3_g34_mutant"
    MUTANT_GLIOMA = "entity.diffuse_glioma_idh_mutant"
    WILDTYPE_GLIOMA = "entity.diffuse_glioma_idh_wildtype"
    WILDTYPE_GROUP = "entity.idh_wildtype_group"  # of a ranking: glioblastoma and whatever else is IDH-wildtype
    OLIGODENDROGLIOMA_BY_HISTOLOGY = "entity.oligodendroglioma"
    ASTROCYTOMA_BY_HISTOLOGY = "entity.astrocytoma"
    GLIOBLASTOMA_BY_HISTOLOGY = "entity.glioblastoma"
    DIFFUSE_GLIOMA = "entity.diffuse_glioma"


class Qualifier(StrEnum):
    """Why a name is not a full WHO diagnosis."""

    NOS = "qualifier.nos"  # not otherwise specified: a needed test is missing or failed
    NEC = "qualifier.nec"  # not elsewhere classified: tested, and the results fit no type


class Basis(StrEnum):
    """What the tumour type rests on."""

    TISSUE = "basis.tissue"
    IMAGING = "basis.imaging"  # at least one deciding finding is an imaging probability
    NOTHING = "basis.nothing"  # no finding decided anything


class Flag(StrEnum):
    """What a reader must know beside the diagnosis."""

    IMAGING_SUGGESTED = "flag.imaging_suggested"
    IMAGING_SET_ASIDE = "flag.imaging_set_aside"
    UNCALIBRATED = "flag.uncalibrated"
    IDH_UNTESTED = "flag.idh_untested"
    CODEL_UNTESTED = "flag.codel_untested"
    CODEL_PARTIAL = "flag.codel_partial"
    CODEL_WITHOUT_IDH = "flag.codel_without_idh"
    CDKN2A_UNTESTED = "flag.cdkn2a_untested"
    CDKN2A_IN_OLIGODENDROGLIOMA = "flag.cdkn2a_in_oligodendroglioma"
    H3_UNTESTED = "flag.h3_untested"
    H3_UNTESTED_MIDLINE = "flag.h3_untested_midline"
    H3_WITH_IDH_MUTATION = "flag.h3_with_idh_mutation"
    K27_LOCATION_UNKNOWN = "flag.k27_location_unknown"
    K27_OUTSIDE_MIDLINE = "flag.k27_outside_midline"
    GLIOBLASTOMA_MARKERS_UNTESTED = "flag.glioblastoma_markers_untested"
    GLIOBLASTOMA_MOLECULAR_ONLY = "flag.glioblastoma_molecular_only"
    GLIOBLASTOMA_TERT_ONLY = "flag.glioblastoma_tert_only"
    CRITERION_NOT_NAMED = "flag.criterion_not_named"
    IDH_SEQUENCING_ADVISED = "flag.idh_sequencing_advised"
    PEDIATRIC_TYPE = "flag.pediatric_type"
    CONSIDER_PEDIATRIC_TYPE = "flag.consider_pediatric_type"
    UNDER_18 = "flag.under_18"
    HISTOLOGY_DISCORDANT = "flag.histology_discordant"
    ATRX_WITH_CODELETION = "flag.atrx_with_codeletion"
    RETIRED_OLIGOASTROCYTOMA = "flag.retired_oligoastrocytoma"
    RETIRED_MUTANT_GLIOBLASTOMA = "flag.retired_mutant_glioblastoma"
    GRADE_OVERRIDDEN = "flag.grade_overridden"
    GRADE_WITHOUT_CRITERIA = "flag.grade_without_criteria"
    OLIGODENDROGLIOMA_GRADE_4 = "flag.oligodendroglioma_grade_4"


class Reason(StrEnum):
    """Which line of the table led here, where the grade comes from, and why something cannot be told."""

    MUTANT_AND_CODELETED = "reason.mutant_and_codeleted"
    MUTANT_AND_INTACT = "reason.mutant_and_intact"
    MUTANT_AND_ATRX_LOST = "reason.mutant_and_atrx_lost"
    MUTANT_ONLY = "reason.mutant_only"
    WILDTYPE_WITH_CRITERION = "reason.wildtype_with_criterion"
    WILDTYPE_LOOKS_LIKE_GLIOBLASTOMA = "reason.wildtype_looks_like_glioblastoma"
    WILDTYPE_WITHOUT_CRITERION = "reason.wildtype_without_criterion"
    WILDTYPE_CRITERIA_MISSING = "reason.wildtype_criteria_missing"
    WILDTYPE_NOT_ADULT = "reason.wildtype_not_adult"
    H3_ALTERED = "reason.h3_altered"
    RESULTS_CONTRADICT = "reason.results_contradict"
    HISTOLOGY_ONLY = "reason.histology_only"
    NOTHING_DECISIVE = "reason.nothing_decisive"
    GRADE_BY_DEFINITION = "reason.grade_by_definition"
    GRADE_BY_CRITERIA = "reason.grade_by_criteria"
    GRADE_AS_GIVEN = "reason.grade_as_given"
    GRADE_CAPPED = "reason.grade_capped"
    GRADE_RANGE = "reason.grade_range"
    GRADE_NOT_GIVEN = "reason.grade_not_given"
    GRADE_NOT_FROM_IMAGING = "reason.grade_not_from_imaging"
    ABSTAINED = "reason.abstained"
    NOT_ASKED = "reason.not_asked"
    NEEDS_IDH = "reason.needs_idh"
    NO_OUTLINE = "reason.no_outline"


class Test(StrEnum):
    """A test on tissue that would settle an open question."""

    __test__ = False  # not a test class of pytest

    TISSUE = "test.tissue"
    IDH = "test.idh"
    IDH_SEQUENCING = "test.idh_sequencing"
    CODEL_WHOLE_ARM = "test.codel_whole_arm"
    CDKN2A = "test.cdkn2a"
    H3 = "test.h3"
    TERT = "test.tert"
    EGFR = "test.egfr"
    CHR7_10 = "test.chr7_10"
    ATRX = "test.atrx"
    METHYLATION = "test.methylation"
