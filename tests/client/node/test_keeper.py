"""Whatever ends is started again, with everything it left behind swept away; told to end, all of it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEEPER = """
import os, signal, sys, time
from pathlib import Path
from client.node import keeper as supernode_keeper
supernode_keeper.FIRST_WAIT_S = 0.05
folder = Path(sys.argv[1])

def note(kind):
    (folder / f"{kind}-{os.getpid()}").touch()

def node():
    note("node")
    time.sleep(600)

def worker(leader):
    assert os.getpgid(0) == leader
    fork = os.fork()
    note("worker" if fork else "fork")
    if fork == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)

supernode_keeper.keep(node, worker)
(folder / "left").touch()
"""


def processes(folder: Path, kind: str) -> set[int]:
    return {int(path.name.partition("-")[2]) for path in folder.glob(f"{kind}-*")}


def living(folder: Path) -> set[int]:
    return {each for kind in ("node", "worker", "fork") for each in processes(folder, kind) if runs(each)}


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path)], start_new_session=True)
    wait_for(lambda: processes(tmp_path, "fork"))
    yield started
    for each in living(tmp_path) | {started.pid}:
        if runs(each):
            os.kill(each, signal.SIGKILL)
    started.wait()


@pytest.mark.parametrize("kind", ["node", "worker"])
def test_both_are_started_again_when_one_is_killed(kind: str, tmp_path: Path, keeper: subprocess.Popen[bytes]) -> None:
    before = living(tmp_path)
    assert len(before) == 3
    (victim,) = processes(tmp_path, kind)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(processes(tmp_path, "fork")) == 2)
    assert not before & living(tmp_path)
    assert keeper.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_with_everything(
    number: signal.Signals, tmp_path: Path, keeper: subprocess.Popen[bytes]
) -> None:
    keeper.send_signal(number)
    assert keeper.wait(120) == 0
    assert (tmp_path / "left").exists()
    assert living(tmp_path) == set()
