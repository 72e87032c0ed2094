"""FHIR R4: a bundle of one preliminary report and its observations. Never final, never about a named person.

The patient is the pseudonym alone. What is not assessable, and every sequence that is missing, is an observation with a
`dataAbsentReason`. Identifiers of DICOM appear only where the study came from DICOM, within its hospital.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from client.reading_room.exports import product
from client.reading_room.exports.originals import first_headers
from client.reading_room.exports.rows import Row, rows_of
from client.reading_room.record import Record
from gmmas_core.types import DISCLAIMER

Resource = dict[str, Any]

MEASURES = "urn:gmmas-fed:measure"
PSEUDONYM = "urn:gmmas-fed:pseudonym"
RESEARCH_ONLY = "urn:gmmas-fed:research-use-only"

_HL7 = "http://terminology.hl7.org/CodeSystem"
_SNOMED = "http://snomed.info/sct"
_UNITS = {"mL": "mL", "mm": "mm", "mm2": "mm2", "1": "1"}
"""Unit of a row -> UCUM."""


def fhir_file(record: Record, pdf: bytes | None = None) -> bytes:
    """The bundle as JSON.

    Args:
        record: what was read.
        pdf: the clinician's report, attached as the report's presented form.
    """
    return (json.dumps(bundle(record, pdf), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def bundle(record: Record, pdf: bytes | None = None) -> Resource:
    """A Bundle of type collection: report, patient, device, imaging study where there is one, observations."""
    patient, device = _patient(record), _device(record)
    imaging = _imaging_study(record) if record.study.source == "dicom" else None
    observations = [_observation(record, row, imaging is not None) for row in rows_of(record.document)]
    report = _report(record, observations, imaging is not None, pdf)
    resources = [report, patient, device, *([] if imaging is None else [imaging]), *observations]
    return {
        "resourceType": "Bundle",
        "id": _id(record, "bundle"),
        "meta": _meta(),
        "type": "collection",
        "timestamp": record.revision.created_at,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources],
    }


def _report(record: Record, observations: Sequence[Resource], with_images: bool, pdf: bytes | None) -> Resource:
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "id": _id(record, "report"),
        "meta": _meta(),
        "text": _narrative("Report of an MRI reading by research software", _conclusion(record)),
        "extension": [{"url": RESEARCH_ONLY, "valueString": DISCLAIMER}],
        "status": "preliminary",
        "category": [
            {"coding": [{"system": f"{_HL7}/v2-0074", "code": "NMR", "display": "Nuclear Magnetic Resonance"}]}
        ],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}],
            "text": "RESEARCH reading of a glioma MRI",
        },
        "subject": _to(record, "patient"),
        "issued": record.revision.created_at,
        "result": [{"reference": f"urn:uuid:{each['id']}"} for each in observations],
        "conclusion": _conclusion(record),
    }
    if record.study.study_date is not None:
        report["effectiveDateTime"] = record.study.study_date
    if with_images:
        report["imagingStudy"] = [_to(record, "imaging study")]
    if pdf is not None:
        attached = base64.b64encode(pdf).decode()
        report["presentedForm"] = [
            {"contentType": "application/pdf", "title": "RESEARCH report for the clinician", "data": attached}
        ]
    return report


def _conclusion(record: Record) -> str:
    """In words, without numbers: those stand in the observations."""
    names = [each["name"] for each in record.document["suggested"]["types"]]
    suggestion = (
        f"Types that imaging suggests, most probable first: {'; '.join(names)}."
        if names
        else "Imaging suggests no type."
    )
    flags = " ".join(flag["text"] for flag in record.document["suggested"]["flags"])
    quality = f"Quality checks, gravest verdict: {record.document['verdict']}."
    return " ".join(part for part in (DISCLAIMER, suggestion, flags, quality, _standing(record)) if part)


def _standing(record: Record) -> str:
    if record.decision is None:
        return "No clinician has signed this reading."
    return f"A clinician has {record.decision.kind} revision {record.decision.revision} in the reading room."


def _patient(record: Record) -> Resource:
    return {
        "resourceType": "Patient",
        "id": _id(record, "patient"),
        "meta": _meta(),
        "text": _narrative("Pseudonym, no name is known here"),
        "identifier": [{"system": PSEUDONYM, "value": record.study.patient}],
    }


def _device(record: Record) -> Resource:
    return {
        "resourceType": "Device",
        "id": _id(record, "device"),
        "meta": _meta(),
        "text": _narrative(f"{product.NAME}, model {product.model_id(record)}"),
        "manufacturer": product.MANUFACTURER,
        "deviceName": [{"name": product.NAME, "type": "manufacturer-name"}],
        "modelNumber": product.model_id(record),
        "version": [{"type": {"text": "release"}, "value": product.software()}],
        "note": [{"text": DISCLAIMER}],
    }


def _imaging_study(record: Record) -> Resource:
    """The source's own study and series, by their UIDs; descriptions are left out, people write names into them."""
    headers = first_headers(record)
    study: Resource = {
        "resourceType": "ImagingStudy",
        "id": _id(record, "imaging study"),
        "meta": _meta(),
        "text": _narrative("MRI from which the reading was made"),
        "status": "available",
        "subject": _to(record, "patient"),
        "modality": [_modality()],
        "numberOfSeries": len(headers),
        "series": [
            {"uid": str(header.SeriesInstanceUID), "modality": _modality(), "numberOfInstances": count}
            for header, count in headers
        ],
    }
    uids = {str(header.StudyInstanceUID) for header, _ in headers}
    study["identifier"] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"} for uid in sorted(uids)]
    if record.study.study_date is not None:
        study["started"] = record.study.study_date
    return study


