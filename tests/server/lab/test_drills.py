"""The drills' registry, its runbook, the devices they put on the line; the drills themselves: tests/federation."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from client.cli import app as site_app
from gmmas_core.types import ConfigError, FederationError
from server.cli import app as coordinator_app
from server.lab.cli import app
from server.lab.drills.judging import Drill, Findings, Outcome
from server.lab.drills.play import DRILLS, chosen, write_down
from server.serving.child_processes import children, free_ports, wait_until

ROOT = Path(__file__).parents[3]
RUNBOOK = ROOT / "deploy" / "RUNBOOK.md"
PATIENCE_S = 60.0


def rows() -> list[list[str]]:
    """The runbook's tables, cells by row."""
    lines = [line for line in RUNBOOK.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("symptom", "---")]


def shown_by(row: list[str]) -> tuple[list[str], list[str]]:
    """The drills and the tests that a row names in its last cell."""
    words = re.findall(r"`([^`]+)`", row[-1])
    tests = [word for word in words if word.startswith("tests/")]
    return [word for word in words if word not in tests], tests


def test_every_row_of_the_runbook_has_symptom_cause_command_and_proof() -> None:
    assert len(rows()) > len(DRILLS)
    for row in rows():
        assert len(row) == 4, row
        assert all(row), row
        drills, tests = shown_by(row)
        assert drills or tests, row


def test_every_drill_has_a_row_and_every_row_names_what_exists() -> None:
    named = {name for row in rows() for name in shown_by(row)[0]}
    assert named == set(DRILLS)
    for test in {test for row in rows() for test in shown_by(row)[1]}:
        path, _, function = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not function or f"def {function}(" in (ROOT / path).read_text(), test


def test_the_commands_of_the_runbook_exist() -> None:
    known = {
        "gmmas-site": set(get_command(site_app).commands),
        "gmmas-coordinator": set(get_command(coordinator_app).commands),
    }
    typed = re.findall(r"(gmmas-site|gmmas-coordinator) ([a-z-]+)", RUNBOOK.read_text())
    assert len(typed) > 20
    assert [(program, command) for program, command in typed if command not in known[program]] == []


def test_drills_are_listed_and_chosen_by_name() -> None:
    said = CliRunner().invoke(app, ["drills", "--list", "--json"], catch_exceptions=False)
    assert [row["drill"] for row in json.loads(said.output)] == list(DRILLS)
    assert [drill.name for drill in chosen(["hang", "link-cut"])] == ["link-cut", "hang"]
    assert len(chosen([])) == len(DRILLS)
    with pytest.raises(ConfigError, match="found earthquake; expected any of link-cut"):
        chosen(["earthquake"])


def test_without_namespaces_the_command_says_so_and_fails(tmp_path: Path) -> None:
    """Nobody's programs on the path: root misses `ip`, others miss root."""
    done = subprocess.run(
        [sys.executable, "-c", "from server.lab.cli import main; main()", "drills", "hang", "--out", str(tmp_path)],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert "drills: found no network namespaces" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_drill_holds_when_everything_seen_is_as_it_should_be(tmp_path: Path) -> None:
    found = Findings()
    assert not found.hold
    found.that("round 2 counted all", True)
    assert found.hold
    found.that("watch: failed", False)
    assert not found.hold
    assert found.words() == "round 2 counted all; NOT AS EXPECTED: watch: failed"
    drill = Drill(name="x", disturbance="[red]", expected="none", play=lambda stage, found: None)
    write_down([Outcome(drill=drill, observed=found.words(), holds=found.hold, seconds=1.0)], tmp_path)
    (row,) = json.loads((tmp_path / "drills.json").read_text())["drills"]
    assert (row["verdict"], row["observed"]) == ("FAILS", found.words())
    text = (tmp_path / "drills.txt").read_text()
    assert "[red]" in text
    assert "Research use only" in text


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Callable[..., tuple[int, Path]]]:
    """Start the relay's program with some arguments; its port and its counts."""
    with children(tmp_path) as started:

        def start(*arguments: str) -> tuple[int, Path]:
            (port,) = free_ports(1)
            counts = tmp_path / "counts.json"
            command = [sys.executable, "-m", "server.lab.drills.relay_program", "--listen", f"127.0.0.1:{port}"]
            child = started.start("relay", [*command, "--counts", str(counts), *arguments], {"PYTHONPATH": str(ROOT)})
            wait_until(lambda: counts.exists() and _listens(port), [child], PATIENCE_S)
            return port, counts

        yield start


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends everything back; its port."""
    code = (
        "import socket, threading\n"
        "server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True)\n"
        "def serve(near):\n"
        "    while data := near.recv(65536): near.sendall(data)\n"
        "    near.close()\n"
        "while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_the_relay_passes_everything_on_in_order(relay: Callable[..., tuple[int, Path]], echo: int) -> None:
    port, counts = relay("--to", f"127.0.0.1:{echo}", "--delay-ms", "20")
    sent = bytes(range(256)) * 400
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as near:
        near.sendall(sent)
        near.shutdown(socket.SHUT_WR)
        assert _all_of(near) == sent
    assert json.loads(counts.read_text())["carried"] == 2 * len(sent)


def test_the_relay_cuts_long_requests_only_while_it_is_armed(
    relay: Callable[..., tuple[int, Path]], echo: int, tmp_path: Path
) -> None:
    armed = tmp_path / "armed"
    port, counts = relay("--to", f"127.0.0.1:{echo}", "--cut-after", "1000", "--armed", str(armed))
    for is_armed, answer in ((False, b"x" * 5000), (True, b"")):
        if is_armed:
            armed.touch()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as near:
            near.sendall(b"x" * 5000)
            near.shutdown(socket.SHUT_WR)
            assert _all_of(near) == answer
    assert json.loads(counts.read_text())["cut"] == 1


def test_the_relay_is_an_http_proxy_when_it_is_told_no_way(relay: Callable[..., tuple[int, Path]], echo: int) -> None:
    port, _ = relay()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as near:
        near.sendall(f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert near.recv(1000).startswith(b"HTTP/1.1 200 ")
        near.sendall(b"hello")
        near.shutdown(socket.SHUT_WR)
        assert _all_of(near) == b"hello"


def test_a_wait_in_vain_names_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.lab.drills import judging

    monkeypatch.setattr(judging, "PATIENCE_S", 0.05)
    with pytest.raises(FederationError, match="found no round 3"):
        judging.wait_for(lambda: None, "round 3", pause_s=0.01)


def _all_of(near: socket.socket) -> bytes:
    parts = []
    try:
        while data := near.recv(65536):
            parts.append(data)
    except ConnectionError:
        pass
    return b"".join(parts)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
