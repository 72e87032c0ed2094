"""What the coordinator types from the first folder to the farewell; the slow part with a real SuperLink over TLS."""

import json
import os
import pty
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from gmmas_core.enrolment import (
    Enrolment,
    Invitation,
    answer,
    fingerprint_of,
    read_letter,
    spoken_fingerprint,
    write_letter,
)
from gmmas_core.types import FederationError, GmmasError
from server.commands import members as cli_members
from server.launching.flower_commands import QUIET
from server.membership import members, registration
from server.serving.child_processes import children, free_ports

NOBODY = "127.0.0.1:1"
YAML = "name: demo\nserver: {address: 'fed.example.org:443'}\nsites: [east, west]\n"
app = typer.Typer()
cli_members.register(app)


def typed(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.output


def complaint(*arguments: str) -> str:
    with pytest.raises(GmmasError) as caught:
        typed(*arguments)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    federation = tmp_path / "federation"
    federation.mkdir()
    (federation / "federation.yaml").write_text(YAML)
    typed("provision", str(federation / "federation.yaml"))
    return federation


def enrol(folder: Path, site: str) -> tuple[Path, str]:
    """The hospital's part: its answer's file and fingerprint."""
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    invitation = read_letter(members.invitation_file(folder, site), Invitation)
    path = folder.parent / f"{site}.enrolment.json"
    write_letter(path, answer(invitation, line, datetime.now(UTC)))
    return path, spoken_fingerprint(line, invitation.ca_certificate.encode(), invitation.server)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_provision_says_what_to_do_and_may_be_repeated(folder: Path) -> None:
    before = contents(folder)
    said = typed("provision", str(folder))
    assert contents(folder) == before
    assert "nothing to make" in said
    assert str(folder / "invitations" / "west.invitation.json") in said
    assert "confidential" in said
    assert stat.S_IMODE((folder / "invitations/east.invitation.json").stat().st_mode) == 0o600
    assert read_letter(folder / "invitations/east.invitation.json", Invitation).site == "east"


def test_provision_adds_a_new_site_and_writes_a_lost_invitation_again(folder: Path) -> None:
    before = contents(folder)
    (folder / "federation.yaml").write_text(YAML.replace("[east, west]", "[east, north]"))
    (folder / "invitations/east.invitation.json").unlink()
    said = typed("provision", str(folder))
    assert "north.invitation.json" in said
    assert "warning: west is a member but not in federation.yaml" in said
    after = contents(folder)
    assert {path for path in before if before[path] != after.get(path)} == {str(folder / "federation.yaml")}


def test_provision_renews_the_server(folder: Path) -> None:
    old = (folder / "server/server.crt").read_bytes()
    assert "restart the SuperLink" in typed("provision", str(folder), "--renew-server")
    assert (folder / "server/server.crt.old").read_bytes() == old
    (folder / "federation.yaml").write_text(YAML.replace("fed.example", "new.example"))
    assert "does not name new.example.org" in typed("provision", str(folder))
    assert "warning" not in typed("provision", str(folder), "--renew-server")


def test_a_path_as_a_site_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "federation.yaml").write_text(YAML.replace("west", "../west"))
    assert "sites: found a list with '../west'" in complaint("provision", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["federation.yaml"]


def test_a_link_in_place_of_a_member_is_replaced_and_not_followed(folder: Path) -> None:
    target = folder.parent / "elsewhere"
    target.write_bytes((folder / "members/east.json").read_bytes())
    before = target.read_bytes()
    (folder / "members/east.json").unlink()
    (folder / "members/east.json").symlink_to(target)
    typed("rotate", "east", "--federation", str(folder))
    assert target.read_bytes() == before
    assert not (folder / "members/east.json").is_symlink()


def test_approval_needs_the_telephone(folder: Path) -> None:
    path, fingerprint = enrol(folder, "east")
    before = contents(folder)
    start = ("approve", "east", str(path), "--federation", str(folder), "--superlink", NOBODY)
    assert "expected --fingerprint" in complaint(*start)
    wrong = complaint(*start, "--fingerprint", enrol(folder, "west")[1])
    assert fingerprint in wrong
    assert "do not approve" in wrong
    away = complaint(*start, "--fingerprint", fingerprint)
    assert "found no answer" in away
    assert "nothing was approved" in away
    assert {**contents(folder), str(folder / ".lock"): b""} == {**before, str(folder / ".lock"): b""}


def test_an_answer_for_another_site(folder: Path) -> None:
    path, fingerprint = enrol(folder, "west")
    said = complaint("approve", "east", str(path), "--federation", str(folder), "--fingerprint", fingerprint)
    assert "found one of west in demo; expected east" in said


@pytest.mark.slow
def test_at_a_terminal_a_no_stops_it(folder: Path) -> None:
    path, fingerprint = enrol(folder, "east")
    code = "import typer; from server.commands import members; app = typer.Typer(pretty_exceptions_enable=False); "
    code += "members.register(app); from gmmas_core.command_line import run_app; run_app(app)"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code, "approve", "east", str(path), "--federation", str(folder)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        os.write(ours, b"n\n")
        said = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1
    assert fingerprint in said
    assert "telephone" not in said.splitlines()[-1]
    assert "do not approve" in said
    assert members.read_member(folder, "east").state == "invited"


def test_revoke_works_without_the_superlink_and_says_so(folder: Path) -> None:
    start = ("revoke", "east", "--federation", str(folder), "--superlink", NOBODY, "--reason")
    assert "--reason: found none" in complaint(*start, " ")
    said = complaint(*start, "never answered")
    assert "east is revoked here" in said
    assert "repeat this command" in said
    member = members.read_member(folder, "east")
    assert (member.state, member.reason, member.invitation) == ("revoked", "never answered", None)
    assert not (folder / "invitations/east.invitation.json").exists()
    assert "east.invitation" not in typed("provision", str(folder))


def test_rotate_voids_the_invitation_before(folder: Path) -> None:
    path, fingerprint = enrol(folder, "east")
    assert "an older one is void" in typed("rotate", "east", "--federation", str(folder))
    said = complaint("approve", "east", str(path), "--federation", str(folder), "--fingerprint", fingerprint)
    assert "used, replaced or unknown" in said


def test_list_without_the_superlink(folder: Path) -> None:
    start = ("list", "--federation", str(folder), "--superlink", NOBODY)
    content = json.loads(typed(*start, "--json"))
    assert [(row["site"], row["state"], row["superlink"]) for row in content["sites"]] == [
        ("east", "invited", "unknown"),
        ("west", "invited", "unknown"),
    ]
    first, second, *rows = typed(*start).splitlines()
    assert first.startswith("federation demo: authority until 20")
    assert "found no answer" in second
    assert rows[0].split()[:2] == ["east", "invited"]
    assert "code" not in json.dumps(content)


@contextmanager
def real_superlink(folder: Path, state: Path) -> Iterator[str]:
    """A SuperLink as it is deployed, on a free port; its address."""
    (port,) = free_ports(1)
    state.mkdir()
    command = ["flower-superlink", "--host", "127.0.0.1", "--port", str(port), "--database", str(state / "state.db")]
    command += ["--ssl-ca-certfile", str(folder / "ca/ca.crt"), "--ssl-certfile", str(folder / "server/server.crt")]
    command += ["--ssl-keyfile", str(folder / "server/server.key"), "--enable-supernode-auth"]
    command += ["--disable-runtime-dependency-installation"]
    address = f"127.0.0.1:{port}"
    with children(state) as started, registration.superlink(folder, address) as link:
        child = started.start("superlink", command, QUIET | {"FLWR_HOME": str(state)})
        deadline = time.monotonic() + 60
        while not link.is_healthy():
            child.require_alive()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield address


def rows(folder: Path, address: str, *options: str) -> dict[str, tuple[str, str]]:
    said = json.loads(typed("list", "--federation", str(folder), "--superlink", address, "--json", *options))
    return {row["site"]: (row["state"], row["superlink"]) for row in said["sites"]}


@pytest.mark.slow
@pytest.mark.process
def test_a_real_superlink_lets_in_who_is_approved(folder: Path, tmp_path: Path) -> None:
    def approval(path: Path, fingerprint: str) -> str:
        options = ("--federation", str(folder), "--superlink", address, "--fingerprint", fingerprint)
        return typed("approve", "east", str(path), *options)

    old, old_fingerprint = enrol(folder, "east")
    old_line = read_letter(old, Enrolment).public_key
    with real_superlink(folder, tmp_path / "state") as address, registration.superlink(folder, address) as link:
        assert f"approved east: {fingerprint_of(old_line)}" in approval(old, old_fingerprint)
        member = members.read_member(folder, "east")
        assert member.key is not None
        assert link.registered() == {old_line: member.key.node_id}
        assert rows(folder, address) == {"east": ("approved", "yes"), "west": ("invited", "no")}
        approval(old, old_fingerprint)
        assert members.read_member(folder, "east") == member
        typed("rotate", "east", "--federation", str(folder))
        new, new_fingerprint = enrol(folder, "east")
        assert set(link.registered()) == {old_line}
        approval(new, new_fingerprint)
        assert set(link.registered()) == {read_letter(new, Enrolment).public_key}
        typed("revoke", "east", "--federation", str(folder), "--superlink", address, "--reason", "left")
        assert rows(folder, address)["east"] == ("revoked", "no")
        assert link.registered() == {}


@pytest.mark.slow
@pytest.mark.process
def test_a_real_superlink_that_lost_its_keys_and_its_rules_for_them(folder: Path, tmp_path: Path) -> None:
    """The rules are those that tests/server/membership/test_registration.py plays."""
    letter = read_letter(enrol(folder, "east")[0], Enrolment)
    approved = members.approve(members.read_member(folder, "east"), letter, 7, datetime.now(UTC), 365)
    members.write_member(folder, approved)
    with real_superlink(folder, tmp_path / "state") as address, registration.superlink(folder, address) as link:
        assert rows(folder, address)["east"] == ("approved", "no")
        assert rows(folder, address, "--register")["east"] == ("approved", "yes")
        member = members.read_member(folder, "east")
        assert member.key is not None
        node_id = link.registered()[letter.public_key]
        assert member.key.node_id == node_id
        with pytest.raises(FederationError, match="already in use"):
            link.register(letter.public_key)
        link.unregister(node_id)
        link.unregister(node_id)
        with pytest.raises(FederationError, match="already in use"):
            link.register(letter.public_key)


@pytest.mark.slow
@pytest.mark.process
def test_a_server_of_another_authority_is_not_talked_to(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "federation.yaml").write_text(YAML)
    typed("provision", str(other))
    path, fingerprint = enrol(folder, "east")
    with real_superlink(other, tmp_path / "state") as address:
        start = ("approve", "east", str(path), "--federation", str(folder), "--superlink", address)
        assert "nothing was approved" in complaint(*start, "--fingerprint", fingerprint)
