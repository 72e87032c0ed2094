"""Children end with the block that started them, and with everything they started in turn."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.types import FederationError
from server.serving.child_processes import children, free_ports

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
HAS_CHILD = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def runs(process: int) -> bool:
    """Whether a process exists and is no zombie (whose parent, the container's first process, may never reap it)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_words(log: Path) -> str:
    deadline = time.monotonic() + 60
    while not log.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return log.read_text()


def test_an_interrupt_ends_children_and_grandchildren(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), children(tmp_path) as started:  # noqa: PT012
        child = started.start("parent", [sys.executable, "-c", HAS_CHILD], {})
        grandchild = int(wait_for_words(child.log))
        assert runs(grandchild)
        raise KeyboardInterrupt
    assert not runs(child.process.pid)
    assert not runs(grandchild)


def test_a_request_to_terminate_ends_them_too(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), children(tmp_path) as started:  # noqa: PT012
        child = started.start("sleeper", SLEEPS, {})
        os.kill(os.getpid(), 15)
        time.sleep(10)
    assert not runs(child.process.pid)


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.serving.child_processes.GRACE_S", 0.5)
    with children(tmp_path) as started:
        child = started.start("deaf", [sys.executable, "-c", DEAF], {})
        wait_for_words(child.log)
    assert child.process.returncode == -9


def test_last_words_of_a_dead_child_name_no_path(tmp_path: Path) -> None:
    with children(tmp_path) as started:
        code = "import sys; sys.exit('\\x1b[91mcannot open /data/Jane Doe/site.yaml\\x1b[0m now')"
        child = started.start("node", [sys.executable, "-c", code], {})
        child.process.wait(60)
        with pytest.raises(
            FederationError, match=r"node: found that it ended with code 1.*it said last: cannot open …"
        ):
            child.require_alive()
        assert "/data" not in child.last_words()


def test_a_child_that_is_killed_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.serving.child_processes.RESTART_S", 0.05)
    with children(tmp_path) as started:
        child = started.start("parent", [sys.executable, "-c", HAS_CHILD], {})
        first, grandchild = child.process.pid, int(wait_for_words(child.log))
        started.keep_alive()
        os.kill(first, 9)
        wait_until(lambda: child.log.read_text().count("\n") == 2)
        started.require_kept()
        assert child.process.pid != first
        assert not runs(grandchild)
    assert not runs(child.process.pid)


def test_a_child_that_ends_again_and_again_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.serving.child_processes.RESTART_S", 0.001)
    with children(tmp_path) as started:
        child = started.start("node", [sys.executable, "-c", "print('no room'); raise SystemExit(3)"], {})
        started.keep_alive()
        with pytest.raises(FederationError, match=r"node: found that it ended with code 3.*it said last: no room"):
            wait_until(started.require_kept)
        assert child.log.read_text().count("no room") == 7


def test_a_number_that_was_given_to_others_is_left_alone(tmp_path: Path) -> None:
    """A child that has ended is found so again and again; its number must stay its own until its group is ended."""
    with children(tmp_path) as started:
        child = started.start("short", [sys.executable, "-c", ""], {})
        wait_until(child.has_ended)
        assert child.has_ended()
        assert Path(f"/proc/{child.process.pid}/stat").exists()
        child.end()
        stranger = subprocess.Popen(SLEEPS, start_new_session=True)
        try:
            child.process.pid = stranger.pid  # as if its number had come round
            child.signal_group(signal.SIGTERM)
            assert not child.group_lives()
            child.end()
            started.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_a_child_that_cannot_be_started_again_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.serving.child_processes.RESTART_S", 0.2)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    with children(tmp_path) as started:
        child = started.start("node", [str(program)], {})
        first = child.process.pid
        program.rename(tmp_path / "away")
        started.keep_alive()
        os.kill(first, 9)
        wait_until(lambda: child.restarts == 2)
        (tmp_path / "away").rename(program)
        wait_until(lambda: child.process.pid != first)
        assert not child.has_ended()


def test_ports_are_free_and_differ() -> None:
    assert len(set(free_ports(4))) == 4
