"""Which tests are suggested, and what an image may and may not decide beside tissue."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.findings import INCONCLUSIVE, Findings, from_imaging, from_record, from_tissue
from gmmas_core.diagnosis.ids import Basis, Entity, Flag, Qualifier, Reason, Test
from gmmas_core.diagnosis.integrate import integrate
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh

MUT, WT = Idh.MUTANT, Idh.WILDTYPE
CODEL, INTACT = Codel.CODELETED, Codel.INTACT
NO = Alteration.ABSENT
OLIGO, GBM = Histology.OLIGODENDROGLIOMA, Histology.GLIOBLASTOMA
NO_MICRO = {"proliferation": NO, "necrosis": NO}
NO_FIVE = {**NO_MICRO, "tert": NO, "egfr": NO, "chr7_10": NO}
NOS = Qualifier.NOS


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
