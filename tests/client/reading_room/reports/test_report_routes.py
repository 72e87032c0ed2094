"""Who may have which report, what the audit keeps of it, and what the answers carry."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader

from client.reading_room.access.roles import ROLES
from client.reading_room.reading.worker import Worker
from client.reading_room.reports.wording import Words, disclaimer
from client.reading_room.room import Room
from client.reading_room.store import decisions
from client.reading_room.store.database import transaction
from client.reading_room.store.pathology import enter as enter_results
from gmmas_core.diagnosis.markers import Marker

from ..test_panel import revise

Enter = Callable[..., TestClient]
EnterRole = Callable[[str], tuple[TestClient, Room, str]]
ReadStudy = Callable[..., tuple[Room, str]]


def lines(room: Room, action: str) -> list[dict[str, object]]:
    """Details of the audit's lines of one action."""
    with room.database() as connection:
        rows = connection.execute("SELECT user, study, details FROM audit WHERE action = ? ORDER BY line", (action,))
        return [{"user": row["user"], "study": row["study"], **json.loads(row["details"])} for row in rows]


def sign_and_release(room: Room, study: str) -> None:
    with room.database() as connection, transaction(connection):
        decisions.sign(connection, study, "clinician", 1)
        decisions.release(connection, study, "clinician")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_view_the_clinician_s_report_and_a_line_is_kept(enter_role: EnterRole, role: str) -> None:
    browser, room, study = enter_role(role)
    answer = browser.get(f"/studies/{study}/report/clinician?language=de")
    assert answer.status_code == 200
    assert 'lang="de-DE"' in answer.text
    assert "NICHT SIGNIERT" in answer.text
    (line,) = lines(room, "viewed report")
    expected = {"user": role, "study": study, "report": "clinician", "language": "de", "figures": "", "revision": 1}
    assert line == expected


def test_a_download_is_a_pdf_whose_hash_the_audit_keeps(
    enter_role: EnterRole,
) -> None:
    browser, room, study = enter_role("viewer")
    for language in ("en", "de", "zh"):
        answer = browser.get(f"/studies/{study}/report/clinician.pdf?language={language}")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"] == f'attachment; filename="report-clinician-{language}.pdf"'
        assert len(PdfReader(io.BytesIO(answer.content)).pages) > 2
        assert lines(room, "downloaded report")[-1]["sha256"] == hashlib.sha256(answer.content).hexdigest()
        again = browser.get(f"/studies/{study}/report/clinician.pdf?language={language}")
        assert again.content == answer.content


@pytest.mark.parametrize("role", [role for role in ROLES if role != "clinician"])
def test_the_patient_s_report_is_refused_before_its_release(enter_role: EnterRole, role: str) -> None:
    browser, room, study = enter_role(role)
    for end in ("", ".pdf"):
        answer = browser.get(f"/studies/{study}/report/patient{end}")
        assert answer.status_code == 403
        assert "found no release of it" in answer.text
    assert lines(room, "viewed report") == []
    sign_and_release(room, study)
    page = browser.get(f"/studies/{study}/report/patient?language=en")
    assert page.status_code == 200
    assert "NOT RELEASED" not in page.text
    assert lines(room, "viewed report")[0]["released"] is True


def test_a_clinician_s_preview_is_marked_and_a_withdrawn_release_ends(
    enter_role: EnterRole,
) -> None:
    browser, room, study = enter_role("clinician")
    preview = browser.get(f"/studies/{study}/report/patient")
    assert "NOT RELEASED: preview for clinicians" in preview.text
    sign_and_release(room, study)
    assert "NOT RELEASED" not in browser.get(f"/studies/{study}/report/patient").text
    with room.database() as connection, transaction(connection):
        decisions.withdraw(connection, study, "clinician")
    assert "NOT RELEASED" in browser.get(f"/studies/{study}/report/patient").text
    assert [line["released"] for line in lines(room, "viewed report")] == [False, True, False]


