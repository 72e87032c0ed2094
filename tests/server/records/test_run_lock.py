"""Two coordinators never share a run folder."""

import os
import signal
from pathlib import Path

import pytest

from gmmas_core.types import FederationError
from server.records.run_lock import run_lock


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        with pytest.raises(FederationError, match="another coordinator") as caught, run_lock(tmp_path):
            pass
        assert str(tmp_path.parent) not in str(caught.value)
    with run_lock(tmp_path):
        pass


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        _ = 1 // 0
    with run_lock(tmp_path):
        pass


def test_another_process_is_refused_and_its_death_lets_go(tmp_path: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with run_lock(tmp_path):
            os.write(write, b"held")
            signal.pause()
    try:
        assert os.read(read, 4) == b"held"
        with pytest.raises(FederationError), run_lock(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with run_lock(tmp_path):
        pass
