"""Lines of the WHO CNS5 decision table for IDH-mutant tumours, checked by hand; numbers as in the core's README."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.ids import Entity, Flag, Qualifier
from gmmas_core.diagnosis.markers import Alteration, Codel, Histology, Idh

MUT = Idh.MUTANT
CODEL, INTACT, PARTIAL = Codel.CODELETED, Codel.INTACT, Codel.PARTIAL
YES, NO = Alteration.PRESENT, Alteration.ABSENT
OLIGO, ASTRO, GBM = Histology.OLIGODENDROGLIOMA, Histology.ASTROCYTOMA, Histology.GLIOBLASTOMA
NO_MICRO = {"proliferation": NO, "necrosis": NO}
NOS = Qualifier.NOS

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
    (
        "1 with ATRX lost",
        {"idh": MUT, "codel": CODEL, "atrx": YES, "grade": 2},
        Entity.OLIGODENDROGLIOMA,
        None,
        (2,),
        {Flag.ATRX_WITH_CODELETION},
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
    (
        "3 by the pathologist's word",
        {"idh": MUT, "codel": INTACT, "histology": GBM, "tert": YES, "grade": 4},
        Entity.ASTROCYTOMA,
        None,
        (4,),
        {Flag.RETIRED_MUTANT_GLIOBLASTOMA, Flag.CRITERION_NOT_NAMED},
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
]


@pytest.mark.parametrize("line", LINES, ids=[line[0] for line in LINES])
def test_a_line_of_the_table(check_line: Callable[[Any], None], line: Any) -> None:
    check_line(line)