def _observation(record: Record, row: Row, with_images: bool) -> Resource:
    observation: Resource = {
        "resourceType": "Observation",
        "id": _id(record, row.id),
        "meta": _meta(),
        "text": _narrative(row.name),
        "status": "preliminary",
        "category": [{"coding": [{"system": f"{_HL7}/observation-category", "code": "imaging", "display": "Imaging"}]}],
        "code": {"coding": [{"system": MEASURES, "code": row.id}, *_standard_code(row)], "text": row.name},
        "subject": _to(record, "patient"),
        "issued": record.revision.created_at,
        "device": _to(record, "device"),
        "bodySite": {"coding": [{"system": _SNOMED, "code": "12738006", "display": "Brain"}]},
        "note": [{"text": text} for text in (row.meaning, DISCLAIMER) if text],
        **_value(row, record.document),
    }
    if record.study.study_date is not None:
        observation["effectiveDateTime"] = record.study.study_date
    if with_images:
        observation["derivedFrom"] = [_to(record, "imaging study")]
    parts = (("error", "plus or minus, of the voxel grid"), ("low", "interval, low"), ("high", "interval, high"))
    components = [
        {
            "code": {"coding": [{"system": MEASURES, "code": name}], "text": text},
            "valueQuantity": _quantity(getattr(row, name), row.unit),
        }
        for name, text in parts
        if getattr(row, name) is not None
    ]
    if components:
        observation["component"] = components
    return observation


def _value(row: Row, document: Mapping[str, Any]) -> Resource:
    if row.value is None:
        named = {*document["not_assessable"].values(), *document["abstained"].values()}
        code = "not-performed" if row.source == "upload" or row.reason in named else "unknown"
        coding = {"system": f"{_HL7}/data-absent-reason", "code": code}
        return {"dataAbsentReason": {"coding": [coding], "text": row.reason}}
    if isinstance(row.value, str):
        return {"valueString": row.value}
    if not row.unit:
        return {"valueInteger": row.value}
    return {"valueQuantity": _quantity(row.value, row.unit)}


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": _UNITS[unit]}


def _standard_code(row: Row) -> Iterator[Resource]:
    if row.id.startswith("volume."):
        yield {"system": _SNOMED, "code": "118565006", "display": "Volume"}


def _modality() -> Resource:
    return {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR", "display": "Magnetic Resonance"}


def _meta() -> Resource:
    return {
        "tag": [{"system": RESEARCH_ONLY, "code": "research", "display": DISCLAIMER}],
        "security": [{"system": f"{_HL7}/v3-ActReason", "code": "HRESCH", "display": "healthcare research"}],
    }


def _narrative(*sentences: str) -> Resource:
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in (*sentences, DISCLAIMER))
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'}


def _to(record: Record, what: str) -> Resource:
    return {"reference": f"urn:uuid:{_id(record, what)}"}


def _id(record: Record, what: str) -> str:
    """The same whenever this revision is exported again, and within the bundle the same for the same thing."""
    return str(product.identity(record, "fhir", what))
