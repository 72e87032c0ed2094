"""FHIR: valid for an independent model of the standard, preliminary, of a pseudonym, with the document's numbers."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from client.reading_room.exports.fhir import bundle, fhir_file
from client.reading_room.exports.rows import rows_of
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import sign
from gmmas_core.types import DISCLAIMER

ReadStudy = Callable[..., tuple[Room, str]]
RecordOf = Callable[[Room, str], Record]
Resources = dict[str, list[dict[str, Any]]]


def resources_of(content: bytes) -> Resources:
    found: Resources = {}
    for entry in json.loads(content)["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def observations(found: Resources) -> dict[str, dict[str, Any]]:
    return {each["code"]["coding"][0]["code"]: each for each in found["Observation"]}


@pytest.mark.parametrize("left_out", [(), ("t1c",), ("t2", "flair")])
@pytest.mark.parametrize("source", ["nifti", "dicom"])
def test_a_reader_of_the_standard_takes_it(
    read_study: ReadStudy, read_dicom_study: ReadStudy, record_of: RecordOf, left_out: tuple[str, ...], source: str
) -> None:
    record = record_of(*(read_study if source == "nifti" else read_dicom_study)(*left_out))
    content = fhir_file(record, pdf=b"%PDF-1.7")
    read = Bundle.model_validate_json(content)
    assert read.type == "collection"
    ids = {entry.fullUrl for entry in read.entry}
    assert len(ids) == len(read.entry)
    assert set(re.findall(r'"reference": "([^"]+)"', content.decode())) <= ids, "every reference is in the bundle"
    assert fhir_file(record, pdf=b"%PDF-1.7") == content


def test_every_number_is_the_document_s(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    found = observations(resources_of(fhir_file(record)))
    for key, measure in record.document["measures"]["volume"].items():
        told = found[f"volume.{key}"]
        assert told["valueQuantity"] == {
            "value": measure["value"],
            "unit": "mL",
            "system": "http://unitsofmeasure.org",
            "code": "mL",
        }
        parts = {part["code"]["coding"][0]["code"]: part["valueQuantity"]["value"] for part in told["component"]}
        assert parts == {
            "error": measure["error"],
            "low": measure["interval"]["low"],
            "high": measure["interval"]["high"],
        }
    for task, value in record.document["probability"].items():
        assert found[f"probability.{task}"]["valueQuantity"]["value"] == value
    for row in rows_of(record.document):
        told = found[row.id]
        values = [told.get("valueQuantity", {}).get("value"), told.get("valueString"), told.get("valueInteger")]
        assert [value for value in values if value is not None] == ([] if row.value is None else [row.value])
        assert (row.value is None) == ("dataAbsentReason" in told)


def test_nothing_final_and_research_everywhere(read_study: ReadStudy, record_of: RecordOf) -> None:
    room, study = read_study()
    with room.database() as connection, transaction(connection):
        sign(connection, study, "clinician", 1)
    found = resources_of(fhir_file(record_of(room, study)))
    [report] = found["DiagnosticReport"]
    assert {each["status"] for each in (report, *found["Observation"])} == {"preliminary"}
    assert DISCLAIMER in report["conclusion"]
    assert "has signed revision 1" in report["conclusion"]
    assert report["extension"] == [{"url": "urn:gmmas-fed:research-use-only", "valueString": DISCLAIMER}]
    for each in (resource for group in found.values() for resource in group):
        assert each["meta"]["security"][0]["code"] == "HRESCH"
        assert each["meta"]["tag"][0]["display"] == DISCLAIMER
        assert DISCLAIMER in each["text"]["div"]


def test_what_is_missing_says_so_and_has_no_value(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study("t1c"))
    found = observations(resources_of(fhir_file(record)))
    for key in ("volume.et", "volume.tc", "volume.necrosis", "sequence.t1c"):
        told = found[key]
        assert told["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
        assert not [name for name in told if name.startswith("value")]
    assert found["volume.et"]["dataAbsentReason"]["text"] == record.document["not_assessable"]["et"]
    assert "valueQuantity" in found["volume.wt"]


def test_what_the_model_abstained_from_has_no_value(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    document = {**record.document, "abstained": {"idh": "the passes disagree"}}
    told = observations(resources_of(fhir_file(Record(**{**record.__dict__, "document": document}))))
    assert told["probability.idh"]["dataAbsentReason"]["text"] == "the passes disagree"
    assert "valueQuantity" not in told["probability.idh"]
    assert "valueQuantity" in told["probability.codel_1p19q"]


def test_the_patient_is_a_pseudonym_and_nifti_has_no_identifier(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    content = fhir_file(record)
    found = resources_of(content)
    [patient] = found["Patient"]
    assert patient["identifier"] == [{"system": "urn:gmmas-fed:pseudonym", "value": "p-001"}]
    assert not {"name", "birthDate", "gender", "address", "telecom"} & set(patient)
    assert "ImagingStudy" not in found
    assert b"urn:oid" not in content
    assert not any(image.label.encode() in content for image in record.study.images)


def test_a_dicom_study_names_its_study_and_series_and_no_person(
    read_dicom_study: ReadStudy, record_of: RecordOf
) -> None:
    content = fhir_file(record_of(*read_dicom_study()))
    [imaging] = resources_of(content)["ImagingStudy"]
    assert imaging["numberOfSeries"] == len({series["uid"] for series in imaging["series"]}) == 4
    assert imaging["identifier"][0]["value"].startswith("urn:oid:")
    for secret in (b"Secret", b'"4711"', b"19500101"):
        assert secret not in content


def test_the_clinician_s_report_can_be_attached(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    [form] = bundle(record, b"%PDF-1.7 x")["entry"][0]["resource"]["presentedForm"]
    assert (form["contentType"], base64.b64decode(form["data"])) == ("application/pdf", b"%PDF-1.7 x")
    assert "presentedForm" not in bundle(record)["entry"][0]["resource"]
