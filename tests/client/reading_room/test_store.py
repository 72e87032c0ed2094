"""The reading room's memory: migrations, states, the queue under kills, the audit chain."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from client.reading_room.store import audit, jobs, studies
from client.reading_room.store.database import FILE, back_up, migrations, open_database, transaction
from client.reading_room.store.studies import Image
from gmmas_core.types import DataError


def image(file: str = "a.nii.gz", sequence: str | None = "flair") -> Image:
    return Image(file=file, label=file, sequence=sequence, recognized_by="name", sha256="0" * 64)


def add(room: sqlite3.Connection, *images: Image, patient: str = "p1") -> str:
    study_id = studies.new_id()
    with transaction(room):
        studies.add_study(
            room,
            study_id=study_id,
            patient=patient,
            study_date=None,
            source="nifti",
            images=images or (image(),),
            user="anna",
        )
    return study_id


def state(room: sqlite3.Connection, study_id: str) -> str:
    return studies.read_study(room, study_id).state


def test_opening_twice_migrates_once_and_keeps_what_is_there(room: sqlite3.Connection, tmp_path: Path) -> None:
    study_id = add(room)
    with closing(open_database(tmp_path / "room")) as again:
        assert state(again, study_id) == "draft"
        assert again.execute("PRAGMA user_version").fetchone()[0] == len(migrations())
    assert oct((tmp_path / "room" / FILE).stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize(
    "content", [b"no database, but long enough to be one" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match="cannot be used"):
        open_database(tmp_path)


def test_a_database_of_a_newer_release_is_refused_and_stays(tmp_path: Path) -> None:
    with closing(open_database(tmp_path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(DataError, match="newer release"):
        open_database(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 999


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = [*migrations(), "CREATE TABLE later (x TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);\n"]
    monkeypatch.setattr("client.reading_room.store.database.migrations", lambda: scripts)
    with pytest.raises(DataError, match="nowhere"):
        open_database(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(scripts) - 1
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'later'").fetchall()


def test_a_backup_holds_everything_and_replaces_an_older_one(room: sqlite3.Connection, tmp_path: Path) -> None:
    target = tmp_path / "copy" / FILE
    target.parent.mkdir()
    target.write_bytes(b"older")
    study_id = add(room)
    back_up(room, target)
    add(room)
    with closing(open_database(target.parent)) as copy:
        assert [study.id for study in studies.worklist(copy)] == [study_id]
        assert audit.verify(copy) == []
    with pytest.raises(DataError, match="backup"):
        back_up(room, tmp_path / "absent" / "copy.db")


def test_only_the_moves_of_the_table_happen(room: sqlite3.Connection) -> None:
    for start in studies.MOVES:
        for end in studies.MOVES:
            study_id = add(room)
            room.execute("UPDATE studies SET state = ? WHERE id = ?", (start, study_id))
            if end in studies.MOVES[start]:
                with transaction(room):
                    studies.move(room, study_id, end, user="anna")
                assert state(room, study_id) == end
            else:
                with pytest.raises(DataError, match=f"found it {start}"), transaction(room):
                    studies.move(room, study_id, end, user="anna")
                assert state(room, study_id) == start


def test_sequences_can_be_exchanged_but_never_doubled(room: sqlite3.Connection) -> None:
    study_id = add(room, image("a", "t1"), image("b", "t1c"), image("c", None))
    with transaction(room):
        study = studies.name_sequences(room, study_id, {"a": "t1c", "b": "t1"}, "anna")
    assert {each.file: (each.sequence, each.recognized_by) for each in study.images} == {
        "a": ("t1c", "anna"),
        "b": ("t1", "anna"),
        "c": (None, "name"),
    }
    assert study.sequences == ("t1", "t1c")
    for wrong, words in (({"c": "t1"}, "more than once"), ({"x": "t2"}, "unknown"), ({"c": "dwi"}, "unknown")):
        with pytest.raises(DataError, match=words), transaction(room):
            studies.name_sequences(room, study_id, wrong, "anna")
    assert studies.read_study(room, study_id) == study
    jobs.enqueue(room, study_id, "anna")
    with pytest.raises(DataError, match="found it queued"), transaction(room):
        studies.name_sequences(room, study_id, {"c": "t2"}, "anna")


def test_a_study_without_a_named_sequence_is_not_queued(room: sqlite3.Connection) -> None:
    study_id = add(room, image("a", None))
    with pytest.raises(DataError, match="at least one"):
        jobs.enqueue(room, study_id, "anna")
    assert state(room, study_id) == "draft"
    with pytest.raises(DataError, match="no image"), transaction(room):
        studies.add_study(room, study_id="x", patient="p", study_date=None, source="nifti", images=(), user="anna")


def test_the_queue_is_first_come_first_served_and_each_job_has_one_reader(room: sqlite3.Connection) -> None:
    first, second = add(room), add(room)
    for study_id in (first, second):
        jobs.enqueue(room, study_id, "anna")
    with pytest.raises(DataError, match="found it queued"):
        jobs.enqueue(room, first, "anna")
    one, two, none = jobs.claim(room, "w1"), jobs.claim(room, "w2"), jobs.claim(room, "w3")
    assert one is not None
    assert two is not None
    assert (one.study, two.study, none) == (first, second, None)
    assert jobs.beat(room, one, "w1", "reading", 1, 4)
    assert not jobs.beat(room, one, "w2", "reading", 1, 4)
    assert [(job.study, job.done_steps) for job in jobs.open_jobs(room)] == [(first, 1), (second, 0)]
    with transaction(room):
        jobs.finish(room, one, "w1", "done")
    assert state(room, first) == "done"
    with pytest.raises(DataError, match="another worker"), transaction(room):
        jobs.finish(room, one, "w1", "done")


def test_a_silent_worker_loses_its_job_and_cannot_finish_it(room: sqlite3.Connection) -> None:
    study_id = add(room)
    jobs.enqueue(room, study_id, "anna")
    lost = jobs.claim(room, "w1")
    assert lost is not None
    assert jobs.take_back_silent(room, silent_s=3600) == []
    assert jobs.take_back_silent(room, silent_s=-1) == [lost.id]
    assert state(room, study_id) == "queued"
    again = jobs.claim(room, "w2")
    assert again is not None
    assert (again.id, again.attempts) == (lost.id, 2)
    with pytest.raises(DataError, match="another worker"), transaction(room):
        jobs.finish(room, lost, "w1", "done")
    with transaction(room):
        jobs.finish(room, again, "w2", "done")
    assert state(room, study_id) == "done"


def test_a_study_that_silences_every_reader_fails_and_frees_the_queue(room: sqlite3.Connection) -> None:
    study_id = add(room)
    jobs.enqueue(room, study_id, "anna")
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(room, "w") is not None
        jobs.take_back_silent(room, silent_s=-1)
    assert jobs.claim(room, "w") is None
    study = studies.read_study(room, study_id)
    assert study.state == "failed"
    assert "without a word" in study.reason
    jobs.enqueue(room, study_id, "anna")  # a person may ask again
    assert state(room, study_id) == "queued"


READ_AND_WAIT = """
import signal, sys
from pathlib import Path
from client.reading_room.store import jobs
from client.reading_room.store.database import open_database

