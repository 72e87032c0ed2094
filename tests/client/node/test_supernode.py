"""The names of Flower that the node's worker replaces are those of the pinned release."""

import inspect
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import flwr
import pytest
from flwr.supercore.constant import TaskType
from flwr.supercore.heartbeat import HeartbeatSender
from flwr.supercore.superexec import run_superexec
from flwr.supercore.superexec.executor.types import ExecutionSpec, Executor
from flwr.supernode import fleet_http_connection, start_client_internal
from flwr.supernode.cli.flower_supernode import _parse_supernode_lifespan_config
from flwr.supernode.runtime import run_clientapp

from client.node import supernode
from client.node.link import answered_at
from client.node.supernode import FLWR_VERSION, MAX_AT_ONCE, ForkExecutor
from client.site import write_site


def test_flower_is_the_release_whose_private_names_are_used() -> None:
    assert flwr.__version__ == FLWR_VERSION
    assert "get_executor(" in inspect.getsource(run_superexec.run_superexec)
    source = inspect.getsource(run_clientapp.run_clientapp)
    assert "install_from_fab(" in source
    assert "get_load_client_app_fn(" in source
    assert set(re.findall(r"\btime\.(\w+)", inspect.getsource(start_client_internal))) == {"sleep"}
    expected = {name for name in vars(Executor) if not name.startswith("_")}
    assert expected <= set(dir(ForkExecutor))
    assert "parse_args()" in inspect.getsource(_parse_supernode_lifespan_config)
    # What makes a node end that a SuperLink without memory does not know, and one whose heartbeat fails live on deaf.
    connection = inspect.getsource(fleet_http_connection.http_request_response)
    assert "UNAUTHORIZED" in connection
    assert "signal.SIGINT" in connection
    assert "HeartbeatSender(send_node_heartbeat)" in connection


def test_forks_that_have_ended_are_taken_leave_of() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    while not _is_zombie(child):
        pass
    ForkExecutor().reconcile()
    assert not os.path.exists(f"/proc/{child}")


def test_an_answer_to_a_heartbeat_is_an_answer_of_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While weights travel over a slow line nothing else is asked, and the link must not count as lost."""
    made: list[Callable[[Callable[[], bool]], HeartbeatSender]] = []
    for module, name in ((start_client_internal, "time"), (fleet_http_connection, "HeartbeatSender")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "argv", ["node"])
    monkeypatch.setattr(supernode, "start_parent_process_monitor", lambda _: None)
    monkeypatch.setattr(supernode, "flower_supernode", lambda: made.append(fleet_http_connection.HeartbeatSender))
    supernode._run_node(1, tmp_path)
    (make,) = made
    assert make(lambda: False).heartbeat_fn() is False
    assert answered_at(tmp_path) is None
    assert make(lambda: True).heartbeat_fn() is True
    assert answered_at(tmp_path) is not None


def test_a_flood_of_messages_is_answered_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every message may take as much memory as the limits allow, so their number is limited too."""
    may_end = tmp_path / "may_end"

    def answer(*_: object) -> None:
        while not may_end.exists():
            time.sleep(0.01)
        os._exit(0)

    monkeypatch.setattr(supernode, "_answer", answer)
    worker, wanted = ForkExecutor(), {TaskType.CLIENT_APP, TaskType.AGENT_APP}
    spec = ExecutionSpec(TaskType.CLIENT_APP, "localhost:1", "token", True, None, False, None, True, 1)
    try:
        for _ in range(MAX_AT_ONCE):
            worker.reconcile()
            assert worker.get_eligible_capacity(wanted) == ({TaskType.CLIENT_APP}, set())
            worker.launch(spec)
        worker.reconcile()
        assert worker.get_eligible_capacity(wanted) == (set(), set())
    finally:
        may_end.touch()
    deadline = time.monotonic() + 60
    while not worker.get_eligible_capacity(wanted)[0] and time.monotonic() < deadline:
        worker.reconcile()
    assert worker.get_eligible_capacity(wanted) == ({TaskType.CLIENT_APP}, set())
    while worker._answering and time.monotonic() < deadline:
        worker.reconcile()


def test_a_message_whose_process_was_killed_ends_the_worker() -> None:
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    while not _is_zombie(child):
        pass
    with pytest.raises(SystemExit, match="killed by signal 9"):
        ForkExecutor().reconcile()


def test_a_node_does_not_outlive_one_of_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    monkeypatch.setattr(threading, "excepthook", supernode._end_with_thread)
    try:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == [signal.SIGTERM]


def test_the_node_takes_flowers_own_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client.node.supernode", "--nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--node-config" in done.stderr
    assert "unrecognized arguments: --nonsense" in done.stderr


def test_the_site_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(tmp_path, "north", "brats2021")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "site.yaml"
    for named in (f'site="{file}"', f"other=1 site='{file}'"):
        assert supernode._site_file(named) == file
    for unnamed in ("", "other=1", 'site=""', 'website="x"', f'site="{tmp_path / "none"}"'):
        assert supernode._site_file(unnamed) is None, unnamed


def _is_zombie(process: int) -> bool:
    with open(f"/proc/{process}/stat") as file:
        return file.read().split()[2] == "Z"
