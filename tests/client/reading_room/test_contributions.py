"""Signed studies as training cases of the site, which `gmmas-site check` reads."""

import csv
import io
import json
import stat
from collections.abc import Callable
from typing import Any

import nibabel as nib
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from client.cli import app as cli
from client.reading_room.contributions.pseudonyms import KEY, names_of
from client.reading_room.room import Room
from gmmas_core.data.manifest import read_cases
from gmmas_core.types import UNKNOWN, DataError, Task

from .test_decisions import send, sign
from .test_panel import enter_pathology, revise

ReadStudy = Callable[..., tuple[Room, str]]
Enter = Callable[..., TestClient]


def rows_of(room: Room) -> list[dict[str, str]]:
    text = (room.contributions / "participants.tsv").read_text()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def files_of(room: Room) -> list[str]:
    return sorted(path.relative_to(room.contributions).as_posix() for path in room.contributions.rglob("*.nii.gz"))


@pytest.fixture
def given(read_study: ReadStudy, enter: Enter) -> tuple[Room, str, TestClient]:
    """A signed study with pathology and a label of a clinician, contributed."""
    room, study = read_study()
    client = enter("clinician", room)
    assert (
        send(client, study, "labels", {"revision": 1, "labels": {"histology": 1, "idh": 0}}, "PUT").status_code == 200
    )
    enter_pathology(room, study, idh="mutant", codel="intact")
    assert sign(client, study, 2).status_code == 201
    answer = send(client, study, "contribution")
    assert answer.status_code == 201, answer.text
    return room, study, client


def test_the_site_s_own_check_accepts_it(given: tuple[Room, str, TestClient]) -> None:
    room, _, _ = given
    done = CliRunner().invoke(cli, ["check", str(room.contributions), "--json"])
    assert done.exit_code == 0, done.output
    assert not [each for each in json.loads(done.stdout)["problems"] if each["severity"] == "error"]
    (case,) = read_cases(room.contributions, "north", holdout_share=0.3, validation_share=0.3)
    assert case.split == "train"
    assert set(case.images) == {"t1", "t1c", "t2", "flair"}
    assert case.mask is not None


def test_a_damaged_case_goes_with_the_signature_too(given: tuple[Room, str, TestClient]) -> None:
    room, study, client = given
    (row,) = rows_of(room)
    (room.contributions / row["folder"] / "provenance.json").write_text("{")
    assert send(client, study, "withdrawal").status_code == 201
    assert rows_of(room) == []
    assert files_of(room) == []


def test_only_pathology_is_a_label_that_training_reads(given: tuple[Room, str, TestClient]) -> None:
    room, _, _ = given
    (case,) = read_cases(room.contributions, "north", holdout_share=0.0, validation_share=0.0)
    assert (case.labels[Task.IDH], case.labels[Task.CODEL]) == (1, 0)
    assert case.labels[Task.HISTOLOGY] == UNKNOWN, "a clinician's reading is no pathology"
    (row,) = rows_of(room)
    assert row["histology_reading"] == "glioblastoma"
    assert row["idh_reading"] == "wildtype"
    assert row["label_source"] == "histology=clinician's reading; idh=pathology; codel_1p19q=pathology"
    facts = json.loads((room.contributions / row["folder"] / "provenance.json").read_text())
    assert facts["labels"]["idh"] == {"class": "mutant", "source": "pathology"}
    assert facts["labels"]["histology"] == {"class": "glioblastoma", "source": "clinician's reading"}
    assert facts["mask"] == "model, confirmed by a clinician's signature"


def test_nothing_in_it_tells_whose_it_is(given: tuple[Room, str, TestClient]) -> None:
    room, study, _ = given
    secrets = ("p-001", study, "clinician ", "2026-01-31", '"clinician"}')
    for path in room.contributions.rglob("*"):
        assert not [secret for secret in ("p-001", study) if secret in path.name]
        if path.suffix in (".json", ".tsv", ".yaml"):
            text = path.read_text()
            assert not [secret for secret in secrets if secret in text], path.name
        if path.name.endswith(".nii.gz"):
            header = nib.load(path).header
            assert bytes(header["descrip"]).strip(b"\0") == b""
            assert not header.extensions
    assert stat.S_IMODE((room.folder / KEY).stat().st_mode) == 0o600


