"""A real node against a real SuperLink: it beats, a stopped worker goes stale, and a server that went away is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.node.event_reading import EventReader
from client.node.health import health
from client.node.heartbeat import read_beat
from client.node.link import answered_at
from client.site import Site, write_site
from server.lab.loopback import PROMPT, start_superlink
from server.launching.flower_commands import QUIET
from server.serving.child_processes import Children, children, free_ports

pytestmark = [pytest.mark.process, pytest.mark.timeout(1200)]

NODE = """
import sys
from client.node import heartbeat
from client.node import link
from client.node import supernode
heartbeat.BEAT_S = 0.2
link.PATIENCE_S = 3.0
supernode.main()
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021", device="cpu")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Children]:
    logs = tmp_path / "logs"
    logs.mkdir()
    with children(logs) as these:
        yield these


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def heard(site: Site) -> list[str]:
    return [event["event"] for event in EventReader(site.state).so_far()]


def is_well(site: Site, limit_s: float) -> bool:
    return health(site, datetime.now(UTC), limit_s).is_well


def test_a_nodes_life(site: Site, started: Children) -> None:
    link_port, node_port = free_ports(2)
    link = start_superlink(started, link_port)
    command = [sys.executable, "-c", NODE, "--insecure", "--superlink", f"127.0.0.1:{link_port}"]
    command += ["--host", "127.0.0.1", "--port", str(node_port), "--node-config", f'site="{site.folder}/site.yaml"']
    # A proxy that is not there: whoever asked it for the way to this machine would never arrive.
    environment = {"http_proxy": "http://127.0.0.1:1", "FLWR_HOME": str(started.logs / "home")}
    node = started.start("node", command, QUIET | PROMPT | environment)

    wait_for(lambda: is_well(site, 30), "the first heartbeat")
    wait_for(lambda: answered_at(site.state), "the first answer of the server")
    assert heard(site)[:1] == ["started"]

    beat = read_beat(site.state)
    assert beat is not None
    assert beat.state == "idle"
    os.kill(beat.process, signal.SIGSTOP)
    try:
        wait_for(lambda: not is_well(site, 3), "a stopped worker goes stale")
    finally:
        os.kill(beat.process, signal.SIGCONT)
    wait_for(lambda: is_well(site, 3), "it goes on")

    os.killpg(link.process.pid, signal.SIGKILL)
    wait_for(lambda: "unconnected" in heard(site), "the silence of the server is told")
    assert "run in another window: gmmas-site check" in node.log_text()
    assert "--connect" in node.log_text()
    link.launch()
    wait_for(lambda: "connected" in heard(site), "its return is told")

    node.process.send_signal(signal.SIGTERM)
    wait_for(node.has_ended, "the node ends")
    assert heard(site)[-1] == "ended"


def test_health_as_a_container_asks_it(site: Site) -> None:
    command = [sys.executable, "-c", "from client.cli import main; main()", "health", str(site.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "found no heartbeat; expected a running node" in done.stdout
