"""Enrolling and starting as a hospital's engineer types them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from flwr.common.config import parse_config_args
from typer.testing import CliRunner, Result

from client.commands import enrol as cli_enrol
from client.node.command import node_command, node_environment
from client.site import read_site, write_site
from gmmas_core.enrolment import Enrolment, Invitation, new_code, new_id, read_letter, spoken_fingerprint, write_letter
from gmmas_core.types import DataError

NOW = datetime.now(UTC)
APP = """
import typer
from client.commands import enrol as cli_enrol
from gmmas_core.command_line import run_app
app = typer.Typer()
cli_enrol.register(app)
run_app(app)
"""


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    cli_enrol.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def authority(days: int) -> str:
    key = generate_private_key(SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    end = NOW + timedelta(days=days, hours=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=99), end)
    made = builder.add_extension(x509.BasicConstraints(True, 0), critical=True).sign(key, SHA384())
    return made.public_bytes(Encoding.PEM).decode()


def invite(folder: Path, *, site: str = "north", server: str = "federation.example:443", days: int = 100) -> Path:
    letter = Invitation(
        federation="glioma",
        site=site,
        id=new_id(),
        code=new_code(),
        server=server,
        ca_certificate=authority(days),
        issued=NOW.isoformat(),
        expires=(NOW + timedelta(days=1)).isoformat(),
    )
    path = folder / f"{letter.id}.invitation.json"
    write_letter(path, letter)
    return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site folder with its site.yaml; commands are typed beside it."""
    folder = tmp_path / "the site"
    folder.mkdir()
    write_site(folder, "north", "brats2021")
    monkeypatch.chdir(tmp_path)
    return folder


def test_enrol_says_the_fingerprint_and_what_to_do(site: Path, tmp_path: Path) -> None:
    invitation = invite(tmp_path)
    result = run("enrol", invitation, "--data", site)
    assert result.exit_code == 0, result.output
    answer = read_letter(tmp_path / "north.enrolment.json", Enrolment)
    letter = read_letter(invitation, Invitation)
    assert answer.is_proved_by(letter.code)
    assert letter.code not in result.output
    again = json.loads(run("enrol", invitation, "--data", site, "--json").output)
    assert f"\n  {again['fingerprint']}\n" in result.output
    aloud = result.output.partition("to read aloud: SHA256, then ")[2].partition("\n")[0]
    assert f"SHA256:{aloud.replace(' ', '')}" == again["fingerprint"]
    said = (answer.public_key, letter.ca_certificate.encode(), letter.server)
    assert again["fingerprint"] == spoken_fingerprint(*said)
    assert "Send north.enrolment.json to the coordinator. It is not secret." in result.output
    assert "on the telephone" in result.output
    assert (again["new_key"], again["old_key"]) == (False, None)


