"""What a killed process leaves behind is ended: real processes, killed where nothing can be tidied up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from server.serving.undertaker import Undertaker, end

STARTS = """
import sys, time
from pathlib import Path
from server.serving.child_processes import children
code = '''
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
'''
with children(Path(sys.argv[1])) as started:
    child = started.start("parent", [sys.executable, "-c", code], {})
    started.keep_alive()
    print(child.process.pid, flush=True)
    time.sleep(600)
"""
SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def runs(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_children_and_grandchildren_of_a_killed_process_end(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        log = tmp_path / "parent.log"
        wait_until(lambda: log.read_text().endswith("\n"))
        grandchild = int(log.read_text())
        undertakers = [process.pid for process in psutil.Process(starter.pid).children() if process.pid != child]
        assert len(undertakers) == 1
        assert runs(child)
        assert runs(grandchild)
        starter.kill()
    wait_until(lambda: not runs(child) and not runs(grandchild))
    wait_until(lambda: not runs(undertakers[0]))


def test_a_group_that_was_ended_is_left_alone() -> None:
    undertaker = Undertaker()
    kept, noted = (subprocess.Popen(SLEEPS, start_new_session=True) for _ in range(2))
    try:
        for child in (kept, noted):
            undertaker.note(child.pid)
        undertaker.forget(kept.pid)
        undertaker.dismiss()
        assert noted.wait(60) == -signal.SIGTERM
        assert kept.poll() is None
    finally:
        kept.kill()
        kept.wait()


def test_work_goes_on_when_the_undertaker_is_killed() -> None:
    undertaker = Undertaker()
    os.kill(undertaker._process.pid, signal.SIGKILL)
    undertaker._process.wait()
    undertaker.note(1_000_000_000)
    undertaker.dismiss()


def test_a_group_that_does_not_listen_is_ended_by_force() -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, start_new_session=True) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        end([deaf.pid], grace_s=0.2)
        assert deaf.wait(60) == -signal.SIGKILL
