"""Invariants of the decision table over enumerated findings, and over any findings at all.

The product of all inputs has more than 10^10 members. Four blocks enumerate in full what the lines of the table read
together; the last tests draw from the whole product.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.diagnosis.describe import layered_report
from gmmas_core.diagnosis.findings import (
    ABSTAINED,
    INCONCLUSIVE,
    UNTESTED,
    Finding,
    Findings,
    from_imaging,
    from_record,
    from_tissue,
)
from gmmas_core.diagnosis.ids import Basis, Entity, Flag, Qualifier
from gmmas_core.diagnosis.integrate import Diagnosis, integrate
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh, Location, Marker, Mgmt, Source

Options = Mapping[str, Sequence[Finding[Any]]]

YES, NO = from_tissue(Alteration.PRESENT), from_tissue(Alteration.ABSENT)
THREE = (YES, NO, UNTESTED)
OLIGODENDROGLIAL = (Entity.OLIGODENDROGLIOMA, Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY)
NAMED_WILDTYPE = (Entity.GLIOBLASTOMA, Entity.WILDTYPE_GLIOMA)
NAMED_MUTANT = (Entity.OLIGODENDROGLIOMA, Entity.ASTROCYTOMA, Entity.MUTANT_GLIOMA)
BY_H3 = (Entity.MIDLINE_GLIOMA, Entity.HEMISPHERIC_GLIOMA)


def tissue_or_not(values: Sequence[Any]) -> tuple[Finding[Any], ...]:
    return (*map(from_tissue, values), UNTESTED)


TYPES: Options = {
    "idh": tissue_or_not(tuple(Idh)),
    "codel": tissue_or_not(tuple(Codel)),
    "histology": tissue_or_not(tuple(Histology)),
    "grade": tissue_or_not((2, 3, 4)),
    "proliferation": THREE,
    "egfr": THREE,
    "cdkn2a": THREE,
}
"""What decides between the adult types and their grades."""

CRITERIA: Options = {
    "idh": tuple(map(from_tissue, Idh)),
    "histology": tissue_or_not((Histology.GLIOBLASTOMA,)),
    **dict.fromkeys(("proliferation", "necrosis", "cdkn2a", "tert", "egfr", "chr7_10"), THREE),
    "codel": tissue_or_not((Codel.INTACT,)),
}
"""The six criteria one by one."""

CONTEXT: Options = {
    "h3": tissue_or_not(tuple(H3)),
    "location": (*map(from_record, Location), UNTESTED),
    "age": (from_record(17.9), from_record(18.0), from_record(60.0), UNTESTED),
    "idh": tissue_or_not(tuple(Idh)),
    "codel": tissue_or_not((Codel.CODELETED, Codel.INTACT)),
    "necrosis": (YES, NO),
    "tert": (YES, UNTESTED),
    "atrx": (YES, UNTESTED),
}
"""H3, place and age beside what they overrule."""

SOURCES: Options = {
    "idh": (*map(from_imaging, Idh), *map(from_tissue, Idh), ABSTAINED, UNTESTED),
    "codel": (*map(from_imaging, (Codel.CODELETED, Codel.INTACT)), from_tissue(Codel.CODELETED), INCONCLUSIVE),
    "histology": (
        *map(from_imaging, (Histology.GLIOBLASTOMA, Histology.LOWER_GRADE)),
        from_tissue(Histology.ASTROCYTOMA),
    ),
    "grade": tissue_or_not((2, 4)),
    "necrosis": THREE,
    "h3": tissue_or_not((H3.WILDTYPE, H3.G34)),
    "age": (from_record(12.0), UNTESTED),
}
"""Images and tissue side by side."""

EVERYTHING: Options = {
    "histology": (*map(from_tissue, Histology), *map(from_imaging, Histology), ABSTAINED, INCONCLUSIVE, UNTESTED),
    "idh": (*map(from_tissue, Idh), *map(from_imaging, Idh), ABSTAINED, INCONCLUSIVE, UNTESTED),
    "codel": (*map(from_tissue, Codel), *map(from_imaging, Codel), ABSTAINED, INCONCLUSIVE, UNTESTED),
    "mgmt": (*map(from_tissue, Mgmt), *map(from_imaging, Mgmt), UNTESTED),
    "grade": tissue_or_not((2, 3, 4)),
    **dict.fromkeys(
        ("atrx", "cdkn2a", "tert", "egfr", "chr7_10", "proliferation", "necrosis"), (YES, NO, INCONCLUSIVE, UNTESTED)
    ),
    "h3": (*tissue_or_not(tuple(H3)), INCONCLUSIVE),
    "location": (*map(from_record, Location), *map(from_imaging, Location), UNTESTED),
    "age": (*map(from_record, (0.0, 17.9, 18.0, 54.9, 55.0, 120.0)), UNTESTED),
}


def enumerated(options: Options) -> Iterator[Findings]:
    for values in product(*options.values()):
        yield Findings(**dict(zip(options, values, strict=True)))


def on_tissue(finding: Finding[Any]) -> Any:
    return finding.value if finding.source is Source.TISSUE else None


def broken(f: Findings, found: Diagnosis) -> list[str]:
    """Names of the invariants that do not hold."""
    idh, codel, h3 = on_tissue(f.idh), on_tissue(f.codel), on_tissue(f.h3)
    altered = h3 in (H3.K27, H3.G34)
    flags, entity, grades = set(found.flags), found.entity, found.grades
    mutant = idh is Idh.MUTANT and not altered
    rules = {
        "codeleted and mutant is oligodendroglioma": not (mutant and codel is Codel.CODELETED)
        or entity is Entity.OLIGODENDROGLIOMA,
        "intact and mutant is astrocytoma": not (mutant and codel in (Codel.INTACT, Codel.PARTIAL))
        or entity is Entity.ASTROCYTOMA,
        "mutant is never a wildtype type": idh is not Idh.MUTANT
        or entity not in (*NAMED_WILDTYPE, *BY_H3, Entity.GLIOBLASTOMA_BY_HISTOLOGY),
        "wildtype is never a mutant type": idh is not Idh.WILDTYPE or entity not in (*NAMED_MUTANT, *OLIGODENDROGLIAL),
        "wildtype and codeleted is flagged": not (f.idh.value is Idh.WILDTYPE and f.codel.value is Codel.CODELETED)
        or Flag.CODEL_WITHOUT_IDH in flags,
        "no named type of unknown IDH": f.idh.known or entity not in (*NAMED_MUTANT, *NAMED_WILDTYPE),
        "oligodendroglioma is never 4": entity not in OLIGODENDROGLIAL or 4 not in grades,
        "glioblastoma is 4 or not graded": entity is not Entity.GLIOBLASTOMA or grades in ((4,), ()),
        "no glioblastoma below 18": not (f.age.known and f.age.value < 18) or entity is not Entity.GLIOBLASTOMA,
        "an altered H3 names the type or nothing": not altered or entity in (*BY_H3, Entity.DIFFUSE_GLIOMA),
        "no H3 type without H3": altered or entity not in BY_H3,
        "CDKN2A makes astrocytoma 4": not (f.cdkn2a == YES and entity is Entity.ASTROCYTOMA) or grades in ((4,), ()),
        "no grade from an image": found.basis is not Basis.IMAGING or not grades,
        "a suggestion says so": (found.basis is Basis.IMAGING) == (Flag.IMAGING_SUGGESTED in flags),
        "tissue alone is never a suggestion": any(getattr(f, marker).imaged for marker in Marker)
        or found.basis is not Basis.IMAGING,
        "a grade that differs from the given one says so": not (grades and f.grade.known)
        or f.grade.value in grades
        or bool(flags & {Flag.GRADE_OVERRIDDEN, Flag.OLIGODENDROGLIOMA_GRADE_4}),
        "a full type has no qualifier": (found.qualifier is None)
        == (entity in (Entity.OLIGODENDROGLIOMA, Entity.ASTROCYTOMA, Entity.GLIOBLASTOMA, *BY_H3)),
        "NEC needs results": found.qualifier is not Qualifier.NEC or f.idh.known or altered,
        "nothing is said twice": len(flags) == len(found.flags) and len(set(found.tests)) == len(found.tests),
        "no test that was done": not any(
            on_tissue(getattr(f, name)) is not None and f"test.{name}" in found.tests
            for name in ("idh", "cdkn2a", "tert", "egfr", "chr7_10", "h3", "atrx")
        ),
    }
    return [name for name, holds in rules.items() if not holds]


@pytest.mark.parametrize(
    "options", [TYPES, CRITERIA, CONTEXT, SOURCES], ids=["types", "criteria", "context", "sources"]
)
def test_no_combination_breaks_an_invariant(options: Options) -> None:
    seen: set[Entity] = set()
    for findings in enumerated(options):
        found = integrate(findings)
        assert not broken(findings, found), findings
        seen.add(found.entity)
    assert len(seen) >= 4  # the block reaches several branches


def test_every_type_of_the_table_is_reached() -> None:
    without_criteria = {name: TYPES[name] for name in ("idh", "codel", "histology", "proliferation")}
    reached = {integrate(f).entity for options in (without_criteria, CONTEXT) for f in enumerated(options)}
    assert reached == set(Entity) - {Entity.WILDTYPE_GROUP}  # that one is of the ranking


@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in EVERYTHING.items()}))
def test_no_findings_at_all_break_an_invariant(values: dict[str, Finding[Any]]) -> None:
    findings = Findings(**values)
    found = integrate(findings)
    assert not broken(findings, found)
    report = layered_report(found)
    assert all((report.integrated, report.grade, report.histology, report.disclaimer, *report.reasons))
    json.dumps(asdict(found), allow_nan=False)


@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in EVERYTHING.items()}))
def test_a_failed_test_decides_like_one_that_was_not_done(values: dict[str, Finding[Any]]) -> None:
    failed = {name: finding if finding.known else INCONCLUSIVE for name, finding in values.items()}
    undone = {name: finding if finding.known else UNTESTED for name, finding in values.items()}
    one, other = integrate(Findings(**failed)), integrate(Findings(**undone))
    assert (one.entity, one.qualifier, one.grades, one.flags) == (
        other.entity,
        other.qualifier,
        other.grades,
        other.flags,
    )


@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in EVERYTHING.items()}))
def test_mgmt_decides_nothing(values: dict[str, Finding[Any]]) -> None:
    with_it, without = integrate(Findings(**values)), integrate(Findings(**{**values, "mgmt": UNTESTED}))
    assert (with_it.entity, with_it.grades, with_it.flags) == (without.entity, without.grades, without.flags)
