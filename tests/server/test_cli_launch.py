"""What the coordinator mistypes is answered with one sentence, before anything is submitted."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmmas_core.types import GmmasError
from server.cli import app


def complaint(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, GmmasError), result.output
    return str(result.exception)


@pytest.mark.parametrize("security", [[], ["--insecure", "--root-certificates", "ca.crt"]])
def test_exactly_one_kind_of_connection_is_named(security: list[str]) -> None:
    said = complaint("launch", "experiment=smoke", "--superlink", "127.0.0.1:1", *security)
    assert said == "--insecure, --root-certificates: found both or neither; expected one of them"


def test_a_mistyped_setting_leaves_nothing_behind(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for wrong in (["rounds=-1", "--superlink", "link:1"], ["--superlink", "link"]):
        complaint("launch", "experiment=smoke", *wrong, "--insecure", "--run-dir", str(run))
    assert not run.exists()


@pytest.mark.parametrize("command", ["resume", "stop"])
def test_a_folder_that_was_never_launched(command: str, tmp_path: Path) -> None:
    assert "found no readable launch.json" in complaint(command, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_superlink_option_is_required() -> None:
    result = CliRunner().invoke(app, ["launch", "experiment=smoke"])
    assert result.exit_code == 2
    assert "--superlink" in result.output
