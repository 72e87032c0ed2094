"""A copy of a room is a room."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as site
from client.reading_room.backup import back_up_room
from client.reading_room.contributions.give import contribute, contribution_of
from client.reading_room.contributions.pseudonyms import KEY
from client.reading_room.record import open_record
from client.reading_room.room import Room
from client.reading_room.store import audit, decisions
from client.reading_room.store.database import transaction
from client.reading_room.store.studies import read_study as read_row
from client.reading_room.store.studies import worklist
from gmmas_core.data.problems import TABLE
from gmmas_core.types import DataError


def test_the_copy_opens_and_holds_everything(read_study: Callable[..., tuple[Room, str]], tmp_path: Path) -> None:
    room, study_id = read_study()
    target = tmp_path / "copy"
    answer = CliRunner().invoke(site, ["reading-room-backup", str(target), "--data", str(room.folder)])
    assert answer.exit_code == 0, answer.exception
    shutil.rmtree(room.folder)
    copy = replace(room, folder=target)
    with copy.database() as connection:
        record = open_record(connection, copy, study_id)
        assert audit.verify(connection) == []
    assert record.images["t1"].is_file()
    assert target.stat().st_mode & 0o077 == 0


def test_a_study_whose_files_went_is_not_in_the_copy(
    read_study: Callable[..., tuple[Room, str]], tmp_path: Path
) -> None:
    room, study_id = read_study()
    shutil.rmtree(room.studies / study_id)
    assert back_up_room(room.folder, tmp_path / "copy") == 0
    with replace(room, folder=tmp_path / "copy").database() as connection:
        assert worklist(connection) == []


def test_what_is_there_is_never_replaced(read_study: Callable[..., tuple[Room, str]], tmp_path: Path) -> None:
    room, _ = read_study()
    (tmp_path / "copy").mkdir()
    with pytest.raises(DataError, match="there already"):
        back_up_room(room.folder, tmp_path / "copy")
    with pytest.raises(DataError, match="no reading room"):
        back_up_room(tmp_path / "copy", tmp_path / "other")
    with pytest.raises(DataError, match="cannot be written"):
        back_up_room(room.folder, tmp_path / "absent" / "copy")


def test_contributed_cases_and_the_key_of_their_names_are_in_the_copy(
    read_study: Callable[..., tuple[Room, str]], tmp_path: Path
) -> None:
    room, study_id = read_study()
    with room.database() as connection:
        with transaction(connection):
            decisions.sign(connection, study_id, "clinician", 1)
        contribute(connection, room, open_record(connection, room, study_id), "clinician")
        before = contribution_of(room, read_row(connection, study_id))
    assert before is not None
    back_up_room(room.folder, tmp_path / "copy")
    copy = replace(room, folder=tmp_path / "copy")
    with copy.database() as connection:
        assert contribution_of(copy, read_row(connection, study_id)) == before
    assert (copy.contributions / TABLE).read_bytes() == (room.contributions / TABLE).read_bytes()
    assert (copy.folder / KEY).stat().st_mode & 0o077 == 0
