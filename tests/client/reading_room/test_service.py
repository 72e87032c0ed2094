"""The room as a program: started by its command, killed in mid-inference, started again; no study lost or doubled."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from client.cli import app as site
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.store.database import FILE, open_database

pytestmark = pytest.mark.slow

PATIENCE_S = 240


@contextmanager
def started(*arguments: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a folder, and the address that it printed; killed with its worker afterwards."""
    command = [sys.executable, "-c", "from client.cli import main; main()", "reading-room", "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            printed = ""
            assert process.stdout is not None
            for line in process.stdout:
                printed += line
                if line.startswith("reading room: "):
                    break
            address = re.search(r"http://[^ ]+/", printed)
            assert address is not None, printed
            process.printed = printed  # type: ignore[attr-defined]
            yield process, address[0]
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def states(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        return [row[0] for row in connection.execute("SELECT state FROM studies ORDER BY created_at")]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def worker_of(folder: Path) -> int | None:
    """Process number of the room's worker."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"client.reading_room.reading.process" in words and str(folder).encode() in words:
                return int(entry.name)
    return None


def test_a_newcomer_sees_phantom_studies_read(tmp_path: Path, model_folder: Path) -> None:
    with started("--model", str(model_folder), folder=tmp_path) as (process, address):
        password = re.search(r"sign in as (\S+) with the password (\S+)", process.printed)  # type: ignore[attr-defined]
        assert password is not None
        room = tmp_path / "reading-room"
        wait_for(lambda: states(room) == ["done"] * 3, "three studies read")
        with httpx.Client(base_url=address) as browser:
            answer = browser.post("/sign-in", data={"name": password[1], "password": password[2]})
            assert answer.status_code == 303
            page = browser.get("/").text
            assert "phantom-1" in page
            assert "Research use only" in page
        assert room.stat().st_mode & 0o077 == 0
    assert worker_of(room) is None


def test_a_worker_killed_in_mid_inference_loses_and_doubles_nothing(
    a_room: Room, upload: Callable[..., str], phantom_folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    studies = [upload(a_room, phantom_folder, f"p-{number}") for number in range(2)]
    arguments = ("--model", str(model_folder), "--data", str(a_room.folder), "--passes", "12")

    def is_reading() -> bool:
        with closing(sqlite3.connect(a_room.folder / FILE)) as connection:
            row = connection.execute("SELECT 1 FROM jobs WHERE state = 'running' AND done_steps > 0").fetchone()
        return row is not None

    with started(*arguments, folder=tmp_path):
        wait_for(is_reading, "a study being read")
        victim = worker_of(a_room.folder)
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: worker_of(a_room.folder) not in (None, victim), "a new worker")
        wait_for(is_reading, "a study being read again")
    # The whole room was ended in mid-inference; started again, it finishes.
    with started(*arguments, folder=tmp_path):
        wait_for(lambda: states(a_room.folder) == ["done"] * 2, "both studies read")
    with closing(open_database(a_room.folder)) as connection:
        for study in studies:
            rows = connection.execute("SELECT folder FROM revisions WHERE study = ?", (study,)).fetchall()
            assert len(rows) == 1
            kept = {folder.name for folder in (a_room.studies / study / "revisions").iterdir() if folder.name[0] != "."}
            assert kept == {rows[0]["folder"]}
        assert audit.verify(connection) == []


def test_a_worker_whose_room_is_gone_already_ends(a_room: Room, model_folder: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    command = [sys.executable, "-m", "client.reading_room.reading.process", "--parent", str(gone.pid)]
    command += ["--folder", str(a_room.folder), "--model", str(model_folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    assert subprocess.run(command, env=environment, timeout=PATIENCE_S, check=False).returncode == 0


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path: Path, model_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        data = tmp_path / "room"
        answer = CliRunner().invoke(
            site, ["reading-room", "--model", str(model_folder), "--data", str(data), "--port", port]
        )
    assert answer.exit_code != 0
    assert "not free" in str(answer.exception)
    assert not data.exists()


def test_an_account_is_added_from_standard_input(tmp_path: Path) -> None:
    data = str(tmp_path / "room")
    runner = CliRunner()
    command = ["reading-room-user", "m.weber", "--role", "admin", "--data", data]
    assert runner.invoke(site, command, input="a long enough password\n").exit_code == 0
    again = runner.invoke(site, command, input="a long enough password\n")
    assert "taken" in str(again.exception)
    short = runner.invoke(site, [*command[:1], "other", *command[2:]], input="short\n")
    assert short.exit_code != 0
