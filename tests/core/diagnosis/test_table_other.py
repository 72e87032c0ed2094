"""Lines of the WHO CNS5 decision table for IDH-wildtype tumours, unknown IDH and altered H3, checked by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.ids import Entity, Flag, Qualifier
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh, Location

MUT, WT = Idh.MUTANT, Idh.WILDTYPE
CODEL, INTACT = Codel.CODELETED, Codel.INTACT
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
    (
        "11 astrocytic histology",
        {"codel": CODEL, "histology": ASTRO, "grade": 2},
        Entity.DIFFUSE_GLIOMA,
        NOS,
        (2,),
        {Flag.IDH_UNTESTED, Flag.CODEL_WITHOUT_IDH, Flag.HISTOLOGY_DISCORDANT},
    ),
    ("11 no histology", {"codel": CODEL}, Entity.DIFFUSE_GLIOMA, NOS, (), {Flag.IDH_UNTESTED, Flag.CODEL_WITHOUT_IDH}),
    # 13: H3
    (
        "13 K27",
        {"idh": WT, "h3": H3.K27, "location": Location.MIDLINE},
        Entity.MIDLINE_GLIOMA,
        None,
        (4,),
        {Flag.PEDIATRIC_TYPE},
    ),
    (
        "13 midline, H3 unknown",
        {"idh": WT, "necrosis": YES, "location": Location.MIDLINE},
        Entity.GLIOBLASTOMA,
        None,
        (4,),
        {Flag.H3_UNTESTED, Flag.H3_UNTESTED_MIDLINE},
    ),
    ("13 IDH unknown", {"h3": H3.G34}, Entity.HEMISPHERIC_GLIOMA, None, (4,), {Flag.PEDIATRIC_TYPE}),
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


@pytest.mark.parametrize("line", LINES, ids=[line[0] for line in LINES])
def test_a_line_of_the_table(check_line: Callable[[Any], None], line: Any) -> None:
    check_line(line)
