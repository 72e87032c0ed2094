"""A reading as a table for a spreadsheet, and as JSON: the whole document with what people decided on it.

Every row of the table and the JSON itself carry the disclaimer. Notes that people wrote are free text and stay in the
room.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from client.reading_room.exports import product
from client.reading_room.exports.rows import Row, rows_of
from client.reading_room.record import Record
from client.reading_room.store.decisions import Decision
from gmmas_core.types import DISCLAIMER

COLUMNS = (
    *("study", "revision", "model", "id", "name", "value", "unit", "error"),
    *("interval_low", "interval_high", "interval_meaning", "not_assessable", "source", "notice"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_file(record: Record) -> bytes:
    """One row per finding, UTF-8; who stands for it first, what pathology says last."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in (_decided(record), *rows_of(record.document), *_on_tissue(record)):
        writer.writerow(_cells(record, row))
    return buffer.getvalue().encode()


def json_file(record: Record) -> bytes:
    """The document, unchanged but for the notes, with decision, pathology and disclaimer."""
    content = {
        "disclaimer": DISCLAIMER,
        "use": product.RESEARCH,
        "software": {"name": product.NAME, "release": product.software()},
        "study": {
            "id": record.study.id,
            "patient": record.study.patient,
            "study_date": record.study.study_date,
            "source": record.study.source,
            "state": record.study.state,
        },
        "revision": {
            "number": record.revision.number,
            "author": record.revision.author,
            "model_id": record.revision.model_id,
            "created_at": record.revision.created_at,
            "sha256": record.revision.sha256,
        },
        "decision": _decision(record.decision),
        "patient_report_released": _decision(record.release),
        "pathology": {
            marker.value: {"value": entry.value, "user": entry.user, "at": entry.at}
            for marker, entry in record.pathology.items()
        },
        "document": without_notes(record.document),
    }
    return (json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def without_notes(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without what somebody wrote in their own words."""
    corrected = document.get("corrected")
    if corrected is None:
        return dict(document)
    return {**document, "corrected": {key: value for key, value in corrected.items() if key != "note"}}


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {"kind": decision.kind, "revision": decision.revision, "user": decision.user, "at": decision.at}


def _decided(record: Record) -> Row:
    """A rejected reading must not look like a signed one, wherever the table goes."""
    decision, name = record.decision, "decision of a clinician"
    if decision is None:
        return Row(id="decision", name=name, value="not signed", source="clinician")
    value = f"{decision.kind}: revision {decision.revision}"
    return Row(id="decision", name=name, value=value, source="clinician")


def _on_tissue(record: Record) -> list[Row]:
    return [
        Row(id=f"pathology.{marker}", name=f"{marker}, on tissue", value=entry.value, source="pathology")
        for marker, entry in record.pathology.items()
    ]


def _cells(record: Record, row: Row) -> list[str]:
    is_corrected = row.source == "outline" and product.is_mask_corrected(record)
    source = "outline, corrected by a clinician" if is_corrected else row.source
    cells = (
        *(record.study.id, record.revision.number, record.revision.model_id, row.id, row.name, row.value, row.unit),
        *(row.error, row.low, row.high, row.meaning, row.reason, source, DISCLAIMER),
    )
    return [_cell(each) for each in cells]


def _cell(value: object) -> str:
    """A number as it is; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    return f"'{value}" if value.startswith(_FORMULA) else value