def test_a_second_invitation_keeps_the_old_key_and_says_so(site: Path, tmp_path: Path) -> None:
    first = json.loads(run("enrol", invite(tmp_path), "--data", site, "--json").output)
    result = run("enrol", invite(tmp_path), "--data", site)
    assert "kept beside it as supernode_key.old" in result.output
    assert first["fingerprint"] not in result.output
    assert (site / ".gmmas" / "enrolment" / "supernode_key.old").is_file()


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Case folders and nothing else."""
    from gmmas_core.data.phantom import write_federation

    (folder,) = write_federation(tmp_path / "all", sites=1, cases=1, size=32, seed=0)
    (folder / "site.yaml").unlink()
    (folder / "participants.tsv").unlink()
    return folder


def test_enrol_writes_site_yaml_where_there_is_none(cases: Path, tmp_path: Path) -> None:
    invitation, out = invite(tmp_path), tmp_path / "out.json"
    refused = run("enrol", invitation, "--data", cases, "--out", out)
    assert isinstance(refused.exception, DataError)
    assert "expected one, or --label-convention to write it" in str(refused.exception)
    assert not out.exists()
    result = run("enrol", invitation, "--data", cases, "--out", out, "--label-convention", "brats2021")
    assert result.exit_code == 0, result.output
    assert (read_site(cases).name, read_site(cases).label_convention) == ("north", "brats2021")
    assert (cases / "participants.tsv").is_file()
    assert out.is_file()
    other = run("enrol", invitation, "--data", cases, "--out", out, "--label-convention", "msd")
    assert isinstance(other.exception, DataError)


def test_what_is_refused_makes_no_key(site: Path, tmp_path: Path) -> None:
    altered = invite(tmp_path)
    altered.write_text(altered.read_text().replace('"site"', '"place"'))
    (tmp_path / "notes.txt").write_text("notes")
    good = invite(tmp_path)
    for arguments, says in (
        ((invite(tmp_path, site="south"), "--out", tmp_path / "a"), "found one for site south; expected one for north"),
        ((altered,), "found missing or unknown entries"),
        ((tmp_path / "notes.txt",), "found no readable gmmas-fed invitation"),
        ((good, "--out", tmp_path / "notes.txt"), "found another file of this name"),
        ((good, "--out", tmp_path / "none" / "a"), "found no such folder"),
        ((invite(tmp_path, days=-2),), "certificate does not hold today"),
    ):
        result = run("enrol", *arguments, "--data", site)
        assert isinstance(result.exception, DataError), arguments
        assert says in str(result.exception)
    assert not (site / ".gmmas").exists()
    assert (tmp_path / "notes.txt").read_text() == "notes"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_node_is_told_who_it_is_and_is_quiet(site: Path, tmp_path: Path) -> None:
    run("enrol", invite(tmp_path), "--data", site)
    port = free_port()
    command = node_command(site, port)
    enrolment = site / ".gmmas" / "enrolment"
    given = dict(zip(command[4::2], command[5::2], strict=True))
    assert command[:4] == [sys.executable, "-P", "-m", "client.node.supernode"]
    assert parse_config_args([given.pop("--node-config")]) == {"site": str(site / "site.yaml")}
    assert given == {
        "--superlink": "federation.example:443",
        "--root-certificates": str(enrolment / "ca.crt"),
        "--auth-supernode-private-key": str(enrolment / "supernode_key"),
        "--host": "127.0.0.1",
        "--port": str(port),
    }
    environment = node_environment(site / "site.yaml")
    assert environment["FLWR_HOME"] == str(site / ".gmmas" / "flower")
    assert Path(environment["FLWR_HOME"]).is_dir()
    for name, value in (("TELEMETRY_ENABLED", "0"), ("DISABLE_UPDATE_CHECK", "1")):
        assert environment[f"FLWR_{name}"] == value
    assert environment["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"


def test_start_refuses_what_cannot_work(site: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="enrolment: found none; expected this site to be enrolled"):
        node_command(site, free_port())
    run("enrol", invite(tmp_path), "--data", site)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        with pytest.raises(DataError, match=f"--runtime-port: found {taken} in use"):
            node_command(site, taken)
    (site / ".gmmas" / "enrolment" / "ca.crt").write_text(authority(days=-2))
    with pytest.raises(DataError, match="authority: found that its certificate has ended"):
        node_command(site, free_port())
    (site / ".gmmas" / "enrolment" / "supernode_key").chmod(0o644)
    with pytest.raises(DataError, match="mode 0644; expected 0600"):
        node_command(site, free_port())
    odd = tmp_path / 'the "site"'
    odd.mkdir()
    write_site(odd, "north", "brats2021")
    run("enrol", invite(tmp_path), "--data", odd)
    with pytest.raises(DataError, match="quotation mark"):
        node_command(odd, free_port())


def test_start_of_a_site_that_is_not_enrolled_ends_with_one_sentence(site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", APP, "start", str(site)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: enrolment: found none; expected this site to be enrolled; enrol again")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def node(site: Path, tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[bytes], socket.socket, Path]]":
    """`start`, the socket it was told is the server's, and its log."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server, (tmp_path / "log").open("wb") as log:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert run("enrol", invite(tmp_path, server=address, days=20), "--data", site).exit_code == 0
        command = [sys.executable, "-c", APP, "start", str(site), "--runtime-port", str(free_port())]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process, server, tmp_path / "log"
        finally:
            process.kill()
            process.wait()


@pytest.mark.process
def test_start_runs_the_node_and_takes_its_leave(
    node: "tuple[subprocess.Popen[bytes], socket.socket, Path]", site: Path
) -> None:
    process, server, log = node
    server.settimeout(120)
    with server.accept()[0] as caller:
        assert caller.recv(3)[:2] == b"\x16\x03"  # a TLS handshake
    said = log.read_text()
    assert "warning: authority: found 20 days left of its certificate; expected 30 or more" in said
    assert "Starting Flower SuperNode" in said
    assert "insecure" not in said
    # The node took the command's place: a signal to it reaches the keeper, which ends all of it and leaves with 0.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{child}") for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
