"""The layered report of WHO CNS5 from tissue completed by imaging, and where the two disagree."""

from typing import Any

from client.reading_room.model_answers import answers_of
from client.reading_room.panel.numbers import percent
from client.reading_room.record import Record
from client.reading_room.store.pathology import tissue_findings
from client.reading_room.tissue_classes import TYPES, tissue_type
from gmmas_core.diagnosis import layered_report, text
from gmmas_core.diagnosis.ids import Basis, Flag
from gmmas_core.diagnosis.imaging import LEAST_CONFIDENCE


def layers_of(record: Record) -> dict[str, Any]:
    """The report in words, what it rests on, and what pathology says against imaging."""
    report = layered_report(record.diagnosis)
    shown_above = text(Flag.IMAGING_SUGGESTED)
    markers = [tuple(line.split(": ", 1)) for line in report.molecular]
    silent = (text("state.not_assessable"), text("state.unknown"))
    return {
        "integrated": report.integrated,
        "histology": report.histology,
        "grade": report.grade,
        "molecular": [line for line in markers if line[1] not in silent],
        "silent": [(words, [name for name, value in markers if value == words]) for words in silent],
        "reasons": report.reasons,
        "flags": [flag for flag in report.flags if flag != shown_above],
        "tests": report.tests,
        "basis": text(record.diagnosis.basis),
        "is_suggestion": record.diagnosis.basis is Basis.IMAGING,
        "least": percent(LEAST_CONFIDENCE),
        "pathology": bool(record.pathology),
        "contradiction": _contradiction(record),
    }


def _contradiction(record: Record) -> dict[str, str] | None:
    """The first type that imaging suggests, where tissue shows another one."""
    types = answers_of(record.document).types
    on_tissue = tissue_type(tissue_findings(record.pathology)) if record.pathology else None
    if on_tissue is None or not types:
        return None
    suggested = max(TYPES, key=lambda each: types[each.value])
    if suggested is on_tissue:
        return None
    return {"tissue": text(on_tissue), "imaging": text(suggested)}