connection = open_database(Path(sys.argv[1]))
jobs.claim(connection, "victim")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE studies SET state = 'done'")
print("ready", flush=True)
signal.pause()
"""


def test_a_worker_killed_inside_its_transaction_leaves_the_job_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "room"
    with closing(open_database(folder)) as room:
        study_id = add(room)
        jobs.enqueue(room, study_id, "anna")
        with subprocess.Popen([sys.executable, "-c", READ_AND_WAIT, str(folder)], stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
            worker.kill()
        assert state(room, study_id) == "running"
        assert jobs.take_back_silent(room, silent_s=-1)
        assert jobs.claim(room, "next") is not None


def test_studies_of_one_person_are_in_the_order_of_their_scans(room: sqlite3.Connection) -> None:
    with transaction(room):
        for study_id, date in (("b", "2026-03-01"), ("c", None), ("a", "2025-01-01")):
            studies.add_study(
                room, study_id=study_id, patient="p", study_date=date, source="nifti", images=[image()], user="anna"
            )
    add(room, patient="other")
    assert [study.id for study in studies.studies_of(room, "p")] == ["a", "b", "c"]


def test_the_audit_finds_every_single_change(room: sqlite3.Connection) -> None:
    for number in range(4):
        with transaction(room):
            audit.add_line(room, at=f"t{number}", user="anna", action="viewed", study="s", page=number)
    kept = audit.head(room)
    assert audit.verify(room, kept) == []
    for column in ("at", "user", "action", "study", "details", "previous", "sha256"):
        room.execute("BEGIN")
        room.execute(f"UPDATE audit SET {column} = 'x' WHERE line = 2")
        assert audit.verify(room, kept), column
        room.execute("ROLLBACK")
    for line, expected in ((2, "no gap"), (4, "cut off")):
        room.execute("BEGIN")
        room.execute("DELETE FROM audit WHERE line = ?", (line,))
        assert any(expected in problem for problem in audit.verify(room, kept))
        room.execute("ROLLBACK")
    with pytest.raises(RuntimeError, match="transaction"):
        audit.add_line(room, at="t", user="anna", action="viewed")
