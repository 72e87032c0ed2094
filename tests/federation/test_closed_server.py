"""From nothing to a federation of enrolled hospitals, with the real server; and what outsiders get at it.

One server and one run serve all tests of this file: each start costs half a minute.
"""

import json
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as site_app
from client.node.command import node_command, node_environment
from gmmas_core.types import FederationError
from server.cli import app as coordinator_app
from server.launching.flower_commands import APP, CONNECTION, QUIET, SuperLink, environment_with_programs
from server.launching.launch_plan import LaunchPlan
from server.launching.launcher import Launcher, sole_launcher
from server.ledger import Ledger
from server.records.run_folder import RunFolder
from server.serving.child_processes import children, free_ports
from server.serving.serve import Server, serving

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

NAMES = ("east", "north", "south")


@dataclass(frozen=True)
class World:
    """A federation that is being served."""

    folder: Path
    server: Server
    hospitals: dict[str, Path]

    @property
    def authority(self) -> Path:
        return self.folder / "ca" / "ca.crt"

    @property
    def outside(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    @property
    def inside(self) -> str:
        return f"127.0.0.1:{self.server.superlink_port}"


def coordinator(*arguments: object) -> str:
    result = CliRunner().invoke(coordinator_app, [str(part) for part in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def enrol(invitation: Path, hospital: Path, out: Path) -> str:
    """The hospital's part; the fingerprint that it reads out."""
    arguments = ["enrol", str(invitation), "--data", str(hospital), "--out", str(out), "--json"]
    result = CliRunner().invoke(site_app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(json.loads(result.output)["fingerprint"])


@pytest.fixture(scope="module")
def world(sites: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three hospitals, enrolled and approved over the telephone."""
    root = tmp_path_factory.mktemp("a federation")
    hospitals = {site.name: root / "hospitals" / site.name for site in sites}
    for site in sites:
        shutil.copytree(site, hospitals[site.name], ignore=shutil.ignore_patterns("replies"))
    public, inside = free_ports(2)
    folder = root / "federation"
    folder.mkdir()
    names = ", ".join(NAMES)
    (folder / "federation.yaml").write_text(
        f"name: glioma\nserver: {{address: '127.0.0.1:{public}'}}\nsites: [{names}]\n"
    )
    coordinator("provision", folder / "federation.yaml")
    server = Server(federation=folder, host="127.0.0.1", port=public, superlink_port=inside)
    with serving(server):
        for name in NAMES:
            letter = root / f"{name}.enrolment.json"
            said = enrol(folder / "invitations" / f"{name}.invitation.json", hospitals[name], letter)
            options = ("--federation", folder, "--superlink", f"127.0.0.1:{inside}", "--fingerprint", said)
            coordinator("approve", name, letter, *options)
        yield World(folder, server, hospitals)


def test_a_round_of_enrolled_hospitals_and_none_in_another_s_name(
    world: World, overrides: Sequence[str], tmp_path: Path
) -> None:
    """South's node holds south's key and calls itself north: it is left out, the others play their round."""
    liar = world.hospitals["south"] / "site.yaml"
    truth = liar.read_text()
    commands = {}
    for name, port in zip(NAMES, free_ports(3), strict=True):
        commands[name] = node_command(world.hospitals[name], port), node_environment(world.hospitals[name])
    liar.write_text(truth.replace("site: south", "site: north"))
    try:
        with children(tmp_path) as started:
            nodes = [started.start(name, *commands[name]) for name in NAMES]
            folder = RunFolder(tmp_path / "run")
            chosen = (
                *overrides,
                "rounds=1",
                "acceptance.check=none",
                "federation.min_sites=2",
                "federation.deadline_s=120",
            )
            plan = LaunchPlan(
                overrides=(*chosen, "federation.mandatory=[east,north]"),
                superlink=world.inside,
                root_certificates=str(world.authority),
                federation=str(world.folder),
            )
            with sole_launcher(folder):
                report = Launcher(folder, plan, plan.link(folder), lambda kind, fields: None, lambda: None).play()
            for node in nodes:
                node.require_alive()
    finally:
        liar.write_text(truth)
    (only,) = report["rounds"]
    assert sorted(only["sites"]) == ["east", "north"]
    assert folder.report_html.is_file()
    reasons = [
        reason
        for entry in Ledger(folder.ledger).entries()
        for reason in [entry.get("reason", ""), *entry.get("left_out", {}).values()]
    ]
    assert any("site 'north': found the key of 'south'" in str(reason) for reason in reasons)


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/openapi.json",
        "/v1/control/list-runs",
        "/v1/control/start-run",
        "/v1/control/register-node",
        "/v1/control/list-nodes",
        "/v1/runtime/pull-task",
        "/v1/fleet/../control/list-runs",
        "/v1/fleet/%2e%2e/control/list-runs",
        "//v1/control/list-runs",
        "/",
    ],
)
def test_from_outside_nothing_but_the_nodes_part_can_be_reached(world: World, path: str) -> None:
    context = ssl.create_default_context(cafile=str(world.authority))
    for data in (None, b""):
        request = urllib.request.Request(f"https://{world.outside}{path}", data=data)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10, context=context)
        assert refused.value.code == 403


def test_who_holds_the_authority_s_certificate_can_neither_submit_nor_list_nor_register(
    world: World, tmp_path: Path
) -> None:
    link = SuperLink(world.outside, world.authority, tmp_path)
    with pytest.raises(FederationError, match="found no run started"):
        link.submit({"experiment": "smoke"})
    with pytest.raises(FederationError):
        link.status("1")
    key = (world.hospitals["east"] / ".gmmas" / "enrolment" / "supernode_key.pub").read_text()
    with pytest.raises(FederationError):
        link.register(" ".join(key.split()[:2]))
    assert APP.is_dir()


@pytest.mark.parametrize("secret", [None, b"0" * 64])
def test_the_server_s_task_cannot_be_taken_even_inside_without_the_secret(
    world: World, secret: bytes | None, tmp_path: Path
) -> None:
    command = ["flower-superexec", "--runtime-api-address", world.inside, "--root-certificates", str(world.authority)]
    if secret is not None:
        (tmp_path / "secret").write_bytes(secret)
        command += ["--superexec-auth-secret-file", str(tmp_path / "secret")]
    log = world.server.home / "superlink.log"
    before = log.read_text().count("SuperExec authentication failed")
    deadline = time.monotonic() + 120
    with running(command, tmp_path):
        while log.read_text().count("SuperExec authentication failed") == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_node_without_an_approved_key_or_with_none_is_turned_away(world: World, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    start = ["flower-supernode", "--superlink", world.outside, "--root-certificates", str(world.authority)]
    start += ["--port", str(port), "--isolation", "process"]
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-b", "384", "-N", "", "-f", str(tmp_path / "own")], check=True)
    for more in ([], ["--auth-supernode-private-key", str(tmp_path / "own")]):
        assert "SuperNode ID" not in ended([*start, *more], tmp_path)


def test_a_server_of_another_authority_is_not_believed(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "federation.yaml").write_text("name: other\nserver: {address: '127.0.0.1:1'}\nsites: [east]\n")
    coordinator("provision", other / "federation.yaml")
    assert not SuperLink(world.outside, other / "ca" / "ca.crt", tmp_path).is_healthy()
    assert SuperLink(world.outside, world.authority, tmp_path).is_healthy()


EVIL_CLIENT = """
from pathlib import Path
Path({mark!r}).write_text("imported")
from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp
app = ClientApp()
@app.train()
def train(message, context):
    Path({mark!r}).write_text("executed")
    return Message(RecordDict(), reply_to=message)
"""
EVIL_SERVER = """
import json, time
from pathlib import Path
from flwr.app import Message, MessageType, RecordDict
from flwr.serverapp import ServerApp
app = ServerApp()
@app.main()
def main(grid, context):
    while not (nodes := list(grid.get_node_ids())):
        time.sleep(0.2)
    [sent] = grid.push_messages([Message(RecordDict(), nodes[0], MessageType.TRAIN)])
    while not (replies := list(grid.pull_messages([sent]))):
        time.sleep(0.2)
    Path({said!r}).write_text(json.dumps(sorted(replies[0].content) if replies[0].has_content() else ["error"]))
"""
EVIL_PROJECT = """
[project]
name = "evil"
version = "1.0.0"
description = "Not what the hospital has approved."
license = "Apache-2.0"
[tool.flwr.app]
publisher = "nobody"
[tool.flwr.app.components]
serverapp = "evil_server:app"
clientapp = "evil_client:app"
"""


def test_code_that_the_coordinator_sends_is_never_run_at_a_hospital(world: World, tmp_path: Path) -> None:
    """Even who may start runs gets the hospital's own program to answer, which refuses what it cannot read."""
    bundle, mark, said = tmp_path / "evil", tmp_path / "mark", tmp_path / "said"
    bundle.mkdir()
    (bundle / "pyproject.toml").write_text(EVIL_PROJECT)
    (bundle / "evil_server.py").write_text(EVIL_SERVER.format(said=str(said)))
    (bundle / "evil_client.py").write_text(EVIL_CLIENT.format(mark=str(mark)))
    link = SuperLink(world.inside, world.authority, tmp_path)
    link.status("1")  # writes the connection that flwr needs
    (port,) = free_ports(1)
    with children(tmp_path) as started:
        hospital = world.hospitals["east"]
        node = started.start("east", node_command(hospital, port), node_environment(hospital))
        quiet = environment_with_programs(QUIET | {"FLWR_HOME": str(tmp_path)})
        done = subprocess.run(
            ["flwr", "run", str(bundle), CONNECTION], env=quiet, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        deadline = time.monotonic() + 90
        while not said.exists() and time.monotonic() < deadline:
            node.require_alive()
            time.sleep(0.2)
    assert json.loads(said.read_text()) == ["refusal"]
    assert not mark.exists()


def test_a_port_in_use_is_said(world: World) -> None:
    (free,) = free_ports(1)
    taken = Server(federation=world.folder, host="127.0.0.1", port=free, superlink_port=world.server.superlink_port)
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve", str(world.folder)]
    command += ["--host", "127.0.0.1", "--port", str(free), "--superlink-port", str(taken.superlink_port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr


@contextmanager
def running(command: Sequence[str], home: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed in the end."""
    program = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment_with_programs(QUIET | {"FLWR_HOME": str(home / "flower")}),
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


def ended(command: Sequence[str], home: Path) -> str:
    """What a program says that should end by itself; one that lives on after 15 s is ended, and that shows."""
    with running(command, home) as program:
        try:
            return program.communicate(timeout=15)[0]
        except subprocess.TimeoutExpired:
            program.kill()
            return program.communicate()[0]
