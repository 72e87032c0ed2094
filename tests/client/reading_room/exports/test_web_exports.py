"""Exports over the API: who may, what is refused and why, under which name, with which line in the audit."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from fastapi.testclient import TestClient

from client.reading_room.exports.available import KINDS, available
from client.reading_room.record import DICOM, Record
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import reject
from gmmas_core.types import DISCLAIMER

from ..test_panel import revise

Enter = Callable[..., TestClient]
ReadStudy = Callable[..., tuple[Room, str]]
RecordOf = Callable[[Room, str], Record]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_a_dicom_study_is_sent_with_its_line_in_the_audit(
    enter: Enter, read_dicom_study: ReadStudy, name: str
) -> None:
    room, study = read_dicom_study()
    answer = enter("technician", room).get(f"/api/studies/{study}/export/{name}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == KINDS[name].media_type
    assert answer.headers["x-research-use-only"] == DISCLAIMER
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith(f'attachment; filename="RESEARCH_{study[:8]}_r1')
    assert "p1" not in disposition.removeprefix(f'attachment; filename="RESEARCH_{study[:8]}')
    with room.database() as connection:
        line = connection.execute("SELECT * FROM audit ORDER BY line DESC LIMIT 1").fetchone()
        assert audit.verify(connection) == []
    assert (line["user"], line["action"], line["study"]) == ("technician", "exported", study)
    digest = hashlib.sha256(answer.content).hexdigest()
    assert json.loads(line["details"]) == {"kind": name, "revision": 1, "sha256": digest}


def test_the_files_are_what_their_kind_says(enter: Enter, read_dicom_study: ReadStudy) -> None:
    room, study = read_dicom_study()
    client = enter("clinician", room)

    def sent(name: str) -> bytes:
        return client.get(f"/api/studies/{study}/export/{name}").content

    assert pydicom.dcmread(io.BytesIO(sent("seg.dcm"))).Modality == "SEG"
    assert pydicom.dcmread(io.BytesIO(sent("sr.dcm"))).Modality == "SR"
    bundle = json.loads(sent("fhir.json"))
    [form] = bundle["entry"][0]["resource"]["presentedForm"]
    assert (bundle["resourceType"], base64.b64decode(form["data"])[:5]) == ("Bundle", b"%PDF-")
    assert zipfile.ZipFile(io.BytesIO(sent("bids.zip"))).testzip() is None
    assert sent("csv").startswith(b"study,revision,model,")
    assert json.loads(sent("json"))["disclaimer"] == DISCLAIMER


@pytest.mark.parametrize("name", ["seg.dcm", "sr.dcm"])
def test_a_nifti_study_has_no_dicom_and_is_told_so(enter: Enter, read_study: ReadStudy, name: str) -> None:
    room, study = read_study()
    answer = enter("clinician", room).get(f"/api/studies/{study}/export/{name}")
    assert answer.status_code == 422
    assert "found an upload of NIfTI files" in answer.json()["error"]
    with room.database() as connection:
        actions = [row["action"] for row in connection.execute("SELECT action FROM audit")]
    assert "exported" not in actions


@pytest.mark.parametrize("name", KINDS)
def test_a_rejected_reading_does_not_leave_for_clinical_systems(
    enter: Enter, read_dicom_study: ReadStudy, record_of: RecordOf, name: str
) -> None:
    room, study = read_dicom_study()
    with room.database() as connection, transaction(connection):
        reject(connection, study, "clinician", 1, "the patient moved")
    possible = {offer.name: not offer.refusal for offer in available(record_of(room, study))}
    assert possible[name] == (name in ("bids.zip", "csv", "json"))
    answer = enter("clinician", room).get(f"/api/studies/{study}/export/{name}")
    assert (answer.status_code == 200) == possible[name]
    assert possible[name] or "rejected" in answer.json()["error"]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("admin", 403), ("", 401)])
def test_others_may_not(enter: Enter, read_study: ReadStudy, role: str, status: int) -> None:
    room, study = read_study()
    assert enter(role, room).get(f"/api/studies/{study}/export/json").status_code == status


def test_what_does_not_exist_is_refused(enter: Enter, read_study: ReadStudy) -> None:
    room, study = read_study()
    client = enter("clinician", room)
    assert client.get(f"/api/studies/{study}/export/xlsx").status_code == 422
    assert client.get("/api/studies/absent/export/csv").status_code == 422


def test_a_removed_study_takes_its_originals_with_it(enter: Enter, read_dicom_study: ReadStudy) -> None:
    room, study = read_dicom_study()
    folder: Path = room.studies / study
    assert len(list((folder / DICOM).iterdir())) == 4 * 48
    assert enter("clinician", room).delete(f"/api/studies/{study}").status_code == 204
    assert not folder.exists()


def test_the_case_page_links_what_is_possible_and_says_why_the_rest_is_not(enter: Enter, read_study: ReadStudy) -> None:
    room, study = read_study()
    page = enter("clinician", room).get(f"/studies/{study}").text
    for name in KINDS:
        assert (f'href="/api/studies/{study}/export/{name}"' in page) == (not name.endswith(".dcm"))
    assert "DICOM segmentation: found an upload of NIfTI files" in page
    assert "/export/" not in enter("viewer", room).get(f"/studies/{study}").text


def test_what_can_be_exported_is_what_is_offered(read_study: ReadStudy, record_of: RecordOf) -> None:
    offers = {offer.name: offer.refusal for offer in available(record_of(*read_study()))}
    assert [name for name, refusal in offers.items() if not refusal] == ["fhir.json", "bids.zip", "csv", "json"]
    assert all("expected" in refusal for refusal in offers.values() if refusal)


def test_a_first_look_is_not_exported(enter: Enter, read_study: ReadStudy) -> None:
    room, study = read_study()
    revise(room, study, lambda document: document.update(preliminary=True))
    client = enter("clinician", room)
    for name in KINDS:
        answer = client.get(f"/api/studies/{study}/export/{name}")
        assert (answer.status_code, "first look" in answer.text) == (422, True), name
