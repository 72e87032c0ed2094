"""Reading the queue: real findings, nothing lost, nothing read twice, a study that fails alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.reading.read import Reading
from client.reading_room.reading.revise import Draft
from client.reading_room.reading.worker import Worker
from client.reading_room.record import MASK, UNCERTAINTY, open_record
from client.reading_room.room import Room
from client.reading_room.store import audit, decisions, jobs, pathology
from client.reading_room.store.database import transaction
from client.reading_room.store.studies import move, name_sequences
from client.reading_room.store.studies import read_study as row
from gmmas_core.data.nifti import load_volume
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DataError

ReadStudy = Callable[..., tuple[Room, str]]


def test_a_study_gets_findings_with_intervals_and_alternatives(read_study: ReadStudy) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        record = open_record(connection, room, study_id)
        assert audit.verify(connection) == []
        assert jobs.open_jobs(connection) == []
    assert record.study.state == "done"
    document = record.document
    assert document["case_id"] == study_id
    assert document["reading"]["mc_passes"] == 5
    for task, value in document["intervals"].items():
        assert 0 <= value["low"] <= value["high"] <= 1, task
    assert document["measures"]["volume"]["wt"]["interval"]["meaning"].startswith("5th to 95th percentile of 5")
    assert [line["sequence"] for line in document["without"]] == ["t1", "t1c", "t2", "flair"]
    without_t1c = document["without"][1]
    assert without_t1c["volume_ml"]["et"] is None
    assert "et" in without_t1c["not_assessable"]
    for task, change in without_t1c["probability_change"].items():
        assert change == pytest.approx(without_t1c["probability"][task] - document["probability"][task])
    mask = load_volume(record.folder / MASK)
    assert mask.data.shape == load_volume(record.images["t1c"]).data.shape
    assert load_volume(record.folder / UNCERTAINTY).data.max() > 0


def test_a_missing_sequence_is_not_assessable_and_has_no_line_of_its_own(read_study: ReadStudy) -> None:
    room, study_id = read_study("t1c")
    with room.database() as connection:
        document = open_record(connection, room, study_id).document
    assert document["sequences_missing"] == ["t1c"]
    assert document["volume_ml"]["et"] is None
    assert "t1c" not in [line["sequence"] for line in document["without"]]


def test_findings_that_were_changed_on_the_disk_are_refused(read_study: ReadStudy) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        folder = open_record(connection, room, study_id).folder
        file = folder / "findings.json"
        document = json.loads(file.read_text())
        document["probability"]["idh"] = 0.99
        file.write_text(json.dumps(document))
        with pytest.raises(DataError, match="was changed"):
            open_record(connection, room, study_id)


def test_a_study_that_cannot_be_read_fails_alone(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path
) -> None:
    bad, good = upload(a_room, phantom_folder, "p-bad"), upload(a_room, phantom_folder, "p-good")
    images = a_room.studies / bad / "images"
    for file in images.iterdir():
        file.write_bytes(file.read_bytes()[:500])
    worker = Worker(a_room)
    assert worker.read_next()
    assert worker.read_next()
    assert not worker.read_next()
    with a_room.database() as connection:
        failed = row(connection, bad)
        assert (failed.state, row(connection, good).state) == ("failed", "done")
        assert failed.reason
        assert bad not in failed.reason
    assert not (a_room.studies / bad / "revisions").exists()


def test_images_of_a_study_with_findings_get_no_other_names(read_study: ReadStudy) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        with transaction(connection):
            move(connection, study_id, "queued", user="technician")
            move(connection, study_id, "running", user="system")
            move(connection, study_id, "failed", user="system", reason="disk")
        images = {image.file: image.sequence for image in row(connection, study_id).images}
        with pytest.raises(DataError, match="upload it anew"), transaction(connection):
            name_sequences(connection, study_id, images, "technician")


def test_a_worker_that_stops_gives_its_study_back(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path
) -> None:
    study_id = upload(a_room, phantom_folder)
    stopped = Worker(a_room)
    stopped.stop()
    assert stopped.read_next()
    with a_room.database() as connection:
        (job,) = jobs.open_jobs(connection)
        assert (job.state, job.attempts, row(connection, study_id).state) == ("queued", 0, "queued")
    assert Worker(a_room).read_next()
    with a_room.database() as connection:
        assert row(connection, study_id).state == "done"


def test_a_reading_whose_job_was_taken_leaves_nothing(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = upload(a_room, phantom_folder)
    late = Worker(a_room)
    keep = late._keep

    def taken_first(job: jobs.Job, published: Any, **last: bool) -> None:
        with a_room.database() as connection:
            jobs.take_back_silent(connection, silent_s=-1.0)
        assert Worker(a_room).read_next()
        keep(job, published, **last)

    monkeypatch.setattr(late, "_keep", taken_first)
    assert late.read_next()
    with a_room.database() as connection:
        record = open_record(connection, a_room, study_id)
    assert record.revision.number == 1
    assert [folder.name for folder in record.folder.parent.iterdir()] == [record.folder.name]


def test_a_long_reading_shows_its_first_look_and_never_a_second_one(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = upload(a_room, phantom_folder)
    interrupted = Worker(a_room, patience_s=0.0)

    def told_to_end(reading: Reading, _draft: Draft) -> None:
        interrupted.stop()
        reading._step("reading", 0)

    with monkeypatch.context() as patched:
        patched.setattr(Reading, "whole", told_to_end)
        assert interrupted.read_next()
    with a_room.database() as connection:
        first = open_record(connection, a_room, study_id)
        assert (first.study.state, first.document["preliminary"], first.document["without"]) == ("queued", True, [])
        with pytest.raises(DataError, match="queued"), transaction(connection):
            decisions.sign(connection, study_id, "clinician", 1)
    assert Worker(a_room, patience_s=0.0).read_next()
    with a_room.database() as connection:
        last = open_record(connection, a_room, study_id)
    assert (last.revision.number, last.study.state, last.document["preliminary"]) == (2, "done", False)
    assert last.document["volume_ml"] == first.document["volume_ml"]


def test_decisions_name_the_revision_that_was_seen(read_study: ReadStudy) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        with pytest.raises(DataError, match="another revision"), transaction(connection):
            decisions.sign(connection, study_id, "clinician", 2)
        with pytest.raises(DataError, match="not signed"), transaction(connection):
            decisions.release(connection, study_id, "clinician")
        with transaction(connection):
            decisions.sign(connection, study_id, "clinician", 1)
        with transaction(connection):
            decisions.release(connection, study_id, "clinician")
        record = open_record(connection, room, study_id)
        assert record.decision is not None
        assert record.release is not None
        with transaction(connection):
            decisions.withdraw(connection, study_id, "clinician")
        record = open_record(connection, room, study_id)
        assert (record.decision, record.release, record.study.state) == (None, None, "done")
        with pytest.raises(DataError, match="reason"), transaction(connection):
            decisions.reject(connection, study_id, "clinician", 1, " ")
        with transaction(connection):
            decisions.reject(connection, study_id, "clinician", 1, "wrong patient")
        assert row(connection, study_id).reason == "wrong patient"
        assert audit.verify(connection) == []


def test_pathology_replaces_what_the_image_suggested(read_study: ReadStudy) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        with pytest.raises(DataError, match="mutant, wildtype"), transaction(connection):
            pathology.enter(connection, study_id, {Marker.IDH: "maybe"}, "clinician")
        values = {Marker.IDH: "mutant", Marker.CODEL: "codeleted", Marker.GRADE: "2"}
        for _ in range(2):  # saying it again is no new entry
            with transaction(connection):
                pathology.enter(connection, study_id, values, "clinician")
        assert connection.execute("SELECT count(*) FROM pathology").fetchone()[0] == 3
        diagnosis = open_record(connection, room, study_id).diagnosis
        assert diagnosis.entity == "entity.oligodendroglioma_idh_mutant_codeleted"
        with transaction(connection):
            pathology.enter(connection, study_id, {Marker.GRADE: ""}, "clinician")
        assert Marker.GRADE not in pathology.pathology_of(connection, study_id)


def test_the_page_of_a_study_opens_for_everybody_who_may_view(
    read_study: ReadStudy, enter: Callable[..., TestClient]
) -> None:
    room, study_id = read_study()
    for role in ("clinician", "technician", "viewer", "admin"):
        assert "p-001" in enter(role, room).get(f"/studies/{study_id}").text
    assert enter("", room).get(f"/studies/{study_id}").status_code == 303


def test_a_study_that_was_not_read_leads_to_its_sequences(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path, enter: Callable[..., TestClient]
) -> None:
    study_id = upload(a_room, phantom_folder)
    answer = enter("viewer", a_room).get(f"/studies/{study_id}")
    assert answer.headers["location"] == f"/studies/{study_id}/sequences"
    shutil.rmtree(a_room.studies / study_id)
