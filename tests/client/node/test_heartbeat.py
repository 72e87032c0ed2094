"""Signs of life: fresh while the node lives, old when its process hangs, and what `health` says of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as cli
from client.node.attendance import LEFT, PAUSED, stay_away
from client.node.health import health
from client.node.heartbeat import FILE, Pulse, at_work, beat, beat_if_moving, read_beat
from client.node.link import note_answer
from client.node.supernode import ForkExecutor
from client.rounds.watch import Watch
from client.site import Site, write_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021")


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_beat_says_what_the_node_is_at(site: Site) -> None:
    assert read_beat(site.state) is None
    with at_work(site.state, "training", "ab12", 3):
        found = read_beat(site.state)
    assert found is not None
    assert (found.state, found.run_id, found.round, found.process) == ("training", "ab12", 3, os.getpid())
    after = read_beat(site.state)
    assert after is not None
    assert (after.state, after.run_id, after.round) == ("idle", "", 0)
    with at_work(site.state, "evaluating", "../\x1b", 1):
        assert getattr(read_beat(site.state), "run_id", None) == ""


def test_health_by_the_age_of_the_beat(site: Site) -> None:
    missing = health(site, later(0))
    assert not missing.is_well
    assert "found no heartbeat; expected a running node; start it" in str(missing)
    note_answer(site.state)
    with at_work(site.state, "training", "ab12cd34ef", 3):
        fresh = health(site, later(0))
        assert str(fresh) == "north: alive, training, run ab12cd34 round 3"
        assert fresh.facts["ok"] is True
        stale = health(site, later(121))
        assert not stale.is_well
        assert str(stale).startswith("north: found a heartbeat 121 s old, training, run ab12cd34 round 3; expected")
        assert health(site, later(121), 200).is_well
        assert not health(site, later(-500)).is_well, "a beat in the future proves nothing"
    (site.state / FILE).write_text("{")
    assert not health(site, later(0)).is_well


def test_a_paused_site_is_well_and_says_so_and_one_that_left_needs_no_node(site: Site) -> None:
    beat(site.state)
    assert str(health(site, later(0))) == "north: alive, idle, its server has not answered yet"
    note_answer(site.state)
    assert "its server has not answered for 90 s" in str(health(site, later(90)))
    stay_away(site, PAUSED, "", later(0))
    assert str(health(site, later(0))) == "north: alive, idle (this site is paused)"
    assert not health(site, later(500)).is_well
    stay_away(site, LEFT, "", later(0))
    assert health(site, later(500)).is_well
    assert health(site, later(500)).facts["attendance"] == "left"


def test_the_command(site: Site) -> None:
    folder = str(site.folder)
    asked = CliRunner().invoke(cli, ["health", folder])
    assert (asked.exit_code, "found no heartbeat" in asked.output) == (1, True)
    beat(site.state)
    asked = CliRunner().invoke(cli, ["health", folder, "--json"])
    assert asked.exit_code == 0
    said = json.loads(asked.output)
    assert (said["ok"], said["state"], said["attendance"]) == (True, "idle", "present")
    assert said["server_answered_s"] is None


def test_work_that_stands_still_lets_the_heartbeat_grow_old(site: Site) -> None:
    """The thread that beats lives on when the work beside it hangs."""
    beat_if_moving(site.state)
    assert read_beat(site.state) is None, "nothing has moved yet"
    Watch(site).look()
    beat_if_moving(site.state)
    assert read_beat(site.state) is not None
    (site.state / FILE).unlink()
    beat_if_moving(site.state, still_s=-1)
    assert read_beat(site.state) is None


def test_a_pulse_beats_no_more_often_than_asked() -> None:
    beats: list[int] = []
    pulse = Pulse(lambda: beats.append(1))
    for _ in range(50):
        pulse.beat()
    assert len(beats) == 1


def test_the_worker_beats_only_while_no_message_is_worked_on(site: Site) -> None:
    """In a process of its own: whatever another test left as a child of this one would count as a message."""
    worker_process = os.fork()
    if worker_process == 0:
        os._exit(_work(site))
    assert os.waitstatus_to_exitcode(os.waitpid(worker_process, 0)[1]) == 0
    assert getattr(read_beat(site.state), "process", None) == worker_process


def _work(site: Site) -> int:
    """0 when no beat came while a message was worked on and one came afterwards."""
    worker, message = ForkExecutor(site.state), os.fork()
    if message == 0:
        signal.pause()
    worker.reconcile()
    was_silent = read_beat(site.state) is None
    os.kill(message, signal.SIGKILL)
    os.waitpid(message, 0)
    worker.reconcile()
    return 0 if was_silent and read_beat(site.state) is not None else 1


_BEATING = """
import sys, time
from pathlib import Path
from client.node import heartbeat
heartbeat.BEAT_S = 0.05
heartbeat.keep_beating(Path(sys.argv[1]))
with heartbeat.at_work(Path(sys.argv[1]), "training", "ab", 7):
    while True:
        time.sleep(0.01)
"""


@pytest.fixture
def beating(site: Site) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", _BEATING, str(site.state)]) as process:
        yield process
        process.kill()


def test_a_stopped_process_lets_the_heartbeat_grow_old(site: Site, beating: "subprocess.Popen[bytes]") -> None:
    def newest() -> datetime | None:
        found = read_beat(site.state)
        return found.time if found is not None and found.round == 7 else None

    wait_for(newest)
    first = newest()
    wait_for(lambda: newest() != first)
    os.kill(beating.pid, signal.SIGSTOP)
    wait_for(lambda: Path(f"/proc/{beating.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    stopped = newest()
    assert stopped is not None
    assert not health(site, stopped + timedelta(seconds=121)).is_well
    wait_for(lambda: not health(site, datetime.now(UTC), 0.5).is_well)
    assert newest() == stopped
    os.kill(beating.pid, signal.SIGCONT)
    wait_for(lambda: newest() != stopped)
