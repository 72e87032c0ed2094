"""Signing, rejecting, releasing, labelling and pathology over the API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.record import MASK, open_record
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.store.pathology import VALUES
from client.reading_room.store.studies import read_study as read_row
from gmmas_core.diagnosis.markers import Marker

from .test_panel import revise

ReadStudy = Callable[..., tuple[Room, str]]
Enter = Callable[..., TestClient]


@pytest.fixture
def case(read_study: ReadStudy, enter: Enter) -> tuple[Room, str, TestClient]:
    """A study that was read, and a clinician's browser."""
    room, study = read_study()
    return room, study, enter("clinician", room)


def send(client: TestClient, study: str, what: str, body: Any = None, method: str = "POST") -> Any:
    return client.request(method, f"/api/studies/{study}/{what}", json=body)


def sign(client: TestClient, study: str, revision: int = 1) -> Any:
    return send(client, study, "signature", {"revision": revision, "checks_seen": True})


def state_of(room: Room, study: str) -> str:
    with room.database() as connection:
        return read_row(connection, study).state


def test_from_signature_to_release_and_back(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    assert send(client, study, "release").status_code == 422, "not before the signature"
    assert sign(client, study).json()["state"] == "signed"
    assert sign(client, study).status_code == 422
    assert send(client, study, "release").status_code == 201
    text = client.get(f"/studies/{study}").text
    assert "<b>Signed</b> by clinician, revision 1" in text
    assert "report released by clinician" in text
    assert send(client, study, "withdrawal").json()["state"] == "done"
    assert send(client, study, "withdrawal").status_code == 422
    assert "Nobody has decided" in client.get(f"/studies/{study}").text
    with room.database() as connection:
        actions = [row["action"] for row in connection.execute("SELECT action FROM audit ORDER BY line")]
        assert audit.verify(connection) == []
    assert [action for action in actions if action in ("signed", "released", "done")][-3:] == [
        "signed",
        "released",
        "done",
    ]


def test_a_rejection_needs_a_reason_which_is_shown_as_text(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    assert send(client, study, "rejection", {"revision": 1, "note": "  "}).status_code == 422
    assert send(client, study, "rejection", {"revision": 1, "note": "x" * 2001}).status_code == 422
    assert send(client, study, "rejection", {"revision": 1, "note": "<script>alert(1)</script>"}).status_code == 201
    assert state_of(room, study) == "rejected"
    text = client.get(f"/studies/{study}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "alert(1)" not in json.dumps([dict(row) for row in _audit(room)])


def test_nobody_signs_what_is_not_on_the_screen(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    revise(room, study, lambda document: None)
    for what, more in (("signature", {"checks_seen": True}), ("rejection", {"note": "why"})):
        answer = send(client, study, what, {"revision": 1, **more})
        assert answer.status_code == 422
        assert "revision" in answer.text
    assert state_of(room, study) == "done"
    assert sign(client, study, 2).status_code == 201


def test_failed_checks_must_have_been_seen(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    revise(room, study, lambda document: document.update(verdict="fail"))
    answer = send(client, study, "signature", {"revision": 2})
    assert answer.status_code == 422
    assert "checks that failed" in answer.json()["error"]
    assert state_of(room, study) == "done"
    assert sign(client, study, 2).status_code == 201


def test_labels_become_a_revision_and_leave_the_model_s_answers(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    body = {"revision": 1, "labels": {"idh": 1, "histology": None}, "note": "bright rim"}
    assert send(client, study, "labels", body, "PUT").status_code == 200
    with room.database() as connection:
        first, second = open_record(connection, room, study, 1), open_record(connection, room, study)
    assert second.revision.number == 2
    assert second.revision.author == "clinician"
    assert second.document["corrected"] == {
        "by": "clinician",
        "mask": False,
        "labels": {"idh": 1},
        "from_revision": 1,
        "note": "bright rim",
    }
    assert {**second.document, "corrected": None} == first.document
    assert (second.folder / MASK).read_bytes() == (first.folder / MASK).read_bytes()
    assert second.diagnosis == first.diagnosis, "a reading is no tissue"
    assert send(client, study, "labels", {**body, "revision": 2}, "PUT").status_code == 422, "nothing changes"
    assert send(client, study, "labels", {"revision": 1, "labels": {"idh": 0}}, "PUT").status_code == 422
    assert send(client, study, "labels", {"revision": 2, "labels": {}}, "PUT").status_code == 200
    assert len(list((room.studies / study / "revisions").iterdir())) == 3


@pytest.mark.parametrize(
    "labels", [{"idh": 2}, {"idh": -1}, {"idh": "mutant"}, {"grade": 1}, {"idh": 0, "codel_1p19q": 1}]
)
def test_labels_that_do_not_exist_are_refused(case: tuple[Room, str, TestClient], labels: dict[str, Any]) -> None:
    room, study, client = case
    assert send(client, study, "labels", {"revision": 1, "labels": labels}, "PUT").status_code == 422
    assert len(list((room.studies / study / "revisions").iterdir())) == 1


def test_a_signed_study_is_not_relabelled(case: tuple[Room, str, TestClient]) -> None:
    _, study, client = case
    sign(client, study)
    answer = send(client, study, "labels", {"revision": 1, "labels": {"idh": 1}}, "PUT")
    assert answer.status_code == 422
    assert "withdraw" in answer.json()["error"]


def test_every_marker_of_tissue_can_be_entered_and_taken_back(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    text = client.get(f"/studies/{study}").text
    for marker, values in VALUES.items():
        assert f'name="{marker.value}"' in text
        for value in values:
            assert send(client, study, "pathology", {marker.value: value}, "PUT").status_code == 200, (marker, value)
    assert send(client, study, "pathology", dict.fromkeys((m.value for m in VALUES), ""), "PUT").status_code == 200
    with room.database() as connection:
        assert open_record(connection, room, study).pathology == {}


@pytest.mark.parametrize(
    "values",
    [{"idh": "yes"}, {"age": "50"}, {"location": "midline"}, {"grade": "IV"}, {"nonsense": "x"}, {"idh": None}],
)
def test_pathology_that_does_not_exist_is_refused(case: tuple[Room, str, TestClient], values: dict[str, Any]) -> None:
    room, study, client = case
    assert send(client, study, "pathology", values, "PUT").status_code == 422
    with room.database() as connection:
        assert open_record(connection, room, study).pathology == {}


def test_forms_are_only_there_for_those_who_may_send_them(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    forms = ('id="sign"', 'id="reject"', 'id="enter-pathology"', 'id="set-labels"')
    for role in ("viewer", "technician", "admin"):
        text = enter(role, room).get(f"/studies/{study}").text
        assert not [form for form in forms if form in text], role
    text = enter("clinician", room).get(f"/studies/{study}").text
    assert [form for form in forms if form in text] == list(forms)


def test_pathology_is_no_part_of_the_audit(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    send(client, study, "pathology", {Marker.H3.value: "k27"}, "PUT")
    lines = _audit(room)
    assert lines[-1]["action"] == "entered pathology"
    assert "k27" not in json.dumps(lines)


def _audit(room: Room) -> list[dict[str, Any]]:
    with room.database() as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM audit ORDER BY line")]


def test_labels_alone_leave_the_measures_the_model_s_and_taking_them_back_leaves_no_correction(
    case: tuple[Room, str, TestClient],
) -> None:
    _, study, client = case
    send(client, study, "labels", {"revision": 1, "labels": {"idh": 1}}, "PUT")
    text = client.get(f"/studies/{study}/report/clinician").text
    assert "clinician changed revision 1: labels were set: " in text
    assert "Measures are those of the corrected outline" not in text
    assert send(client, study, "labels", {"revision": 2, "labels": {}}, "PUT").status_code == 200
    assert "changed revision 2" not in client.get(f"/studies/{study}/report/clinician").text
    assert "Corrected by" not in client.get(f"/studies/{study}").text


def test_everybody_who_corrected_is_named(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    theirs = {"by": "anna", "mask": True, "labels": {}, "from_revision": 1, "note": ""}
    revise(room, study, lambda document: document.update(corrected=theirs), author="anna")
    send(client, study, "labels", {"revision": 2, "labels": {"idh": 1}}, "PUT")
    assert "Corrected by anna, clinician." in client.get(f"/studies/{study}").text
    send(client, study, "labels", {"revision": 3, "labels": {"idh": 0}}, "PUT")
    assert "Corrected by anna, clinician." in client.get(f"/studies/{study}").text


def test_nobody_releases_what_is_not_on_the_screen(case: tuple[Room, str, TestClient]) -> None:
    room, study, client = case
    sign(client, study)
    send(client, study, "withdrawal")
    revise(room, study, lambda document: None, author="anna")
    assert sign(client, study, 2).status_code == 201
    answer = send(client, study, "release", {"revision": 1})
    assert (answer.status_code, "revision 2 signed" in answer.text) == (422, True)
    assert send(client, study, "release", {"revision": 2}).status_code == 201
