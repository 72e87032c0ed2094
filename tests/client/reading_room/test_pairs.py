"""Which studies count for agreement and sets: pathology cannot leak in, patients count once, phantoms apart."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.agreement import task_agreement
from client.reading_room.pairs import gather
from client.reading_room.panel.suggestion import suggestion_of
from client.reading_room.record import open_record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.studies import add_study, new_id
from gmmas_core.types import Task

from .test_panel import enter_pathology, page, revise

ReadStudy = Callable[..., tuple[Room, str]]
Enter = Callable[..., TestClient]


def with_idh(p: float) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["probability"] |= {"idh": p, "codel_1p19q": 0.0}

    return change


def said(room: Room, study: str) -> list[float]:
    with room.database() as connection:
        found = gather(connection, room, phantoms=True)
    return [pair.answers.probability[Task.IDH] for pair in found.pairs if pair.study == study]


def test_the_model_s_last_word_before_pathology_counts(read_study: ReadStudy) -> None:
    room, study = read_study()
    assert said(room, study) == [], "no pathology yet"
    revise(room, study, with_idh(0.2))
    revise(room, study, with_idh(0.99), author="clinician")
    enter_pathology(room, study, idh="mutant")
    assert said(room, study) == [0.2], "not what a clinician wrote"
    with room.database() as connection, transaction(connection):
        connection.execute("UPDATE pathology SET at = '2026-06-01T00:00:00.000Z'")
        connection.execute("UPDATE revisions SET created_at = '2026-05-01T00:00:00.000Z'")
    revise(room, study, with_idh(0.97))
    assert said(room, study) == [0.2], "not what was read afterwards"
    enter_pathology(room, study, codel="intact")
    assert said(room, study) == [0.2], "not between two entries either"
    enter_pathology(room, study, idh="", codel="")
    assert said(room, study) == [], "taken back"


def test_a_study_read_after_its_pathology_does_not_count_and_is_told(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    enter_pathology(room, study, idh="mutant")
    with room.database() as connection, transaction(connection):
        connection.execute("UPDATE pathology SET at = '2020-01-01T00:00:00.000Z'")
    with room.database() as connection:
        found = gather(connection, room, phantoms=True)
    assert (len(found.pairs), found.read_late) == (0, 1)
    assert "read only afterwards" in enter("viewer", room).get("/agreement?of=phantoms").text


def test_phantoms_and_patients_are_never_mixed(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    enter_pathology(room, study, idh="mutant")
    with room.database() as connection:
        assert len(gather(connection, room, phantoms=True).pairs) == 1
        assert gather(connection, room, phantoms=False).pairs == []
    client = enter("viewer", room)
    assert "No study has both" in client.get("/agreement").text
    assert "No study has both" not in client.get("/agreement?of=phantoms").text
    assert client.get("/agreement?of=nobody").status_code == 422


def test_findings_that_were_changed_do_not_count_and_are_told(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    enter_pathology(room, study, idh="mutant")
    with room.database() as connection:
        (open_record(connection, room, study).folder / "findings.json").write_text("{}")
        found = gather(connection, room, phantoms=True)
    assert (len(found.pairs), found.damaged) == (0, 1)
    assert "restore a backup" in enter("viewer", room).get("/agreement?of=phantoms").text


@pytest.fixture
def many(read_study: ReadStudy) -> tuple[Room, str]:
    """The study that was read and 24 others of other patients with the same model, half of them IDH-mutant."""
    room, study = read_study()
    with room.database() as connection:
        record = open_record(connection, room, study)
        for number in range(24):
            other = new_id()
            (room.studies / other / "revisions").mkdir(parents=True)
            (room.studies / other / "revisions" / "a").symlink_to(record.folder)
            with transaction(connection):
                add_study(
                    connection,
                    study_id=other,
                    patient=f"q-{number}",
                    study_date=None,
                    source="phantom",
                    images=record.study.images,
                    user="clinician",
                )
                connection.execute(
                    "INSERT INTO revisions VALUES (?, 1, 'model', ?, 'a', ?, ?)",
                    (other, record.revision.model_id, record.revision.sha256, record.revision.created_at),
                )
            enter_pathology(room, other, idh="mutant" if number % 2 else "wildtype")
    return room, study


def test_with_enough_cases_there_is_a_set_without_the_patient_s_own(many: tuple[Room, str], enter: Enter) -> None:
    room, study = many
    enter_pathology(room, study, idh="mutant")
    with room.database() as connection:
        record = open_record(connection, room, study)
        pairs = gather(connection, room, phantoms=True).pairs
    assert len(pairs) == 25
    tasks = {task["id"]: task for task in suggestion_of(record, pairs)["tasks"]}
    # All cases were given the same probability, so neither class is unlike the earlier ones; 12 of each, not 13.
    assert tasks["idh"]["set"] == {"value": "wildtype or mutant", "basis": "12 with wildtype, 12 with mutant"}
    assert "at least 9" in tasks["histology"]["set"]["reason"]
    assert "wildtype or mutant" in page(enter, room, study)


def test_cases_of_another_model_make_no_set(many: tuple[Room, str]) -> None:
    room, study = many
    revise(room, study, lambda document: document["model"].update(model_id="another"))
    with room.database() as connection:
        record = open_record(connection, room, study)
        found = suggestion_of(record, gather(connection, room, phantoms=True).pairs)
    assert all("at least 9" in task["set"]["reason"] for task in found["tasks"])


def test_the_agreement_page_shows_numbers_beside_their_n(many: tuple[Room, str], enter: Enter) -> None:
    room, _ = many
    with room.database() as connection:
        pairs = gather(connection, room, phantoms=True).pairs
    found = task_agreement(Task.IDH, pairs)
    assert (found.accuracy.hits, found.accuracy.count) == (12, 24)
    text = enter("viewer", room).get("/agreement?of=phantoms").text
    assert "12 of 24" in text
    assert "50\N{NO-BREAK SPACE}%</b> <small>31 to 69\N{NO-BREAK SPACE}%" in text
    assert "Only 24 patients" in text
    assert text.count('class="dot"') == 1
    assert "style=" not in text
    model = pairs[0].answers.model_id
    assert "12 of 24" in enter("viewer", room).get("/agreement", params={"of": "phantoms", "model": model}).text
    assert "No study has both" in enter("viewer", room).get("/agreement", params={"of": "phantoms", "model": "x"}).text
