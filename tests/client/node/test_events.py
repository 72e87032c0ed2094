"""The log of events: whole lines from many processes, bounded, readable while it grows; it names nobody."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as cli
from client.node.attendance import PAUSED, come_back, stay_away
from client.node.event_reading import EventReader, event_text
from client.node.events import EVENTS, FIELDS, FILE, tell
from client.node.rotating_log import FILES, MAX_LINE, append_line, files_of
from client.node.site_log import log_failure
from client.site import Site, write_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021")


def events(site: Site) -> list[dict[str, object]]:
    return EventReader(site.state).so_far()


def test_an_event_says_when_what_and_why(site: Site) -> None:
    tell(site, "refused", level="warning", run_id="ab12", round=3, reason="policy: found this site paused")
    (event,) = events(site)
    assert tuple(event) == FIELDS
    assert {key: event[key] for key in FIELDS[1:]} == {
        "level": "warning",
        "event": "refused",
        "site": "north",
        "run": "ab12",
        "round": 3,
        "reason": "policy: found this site paused",
    }
    assert str(event["time"]).endswith("+00:00")
    assert event["event"] in EVENTS
    assert event_text(event).endswith("Z warning refused run ab12 round 3: policy: found this site paused")


def test_nothing_names_a_patient_or_a_place(site: Site) -> None:
    tell(site, "refused", run_id="../../x", reason="case Doe: found /mnt/pacs/JANE/t1.nii.gz\n\x1b[2J")
    text = (site.state / FILE).read_text()
    for secret in ("Doe", "JANE", "mnt", "\\u001b", "../"):
        assert secret not in text
    assert events(site)[0]["run"] == ""


_WRITER = """
import sys
from pathlib import Path
from client.node.rotating_log import append_line
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(400):
    append_line(path, f"{name} {number} {'x' * 80}".encode(), 10**6)
"""


def test_lines_of_several_processes_stay_whole_and_none_is_lost_while_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "log"
    (path).write_bytes(b"y" * 199_000 + b"\n")  # the first turn-over happens amid the writing
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name]) for name in "abc"]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    lines = b"".join(file.read_bytes() for file in files_of(path)).decode().splitlines()
    assert len(files_of(path)) > 1
    found = {tuple(line.split()[:2]) for line in lines if line.endswith("x" * 80)}
    assert found == {(name, str(number)) for name in "abc" for number in range(400)}
    assert len(lines) == 1201


def test_the_space_is_bounded(tmp_path: Path) -> None:
    path, limit = tmp_path / "log", 50_000
    for number in range(3000):
        append_line(path, f"{number:06d} {'x' * 90}".encode(), limit)
    kept = files_of(path)
    assert len(kept) == FILES
    assert sum(file.stat().st_size for file in kept) < limit + 200
    assert kept[-1].read_bytes().splitlines()[-1].startswith(b"002999")
    append_line(path, b"z" * 10 * MAX_LINE, limit)
    assert path.stat().st_size < 2 * MAX_LINE


def test_failures_are_bounded_too(site: Site) -> None:
    for _ in range(300):
        log_failure(site.state, ValueError("x" * 500), 100_000)
    assert sum(file.stat().st_size for file in site.state.glob("failures.log*")) < 110_000
    assert "ValueError" in (site.state / "failures.log").read_text()


def test_a_log_that_cannot_be_written_costs_no_round(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tell(replace(site, state=tmp_path / "file" / "state"), "trained")


def test_a_torn_line_is_passed_over(site: Site) -> None:
    tell(site, "asked")
    with (site.state / FILE).open("a") as file:
        file.write('{"time": "20\n[1]\n')
    tell(site, "trained")
    assert [event["event"] for event in events(site)] == ["asked", "trained"]


def test_a_reader_goes_on_over_a_turn_over(site: Site) -> None:
    small = replace(site, log_megabytes=0.005)  # a share of 1000 bytes
    reader = EventReader(site.state)
    assert reader.so_far() == []
    seen: list[int] = []
    for number in range(1, 60):
        tell(small, "trained", round=number)
        seen += [event["round"] for event in reader.since()]
    assert seen == list(range(1, 60))
    assert (site.state / f"{FILE}.1").exists()


def test_pausing_and_resuming_are_events(site: Site) -> None:
    from datetime import UTC, datetime

    stay_away(site, PAUSED, "because of Jane", datetime.now(UTC))
    come_back(site)
    come_back(site)
    assert [event["event"] for event in events(site)] == ["paused", "resumed"]
    assert "Jane" not in (site.state / FILE).read_text()


def test_the_command(site: Site) -> None:
    for number in range(1, 31):
        tell(site, "trained", round=number)
    said = CliRunner().invoke(cli, ["log", str(site.folder), "--last", "3"]).output.splitlines()
    assert [line.split()[-1] for line in said] == ["28", "29", "30"]
    said = CliRunner().invoke(cli, ["log", str(site.folder), "--json"]).output.splitlines()
    assert [json.loads(line)["round"] for line in said] == list(range(11, 31))
    assert CliRunner().invoke(cli, ["log", str(site.folder), "--last", "0"]).output == ""


@pytest.fixture
def following(site: Site) -> Iterator["subprocess.Popen[str]"]:
    code = "from client.cli import main; main()"
    command = [sys.executable, "-c", code, "log", str(site.folder), "--follow", "--last", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        yield process
        watchdog.cancel()
        process.kill()


def test_following(site: Site, following: "subprocess.Popen[str]") -> None:
    tell(site, "asked", round=1)
    assert following.stdout is not None
    assert json.loads(following.stdout.readline())["round"] == 1
    tell(site, "trained", round=2)
    assert json.loads(following.stdout.readline())["round"] == 2
