"""A patient leaves a hospital with a reading room: studies, contributed cases and what the database had go too."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from client.cli import app as cli
from client.reading_room.contributions.pseudonyms import names_of
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.site import read_site
from client.withdrawal import record
from gmmas_core.data.manifest import read_manifest
from gmmas_core.data.phantom import write_federation

from .test_decisions import send, sign

ReadStudy = Callable[..., tuple[Room, str]]
Enter = Callable[..., TestClient]
Upload = Callable[..., str]


@pytest.fixture
def given(read_study: ReadStudy, enter: Enter, upload: Upload, phantom_folder: Path) -> tuple[Room, str, str]:
    """p-001, signed and contributed, and a study of p-0011, who stays."""
    room, study = read_study()
    client = enter("clinician", room)
    assert sign(client, study).status_code == 201
    assert send(client, study, "contribution").status_code == 201
    assert client.get(f"/studies/{study}").status_code == 200
    return room, study, upload(room, phantom_folder, patient="p-0011")


def named_in(folder: Path, *names: str) -> list[str]:
    content = {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
    return [
        path.name
        for path, text in content.items()
        for name in names
        if name in path.relative_to(folder).as_posix() or name.encode() in text.replace(b"p-0011", b"")
    ]


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["withdraw", *arguments, "--yes", "--json"])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    return done.output


def test_studies_and_contributed_cases_go_with_the_patient(
    given: tuple[Room, str, str], tmp_path: Path, enter: Enter
) -> None:
    room, study, other = given
    names = names_of(room.folder, "p-001", study)
    assert named_in(room.folder, "p-001", names.case)
    (site,) = write_federation(tmp_path / "sites", sites=1, cases=2, size=24, seed=0)
    told = json.loads(run(str(site), "p-001", "--room", str(room.folder)))
    assert told["purged"]["reading room studies"] == 1
    assert named_in(room.folder, "p-001", names.case, names.patient) == []
    assert not (room.studies / study).exists()
    assert (room.studies / other).exists()
    contributions = read_site(room.contributions)
    assert record.excluded(contributions.state)(names.patient, "another study of theirs")
    assert read_manifest(room.contributions, "north", holdout_share=0, validation_share=0).cases == ()
    with room.database() as connection:
        assert audit.verify(connection) == []
        last = connection.execute("SELECT action, study FROM audit ORDER BY line DESC LIMIT 1").fetchone()
        assert tuple(last) == ("patient withdrawn", study)
        assert [row["patient"] for row in connection.execute("SELECT patient FROM studies")] == ["p-0011"]


def test_a_contributed_case_is_withdrawn_by_the_name_it_has_there(given: tuple[Room, str, str]) -> None:
    room, study, _ = given
    names = names_of(room.folder, "p-001", study)
    run(str(room.contributions), names.case)
    assert named_in(room.folder, "p-001", names.case, names.patient) == []
    assert not (room.studies / study).exists()


def test_who_was_withdrawn_is_not_contributed_again(
    given: tuple[Room, str, str], read_study: ReadStudy, enter: Enter
) -> None:
    room, study, _ = given
    state = read_site(room.contributions).state
    names, own = names_of(room.folder, "p-001", study), record.own_pseudonyms(state)
    record.begin(state, [own.of_patient(names.patient)], [], "", "")
    answer = send(enter("clinician", room), study, "contribution")
    assert answer.status_code == 422
    assert "was withdrawn" in answer.json()["error"]
