"""The drills' own world: what is made in it is gone when it ends, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from server.lab.drills.seclusion import missing

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason="no network namespaces"),
    pytest.mark.timeout(120),
]

ROOT = Path(__file__).parents[3]
CODE = """
import os, pathlib, subprocess, sys, time
from server.lab.drills.network import Network, run
from server.lab.drills.seclusion import secluded

mark = sys.argv[1]

def work():
    network = Network()
    network.join("east")
    network.join("north")
    reached = subprocess.run([*network.inside("east"), "ip", "-br", "address", "show", "eth0"], capture_output=True)
    run("mount", "-t", "tmpfs", "tmpfs", mark)
    pathlib.Path(mark, "inside").write_text(reached.stdout.decode())
    subprocess.Popen([*network.inside("north"), "sleep", "100000"], start_new_session=True)
    {rest}

sys.exit(secluded(work))
"""


def start(tmp_path: Path, rest: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE.replace("{rest}", rest), str(tmp_path / "mark")]
    (tmp_path / "mark").mkdir()
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def below(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_work_s_exit_code_is_the_command_s_and_nothing_stays(tmp_path: Path) -> None:
    before = os.listdir("/run")
    process = start(tmp_path, 'print(pathlib.Path(mark, "inside").read_text(), flush=True); return 3')
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "10.77.0.11/24" in said
    assert os.listdir(tmp_path / "mark") == []
    assert os.listdir("/run") == before
    assert "hospitals" not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it_with_everything_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, 'print("ready", flush=True); time.sleep(100000)')
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: any("sleep" in each.name() for each in below(process)))
    family = below(process)
    process.send_signal(number)
    assert process.wait(60) != 0
    wait_for(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family))
    assert not (tmp_path / "mark" / "inside").exists()
    process.stdout.close()
