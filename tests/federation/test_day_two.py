"""A served federation that is asked how it is, backed up, killed, and served again from its backup elsewhere."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from client.cli import app as site_app
from client.node.command import node_command, node_environment
from server.cli import app
from server.membership.members import read_member
from server.membership.registration import superlink
from server.serving.child_processes import children, free_ports
from server.serving.state import read_state

pytestmark = [pytest.mark.process, pytest.mark.timeout(1200)]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(part) for part in arguments], catch_exceptions=False)
    return result.exit_code, result.output


def coordinator(*arguments: object) -> str:
    code, output = run(*arguments)
    assert code == 0, output
    return output


def wait_until(condition: Callable[[], object], server: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 150
    while not condition():
        assert time.monotonic() < deadline
        assert server is None or server.poll() is None
        time.sleep(0.2)


@contextmanager
def served(folder: Path, inside: int) -> Iterator[subprocess.Popen[bytes]]:
    """`gmmas-coordinator serve` in a house with a proxy that does not answer; ended with all its children."""
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--superlink-port", str(inside)]
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:1")
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    with subprocess.Popen(command, env=environment | proxies) as server:
        try:
            wait_until((folder / "superlink" / "serve.json").is_file, server)
            yield server
        finally:
            server.terminate()
            server.wait(60)


def test_from_health_over_a_kill_to_a_restored_server_that_hospitals_reach(sites: list[Path], tmp_path: Path) -> None:
    public, inside = free_ports(2)
    folder, hospital = tmp_path / "federation", tmp_path / "east"
    shutil.copytree(sites[0], hospital, ignore=shutil.ignore_patterns("replies"))
    folder.mkdir()
    text = f"name: glioma\nserver: {{address: '127.0.0.1:{public}'}}\nsites: [{hospital.name}]\n"
    (folder / "federation.yaml").write_text(text)
    coordinator("provision", folder)
    letter, archive = tmp_path / "letter.json", tmp_path / "backup.tar"
    with served(folder, inside) as server:
        arguments = [folder / "invitations" / "east.invitation.json", "--data", hospital, "--out", letter, "--json"]
        said = CliRunner().invoke(site_app, ["enrol", *map(str, arguments)], catch_exceptions=False)
        fingerprint = json.loads(said.output)["fingerprint"]
        options = ("--federation", folder, "--superlink", f"127.0.0.1:{inside}", "--fingerprint", fingerprint)
        coordinator("approve", "east", letter, *options)
        lines = json.loads(coordinator("health", folder, "--json"))["health"]
        asked = {line["name"]: line["verdict"] for line in lines}
        assert [asked[name] for name in ("serve", "superlink", "executor", "proxy")] == ["pass"] * 4
        coordinator("backup", folder, "--out", archive)
        parts = [psutil.Process(int(child["pid"])) for child in read_state(folder / "superlink").children.values()]
        everybody = [*parts, *(below for part in parts for below in part.children(recursive=True))]
        assert len(parts) == 3
        server.kill()
        server.wait()
        wait_until(lambda: not any(each.is_running() and each.status() != "zombie" for each in everybody))
    code, output = run("health", folder)
    assert code == 1
    assert "superlink: found no answer" in output
    assert "proxy: found no answer" in output
    coordinator("restore", archive, tmp_path / "restored")
    there = tmp_path / "restored" / "federation"
    with served(there, inside), superlink(there, f"127.0.0.1:{inside}") as link:
        key = read_member(there, "east").key
        assert key is not None
        assert link.registered() == {key.public_key: key.node_id}
        (port,) = free_ports(1)
        with children(tmp_path) as started:
            node = started.start("east", node_command(hospital, port), node_environment(hospital))
            wait_until(lambda: node.require_alive() or "SuperNode ID" in node.log_text())
        output = coordinator("health", there)
        assert "warn       restored: found that this folder was restored" in output