def test_it_comes_once_however_often_it_is_given(given: tuple[Room, str, TestClient]) -> None:
    room, study, client = given
    before = files_of(room), rows_of(room)
    assert send(client, study, "contribution").status_code == 201
    assert (files_of(room), rows_of(room)) == before
    enter_pathology(room, study, mgmt="methylated")
    assert send(client, study, "contribution").status_code == 201
    (row,) = rows_of(room)
    assert row["mgmt"] == "methylated"
    assert files_of(room) == before[0]


def test_it_is_taken_back_by_choice_and_with_the_signature(given: tuple[Room, str, TestClient]) -> None:
    room, study, client = given
    assert "is a training case, from revision 2" in client.get(f"/studies/{study}").text
    assert send(client, study, "contribution", method="DELETE").status_code == 204
    assert files_of(room) == []
    assert rows_of(room) == []
    assert send(client, study, "contribution", method="DELETE").status_code == 422
    assert send(client, study, "contribution").status_code == 201
    assert send(client, study, "withdrawal").status_code == 201
    assert files_of(room) == []
    assert rows_of(room) == []


def test_without_a_signature_nothing_is_given(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    client = enter("clinician", room)
    answer = send(client, study, "contribution")
    assert answer.status_code == 422
    assert "not signed" in answer.json()["error"]
    assert send(client, study, "rejection", {"revision": 1, "note": "no"}).status_code == 201
    assert send(client, study, "contribution").status_code == 422
    assert not room.contributions.exists()


def test_a_corrected_mask_says_so(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    corrected = {"by": "clinician", "mask": True, "labels": {}, "from_revision": 1, "note": ""}
    revise(room, study, lambda document: document.update(corrected=corrected), author="clinician")
    client = enter("clinician", room)
    sign(client, study, 2)
    assert send(client, study, "contribution").json()["mask"] == "model, corrected by a clinician"


def test_a_mask_that_its_sequences_cannot_tell_is_left_out(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study("t1c")
    client = enter("clinician", room)
    sign(client, study)
    answer = send(client, study, "contribution")
    assert answer.status_code == 422, "neither mask nor label"
    enter_pathology(room, study, idh="wildtype")
    answer = send(client, study, "contribution")
    assert answer.json()["mask"].startswith("none: tc, et cannot be told")
    assert not [name for name in files_of(room) if "seg" in name]


def test_what_the_check_would_refuse_is_refused_here(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    client = enter("clinician", room)
    sign(client, study)
    images = room.studies / study / "images"
    first, second = sorted(images.iterdir())[:2]
    first.write_bytes(second.read_bytes())  # the same image as two sequences
    answer = send(client, study, "contribution")
    assert answer.status_code == 422
    assert study not in answer.text
    assert str(room.folder) not in answer.text
    assert files_of(room) == []
    assert not [path for path in room.folder.iterdir() if path.name.startswith(".contribution.")]


def test_one_patient_keeps_one_name_and_another_room_gives_another(tmp_path: Any) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first, again, other = names_of(here, "p-1", "a"), names_of(here, "p-1", "b"), names_of(here, "p-2", "c")
    assert first.patient == again.patient != other.patient
    assert first.case != again.case
    assert names_of(there, "p-1", "a").patient != first.patient
    (here / KEY).write_bytes(b"short")
    with pytest.raises(DataError, match="32"):
        names_of(here, "p-1", "a")


def test_results_that_came_after_it_are_told_beside_it(given: tuple[Room, str, TestClient]) -> None:
    room, study, client = given
    words = "the training case still has the labels above"
    assert words not in client.get(f"/studies/{study}").text
    enter_pathology(room, study, idh="wildtype", codel="")
    assert words in client.get(f"/studies/{study}").text
    assert send(client, study, "contribution").status_code == 201
    assert words not in client.get(f"/studies/{study}").text
