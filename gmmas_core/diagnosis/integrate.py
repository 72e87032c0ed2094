"""Findings -> the layered, integrated diagnosis of WHO CNS5. Rules only: the same findings always give the same ids."""

from dataclasses import dataclass, replace
from typing import Any

from gmmas_core.diagnosis.findings import Finding, Findings
from gmmas_core.diagnosis.flags import flags_of, rests_on_image, tests_for
from gmmas_core.diagnosis.ids import Basis, Entity, Flag, Qualifier, Reason, Test
from gmmas_core.diagnosis.markers import Histology, Marker
from gmmas_core.diagnosis.rules import Decision, decide

MOLECULAR = (
    Marker.IDH,
    Marker.CODEL,
    Marker.MGMT,
    Marker.ATRX,
    Marker.CDKN2A,
    Marker.TERT,
    Marker.EGFR,
    Marker.CHR7_10,
    Marker.H3,
)
"""The fourth layer of a report, in its order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The four layers, and what must be read with them. `describe` puts it into words.

    Attributes:
        entity: first layer, the integrated diagnosis.
        qualifier: NOS, NEC or none.
        basis: tissue, or an image: then it is a suggestion, and no diagnosis.
        histology: second layer.
        grades: third layer: one CNS WHO grade, the range that is possible, or () where none may be stated. Always ()
            where the type rests on an image.
        molecular: fourth layer; every marker, whether known or not.
        reasons: the line of the table, then where the grade comes from.
        flags: in the order of their table.
        tests: that would settle an open question.
    """

    entity: Entity
    qualifier: Qualifier | None
    basis: Basis
    histology: Finding[Histology]
    grades: tuple[int, ...]
    molecular: tuple[tuple[Marker, Finding[Any]], ...]
    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]
    tests: tuple[Test, ...]


def integrate(findings: Findings) -> Diagnosis:
    """The line of the decision table that these findings meet, as layers.

    A CNS WHO grade comes from tissue alone: where any finding that decides the type is an image's, none is stated.
    """
    decision = decide(findings)
    basis = _basis(findings, decision)
    if basis is Basis.IMAGING:
        decision = replace(decision, grades=(), grade_reason=Reason.GRADE_NOT_FROM_IMAGING)
    flags = flags_of(findings, decision)
    return Diagnosis(
        entity=decision.entity,
        qualifier=decision.qualifier,
        basis=basis,
        histology=findings.histology,
        grades=decision.grades,
        molecular=tuple((marker, getattr(findings, marker)) for marker in MOLECULAR),
        reasons=(decision.reason, decision.grade_reason),
        flags=flags,
        tests=tests_for(flags, findings),
    )


def _basis(findings: Findings, decision: Decision) -> Basis:
    if rests_on_image(findings, decision):
        return Basis.IMAGING
    return Basis.TISSUE if decision.decided_by else Basis.NOTHING
