"""The commands for statistics: what they print, and that their exit code says whether anything was told."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as site_app
from gmmas_core.data.phantom import write_federation
from gmmas_core.errors import ConfigError, FederationError
from server.cli import app as coordinator_app
from server.lab.cli import app as lab_app


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (folder,) = write_federation(tmp_path_factory.mktemp("one") / "sites", sites=1, cases=8, size=24, seed=5)
    return folder


def test_a_hospital_sees_every_cell_and_what_would_be_sent(hospital: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = CliRunner().invoke(site_app, ["stats", str(hospital), "--out", str(page), "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert sum(content["here"]["sex"]) == 8
    assert content["sent"]["counts"] == content["here"]  # a phantom's floor is 1
    assert len(content["sha256"]) == 64
    assert "stays in the hospital" in page.read_text()


def test_the_lab_asks_folders_and_fails_where_nobody_tells(hospital: Path, tmp_path: Path) -> None:
    arguments = ["stats", f"data.root={hospital.parent}", "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(lab_app, arguments)
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)["sites"]) == [hospital.name]
    file = hospital / "site.yaml"
    before = file.read_text()
    file.write_text(before + "privacy: {statistics: refused}\n")
    try:
        result = CliRunner().invoke(lab_app, arguments)
    finally:
        file.write_text(before)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["sites"] == {}


def test_the_coordinator_needs_a_certificate_and_a_server(tmp_path: Path) -> None:
    result = CliRunner().invoke(coordinator_app, ["stats"])
    assert isinstance(result.exception, ConfigError)
    options = ["stats", "--insecure", "--superlink", "127.0.0.1:9", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(coordinator_app, options)
    assert isinstance(result.exception, FederationError)
    assert "found no answer at 127.0.0.1:9" in str(result.exception)
    help_text = CliRunner().invoke(coordinator_app, ["stats", "--help"]).output
    assert "gmmas-coordinator stats --federation" in help_text
