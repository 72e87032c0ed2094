"""Lines of the WHO CNS5 decision table, checked by hand; the numbers are those of the table in the README."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.findings import INCONCLUSIVE, Findings, from_imaging, from_record, from_tissue
from gmmas_core.diagnosis.ids import Basis, Entity, Flag, Qualifier, Reason, Test
from gmmas_core.diagnosis.integrate import integrate
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh, Location

MUT, WT = Idh.MUTANT, Idh.WILDTYPE
CODEL, INTACT, PARTIAL = Codel.CODELETED, Codel.INTACT, Codel.PARTIAL
YES, NO = Alteration.PRESENT, Alteration.ABSENT
OLIGO, ASTRO, GBM, MIXED = (
    Histology.OLIGODENDROGLIOMA,
    Histology.ASTROCYTOMA,
    Histology.GLIOBLASTOMA,
    Histology.OLIGOASTROCYTOMA,
)
NO_MICRO = {"proliferation": NO, "necrosis": NO}
NO_FIVE = {**NO_MICRO, "tert": NO, "egfr": NO, "chr7_10": NO}
NOS, NEC = Qualifier.NOS, Qualifier.NEC

LINES = [
    # 1: mutant and codeleted
    ("1", {"idh": MUT, "codel": CODEL, "grade": 2}, Entity.OLIGODENDROGLIOMA, None, (2,), set()),
    ("1 grade 3", {"idh": MUT, "codel": CODEL, "grade": 3}, Entity.OLIGODENDROGLIOMA, None, (3,), set()),
    ("1 no grade", {"idh": MUT, "codel": CODEL}, Entity.OLIGODENDROGLIOMA, None, (2, 3), set()),
    (
        "1 raised by necrosis",
        {"idh": MUT, "codel": CODEL, "grade": 2, "necrosis": YES},
        Entity.OLIGODENDROGLIOMA,
        None,
        (3,),
        {Flag.GRADE_OVERRIDDEN},
    ),
    (
        "1 raised by CDKN2A",
        {"idh": MUT, "codel": CODEL, "cdkn2a": YES},
        Entity.OLIGODENDROGLIOMA,
        None,
        (3,),
        {Flag.CDKN2A_IN_OLIGODENDROGLIOMA},
    ),
    # 2: never grade 4
    (
        "2",
        {"idh": MUT, "codel": CODEL, "grade": 4},
        Entity.OLIGODENDROGLIOMA,
        None,
        (3,),
        {Flag.OLIGODENDROGLIOMA_GRADE_4},
    ),
    # 3: mutant, intact, a criterion of grade 4
    ("3 CDKN2A", {"idh": MUT, "codel": INTACT, "cdkn2a": YES, "grade": 4}, Entity.ASTROCYTOMA, None, (4,), set()),
    (
        "3 CDKN2A whatever the histology",
        {"idh": MUT, "codel": INTACT, "cdkn2a": YES, "grade": 2, "histology": ASTRO},
        Entity.ASTROCYTOMA,
        None,
        (4,),
        {Flag.GRADE_OVERRIDDEN},
    ),
    (
        "3 once called glioblastoma",
        {"idh": MUT, "codel": INTACT, "necrosis": YES, "histology": GBM},
        Entity.ASTROCYTOMA,
        None,
        (4,),
        {Flag.RETIRED_MUTANT_GLIOBLASTOMA},
    ),
    # 4: mutant, intact, no criterion
    (
        "4",
        {"idh": MUT, "codel": INTACT, "grade": 3},
        Entity.ASTROCYTOMA,
        None,
        (3,),
        {Flag.CDKN2A_UNTESTED},
    ),
    ("4 tested", {"idh": MUT, "codel": INTACT, "grade": 2, "cdkn2a": NO}, Entity.ASTROCYTOMA, None, (2,), set()),
    (
        "4 no grade",
        {"idh": MUT, "codel": INTACT, "cdkn2a": NO, **NO_MICRO},
        Entity.ASTROCYTOMA,
        None,
        (2, 3),
        set(),
    ),
    ("4 ATRX for 1p/19q", {"idh": MUT, "atrx": YES, "cdkn2a": NO}, Entity.ASTROCYTOMA, None, (2, 3, 4), set()),
    # 5: 1p/19q unknown
    ("5", {"idh": MUT, "grade": 3}, Entity.MUTANT_GLIOMA, NOS, (3,), {Flag.CODEL_UNTESTED}),
    ("5 ATRX retained", {"idh": MUT, "atrx": NO}, Entity.MUTANT_GLIOMA, NOS, (), {Flag.CODEL_UNTESTED}),
    # 6: a partial loss
    (
        "6",
        {"idh": MUT, "codel": PARTIAL, "grade": 2, "cdkn2a": NO},
        Entity.ASTROCYTOMA,
        None,
        (2,),
        {Flag.CODEL_PARTIAL},
    ),
    # 7: wildtype with a criterion
    (
        "7 necrosis",
        {"idh": WT, "necrosis": YES, "histology": GBM, "h3": H3.WILDTYPE, "age": 64},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        set(),
    ),
    (
        "7 molecular only",
        {"idh": WT, "egfr": YES, "grade": 2, "h3": H3.WILDTYPE, "age": 64},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.GLIOBLASTOMA_MOLECULAR_ONLY, Flag.GRADE_OVERRIDDEN, Flag.IDH_SEQUENCING_ADVISED},
    ),
    (
        "7 TERT only",
        {"idh": WT, "tert": YES, **NO_MICRO, "h3": H3.WILDTYPE, "age": 64},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.GLIOBLASTOMA_MOLECULAR_ONLY, Flag.GLIOBLASTOMA_TERT_ONLY},
    ),
    (
        "7 TERT and another",
        {"idh": WT, "tert": YES, "chr7_10": YES, **NO_MICRO, "h3": H3.WILDTYPE, "age": 64},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.GLIOBLASTOMA_MOLECULAR_ONLY},
    ),
    ("7 H3 unknown", {"idh": WT, "proliferation": YES}, Entity.GLIOBLASTOMA, None, (4,), {Flag.H3_UNTESTED}),
    (
        "7 by the pathologist's word",
        {"idh": WT, "histology": GBM, "h3": H3.WILDTYPE},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.CRITERION_NOT_NAMED},
    ),
    # 8: all five absent
    ("8", {"idh": WT, **NO_FIVE}, Entity.WILDTYPE_GLIOMA, NEC, (), {Flag.CONSIDER_PEDIATRIC_TYPE}),
    (
        "8 a grade without criteria",
        {"idh": WT, **NO_FIVE, "grade": 4},
        Entity.WILDTYPE_GLIOMA,
        NEC,
        (),
        {Flag.CONSIDER_PEDIATRIC_TYPE, Flag.GRADE_WITHOUT_CRITERIA},
    ),
    # 9: criteria open
    (
        "9",
        {"idh": WT, "grade": 3, **NO_MICRO},
        Entity.WILDTYPE_GLIOMA,
        NOS,
        (3,),
        {Flag.GLIOBLASTOMA_MARKERS_UNTESTED, Flag.IDH_SEQUENCING_ADVISED},
    ),
    # 10: wildtype and codeleted
    (
        "10",
        {"idh": WT, "codel": CODEL, "necrosis": YES, "h3": H3.WILDTYPE},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.CODEL_WITHOUT_IDH},
    ),
    (
        "10 oligodendroglial histology",
        {"idh": WT, "codel": CODEL, "histology": OLIGO},
        Entity.WILDTYPE_GLIOMA,
        NOS,
        (),
        {Flag.CODEL_WITHOUT_IDH, Flag.HISTOLOGY_DISCORDANT, Flag.GLIOBLASTOMA_MARKERS_UNTESTED},
    ),
    # 11: codeleted, IDH unknown
    (
        "11",
        {"codel": CODEL, "histology": OLIGO, "grade": 2},
        Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY,
        NOS,
        (2,),
        {Flag.IDH_UNTESTED, Flag.CODEL_WITHOUT_IDH},
    ),
    ("11 no histology", {"codel": CODEL}, Entity.DIFFUSE_GLIOMA, NOS, (), {Flag.IDH_UNTESTED, Flag.CODEL_WITHOUT_IDH}),
    # 12: histology and molecular results differ
    (
        "12 astrocytic",
        {"idh": MUT, "codel": CODEL, "histology": ASTRO, "grade": 2},
        Entity.OLIGODENDROGLIOMA,
        None,
        (2,),
        {Flag.HISTOLOGY_DISCORDANT},
    ),
    (
        "12 oligodendroglial",
        {"idh": MUT, "codel": INTACT, "histology": OLIGO, "grade": 2, "cdkn2a": NO},
        Entity.ASTROCYTOMA,
        None,
        (2,),
        {Flag.HISTOLOGY_DISCORDANT},
    ),
    # 13: H3
    (
        "13 K27",
        {"idh": WT, "h3": H3.K27, "location": Location.MIDLINE},
        Entity.MIDLINE_GLIOMA,
        None,
        (4,),
        {Flag.PEDIATRIC_TYPE},
    ),
    ("13 G34", {"idh": WT, "h3": H3.G34}, Entity.HEMISPHERIC_GLIOMA, None, (4,), {Flag.PEDIATRIC_TYPE}),
    (
        "13 K27 beside necrosis",
        {"idh": WT, "h3": H3.K27, "necrosis": YES},
        Entity.MIDLINE_GLIOMA,
        None,
        (4,),
        {Flag.PEDIATRIC_TYPE, Flag.K27_LOCATION_UNKNOWN},
    ),
    (
        "13 outside the midline",
        {"idh": WT, "h3": H3.K27, "location": Location.HEMISPHERE},
        Entity.DIFFUSE_GLIOMA,
        NEC,
        (),
        {Flag.K27_OUTSIDE_MIDLINE},
    ),
    (
        "13 beside an IDH mutation",
        {"idh": MUT, "codel": INTACT, "h3": H3.G34},
        Entity.DIFFUSE_GLIOMA,
        NEC,
        (),
        {Flag.H3_WITH_IDH_MUTATION},
    ),
    # 14: below 55 years
    (
        "14",
        {"idh": WT, "necrosis": YES, "h3": H3.WILDTYPE, "age": 54.9},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.IDH_SEQUENCING_ADVISED},
    ),
    ("14 from 55", {"idh": WT, "necrosis": YES, "h3": H3.WILDTYPE, "age": 55}, Entity.GLIOBLASTOMA, None, (4,), set()),
    # the adult rule
    (
        "child",
        {"idh": WT, "necrosis": YES, "tert": YES, "h3": H3.WILDTYPE, "age": 17},
        Entity.WILDTYPE_GLIOMA,
        NOS,
        (),
        {Flag.UNDER_18, Flag.CONSIDER_PEDIATRIC_TYPE, Flag.IDH_SEQUENCING_ADVISED},
    ),
    # nothing but histology
    ("histology", {"histology": ASTRO, "grade": 3}, Entity.ASTROCYTOMA_BY_HISTOLOGY, NOS, (3,), {Flag.IDH_UNTESTED}),
    (
        "retired term",
        {"histology": MIXED},
        Entity.DIFFUSE_GLIOMA,
        NOS,
        (),
        {Flag.IDH_UNTESTED, Flag.RETIRED_OLIGOASTROCYTOMA},
    ),
    (
        "histology refuted",
        {"histology": OLIGO, "codel": INTACT},
        Entity.DIFFUSE_GLIOMA,
        NOS,
        (),
        {Flag.IDH_UNTESTED, Flag.HISTOLOGY_DISCORDANT},
    ),
    ("nothing", {}, Entity.DIFFUSE_GLIOMA, NOS, (), {Flag.IDH_UNTESTED}),
]


@pytest.mark.parametrize(
    ("values", "entity", "qualifier", "grades", "flags"), [line[1:] for line in LINES], ids=[line[0] for line in LINES]
)
def test_a_line_of_the_table(
    on_tissue: Callable[..., Findings],
    values: dict[str, Any],
    entity: Entity,
    qualifier: Qualifier | None,
    grades: tuple[int, ...],
    flags: set[Flag],
) -> None:
    found = integrate(on_tissue(**values))
    assert (found.entity, found.qualifier, found.grades) == (entity, qualifier, grades)
    assert set(found.flags) == flags
    assert found.basis is (Basis.NOTHING if found.reasons[0] is Reason.NOTHING_DECISIVE else Basis.TISSUE)


@pytest.mark.parametrize(
    ("values", "tests"),
    [
        ({}, (Test.IDH,)),
        ({"idh": MUT}, (Test.CODEL_WHOLE_ARM, Test.ATRX)),
        ({"idh": MUT, "atrx": NO}, (Test.CODEL_WHOLE_ARM,)),
        ({"idh": MUT, "codel": INTACT, "grade": 2}, (Test.CDKN2A,)),
        ({"idh": WT, "tert": NO, "age": 70}, (Test.EGFR, Test.CHR7_10)),
        (
            {"idh": WT, "codel": CODEL, **NO_FIVE},
            (Test.IDH_SEQUENCING, Test.CODEL_WHOLE_ARM, Test.H3, Test.METHYLATION),
        ),
        ({"idh": MUT, "codel": CODEL, "grade": 2}, ()),
    ],
)
def test_only_what_is_missing_is_suggested(
    on_tissue: Callable[..., Findings], values: dict[str, Any], tests: tuple[Test, ...]
) -> None:
    assert integrate(on_tissue(**values)).tests == tests


def test_an_image_suggests_a_type_and_never_a_grade() -> None:
    suggested = integrate(Findings(idh=from_imaging(WT, 0.9), histology=from_imaging(GBM, 0.8)))
    assert (suggested.entity, suggested.basis) == (Entity.GLIOBLASTOMA, Basis.IMAGING)
    assert suggested.grades == ()
    assert suggested.reasons == (Reason.WILDTYPE_LOOKS_LIKE_GLIOBLASTOMA, Reason.GRADE_NOT_FROM_IMAGING)
    assert {Flag.IMAGING_SUGGESTED, Flag.GLIOBLASTOMA_MARKERS_UNTESTED, Flag.H3_UNTESTED} == set(suggested.flags)
    assert suggested.tests[0] is Test.TISSUE


def test_one_deciding_finding_from_an_image_is_enough_for_a_mere_suggestion() -> None:
    mixed = integrate(Findings(idh=from_tissue(MUT), codel=from_imaging(INTACT), grade=from_tissue(3)))
    assert (mixed.entity, mixed.basis, mixed.grades) == (Entity.ASTROCYTOMA, Basis.IMAGING, ())
    unused = integrate(
        Findings(idh=from_tissue(MUT), codel=from_tissue(INTACT), grade=from_tissue(3), histology=from_imaging(GBM))
    )
    assert (unused.basis, unused.grades) == (Basis.TISSUE, (3,))


def test_an_image_that_looks_like_glioblastoma_does_not_outvote_the_microscope() -> None:
    no_micro = {name: from_tissue(NO) for name in NO_MICRO}
    found = integrate(Findings(idh=from_tissue(WT), histology=from_imaging(GBM), **no_micro))
    assert (found.entity, found.qualifier, found.basis) == (Entity.WILDTYPE_GLIOMA, NOS, Basis.TISSUE)


@pytest.mark.parametrize(
    ("findings", "entity"),
    [
        (Findings(idh=from_imaging(WT), codel=from_tissue(CODEL), histology=from_tissue(OLIGO)), "oligodendroglioma"),
        (Findings(idh=from_imaging(MUT), h3=from_tissue(H3.G34)), "diffuse_hemispheric_glioma_h3_g34_mutant"),
    ],
)
def test_an_image_that_contradicts_tissue_is_set_aside(findings: Findings, entity: str) -> None:
    found = integrate(findings)
    assert found.entity == f"entity.{entity}"
    assert found.basis is Basis.TISSUE
    assert Flag.IMAGING_SET_ASIDE in found.flags


def test_a_failed_test_is_no_negative_one() -> None:
    five = {name: from_tissue(NO) for name in NO_FIVE} | {"egfr": INCONCLUSIVE}
    found = integrate(Findings(idh=from_tissue(WT), age=from_record(70.0), **five))
    assert found.qualifier is NOS
    assert found.tests == (Test.EGFR,)
