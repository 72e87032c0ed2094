"""The coordinator's preflight finds what is broken, says what to do, and changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmmas_core.preflight import Line
from server.cli import app
from server.membership.members import Member, read_member, revoke, write_member
from server.serving.preflight import preflight

NOBODY = "127.0.0.1:1"
NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    federation = tmp_path / "federation"
    federation.mkdir()
    text = "name: demo\nserver: {address: 'localhost:8443'}\nsites: [east, west]\n"
    (federation / "federation.yaml").write_text(text)
    assert CliRunner().invoke(app, ["provision", str(federation)]).exit_code == 0
    return federation


def asked(folder: Path, name: str, now: datetime = NOW) -> Line:
    (line,) = [line for line in preflight(folder, NOBODY, now) if line.name == name]
    return line


def test_a_fresh_federation_waits_for_its_hospitals_and_its_server(folder: Path) -> None:
    before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    lines = {line.name: line for line in preflight(folder, NOBODY, NOW)}
    assert {name: lines[name].verdict for name in ("federation.yaml", "certificates", "hospital east", "server")} == {
        "federation.yaml": "pass",
        "certificates": "pass",
        "hospital east": "warn",
        "server": "warn",
    }
    assert "run gmmas-coordinator serve" in lines["server"].action
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before


def test_the_authority_s_key_is_best_elsewhere_and_never_readable_by_others(folder: Path) -> None:
    assert asked(folder, "authority key").verdict == "warn"
    (folder / "ca" / "ca.key").chmod(0o644)
    assert asked(folder, "authority key").verdict == "fail"
    (folder / "ca" / "ca.key").unlink()
    assert asked(folder, "authority key").verdict == "pass"


def test_certificates_that_end(folder: Path) -> None:
    soon = asked(folder, "certificates", NOW + timedelta(days=350))
    assert (soon.verdict, "--renew-server" in soon.found) == ("warn", True)
    lines = [line for line in preflight(folder, NOBODY, NOW + timedelta(days=400)) if line.name == "certificates"]
    assert [line.verdict for line in lines] == ["fail", "warn"]


def test_hospitals_are_told_apart(folder: Path) -> None:
    assert asked(folder, "hospital west", NOW + timedelta(days=20)).found == "invitation expired"
    write_member(folder, revoke(read_member(folder, "west"), "left"))
    assert (asked(folder, "hospital west").verdict, asked(folder, "hospital west").found) == ("pass", "revoked")
    write_member(folder, Member(site="west"))
    (folder / "members" / "west.json").write_text("{")
    assert asked(folder, "hospitals").verdict == "fail"


def test_without_a_federation_the_rest_is_not_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--superlink", NOBODY, "--json"])
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert not said["ok"]
    verdicts = {line["name"]: line["verdict"] for line in said["preflight"]}
    assert (verdicts["federation.yaml"], verdicts["hospitals"]) == ("fail", "not asked")
    text = CliRunner().invoke(app, ["check", str(tmp_path), "--superlink", NOBODY]).output
    assert text.startswith("fail       federation.yaml: found")