def test_only_a_clinician_may_ask_for_figures_and_the_audit_says_so(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    values = {Marker.IDH: "mutant", Marker.CODEL: "codeleted", Marker.GRADE: "2", Marker.CDKN2A: "absent"}
    with room.database() as connection, transaction(connection):
        enter_results(connection, study, values, "clinician")
    browser = enter("clinician", room)
    silent = browser.get(f"/studies/{study}/report/clinician")
    assert "noac198" not in silent.text
    asked = browser.get(f"/studies/{study}/report/clinician?figures=clinician")
    assert "10.1093/neuonc/noac198" in asked.text
    assert [line["figures"] for line in lines(room, "viewed report")] == ["", "clinician"]
    refused = enter("viewer", room).get(f"/studies/{study}/report/clinician?figures=clinician")
    assert refused.status_code == 403


@pytest.mark.parametrize("query", ["language=fr", "language=", "figures=everybody"])
def test_an_unknown_language_or_asker_is_refused(enter_role: EnterRole, query: str) -> None:
    browser, _, study = enter_role("clinician")
    assert browser.get(f"/studies/{study}/report/clinician?{query}").status_code == 422
    assert browser.get("/studies/none/report/clinician").status_code == 422


def test_nobody_outside_sees_a_report(enter_role: EnterRole) -> None:
    browser, _, study = enter_role("")
    for kind in ("clinician", "patient", "clinician.pdf", "patient.pdf"):
        assert browser.get(f"/studies/{study}/report/{kind}").status_code == 303


def test_the_page_has_no_style_or_script_of_its_own_and_its_parts_are_served(
    enter_role: EnterRole,
) -> None:
    browser, _, study = enter_role("clinician")
    page = browser.get(f"/studies/{study}/report/clinician")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
    assert page.text.count("data:image/png;base64,") >= 1
    for address in re.findall(r'href="(/static/[^"]+)"', page.text):
        assert browser.get(address).status_code == 200
    css = browser.get("/static/report.css").text
    for language in ("en", "de", "zh"):
        assert f'content: "{disclaimer(Words(language))}"' in css
    for address in re.findall(r'url\("([^"]+)"\)', css):
        font = browser.get(address)
        assert font.status_code == 200
        assert font.headers["content-type"] == "font/ttf"
    assert browser.get("/report-fonts/other.ttf").status_code == 422


def test_the_case_page_links_the_reports_and_says_whether_the_patient_s_is_out(
    enter_role: EnterRole,
) -> None:
    browser, room, study = enter_role("clinician")
    page = browser.get(f"/studies/{study}").text
    for language in ("en", "de", "zh"):
        assert f'href="/studies/{study}/report/clinician.pdf?language={language}"' in page
    assert f'href="/api/studies/{study}/export/fhir.json"' in page
    assert f"/api/studies/{study}/export/seg.dcm" not in page  # a phantom is no DICOM
    assert "marked preview" in page
    sign_and_release(room, study)
    assert "Released by clinician" in browser.get(f"/studies/{study}").text


def test_earlier_studies_are_compared_and_no_category_is_given(
    read_study: ReadStudy, enter: Enter, phantom_folder: Path, upload: Callable[..., str]
) -> None:
    room, study = read_study()
    later = upload(room, phantom_folder, patient="p-001", day="2026-04-30")
    assert Worker(room).read_next()
    browser = enter("viewer", room)
    page = browser.get(f"/studies/{later}/report/clinician").text
    assert "Against the first study (2026-01-31)" in page
    assert "No RANO category is given" in page
    assert not re.search(r"progressive disease|partial response|stable disease", page, re.IGNORECASE)
    assert "Against the first study" not in browser.get(f"/studies/{study}/report/clinician").text
    with room.database() as connection, transaction(connection):
        decisions.reject(connection, study, "clinician", 1, "moved")
    assert "Against the first study" not in browser.get(f"/studies/{later}/report/clinician").text


def test_a_first_look_has_no_report(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    revise(room, study, lambda document: document.update(preliminary=True))
    browser = enter("clinician", room)
    for name in ("clinician", "clinician.pdf", "patient", "patient.pdf"):
        answer = browser.get(f"/studies/{study}/report/{name}")
        assert (answer.status_code, "first look" in answer.text) == (422, True), name


def test_results_that_came_after_the_release_need_another(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    sign_and_release(room, study)
    clinician, viewer = enter("clinician", room), enter("viewer", room)
    assert viewer.get(f"/studies/{study}/report/patient").status_code == 200
    clinician.put(f"/api/studies/{study}/pathology", json={"idh": "mutant"})
    assert viewer.get(f"/studies/{study}/report/patient").status_code == 403, "nobody released this text"
    assert "Release the patient" in clinician.get(f"/studies/{study}").text
    assert clinician.post(f"/api/studies/{study}/release").status_code == 201
    assert viewer.get(f"/studies/{study}/report/patient").status_code == 200
    clinician.put(f"/api/studies/{study}/pathology", json={"idh": ""})
    assert viewer.get(f"/studies/{study}/report/patient").status_code == 403, "taken back is a change too"
