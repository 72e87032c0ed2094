"""What the coordinator mistypes is answered with one sentence, before anything is submitted."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmmas_core.types import GmmasError
from server.cli import app
from server.launching.launch_plan import LaunchPlan, read_plan
from server.records.run_folder import RunFolder


def complaint(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, GmmasError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    "security",
    [[], ["--insecure", "--root-certificates", "ca.crt"], ["--insecure", "--federation", "federation"]],
)
def test_a_connection_is_secure_or_says_that_it_is_not(security: list[str]) -> None:
    said = complaint("launch", "experiment=smoke", *security)
    assert said.startswith("launch: found no certificate, or --insecure beside one; expected --federation DIR")


def test_a_federation_without_an_authority(tmp_path: Path) -> None:
    said = complaint("launch", "experiment=smoke", "--federation", str(tmp_path), "--run-dir", str(tmp_path / "run"))
    assert said.startswith("--root-certificates: found no such file")
    assert not (tmp_path / "run").exists()


def test_a_mistyped_setting_leaves_nothing_behind(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for wrong in (["rounds=-1", "--superlink", "link:1"], ["--superlink", "link"]):
        complaint("launch", "experiment=smoke", *wrong, "--insecure", "--run-dir", str(run))
    assert not run.exists()


@pytest.mark.parametrize("command", ["resume", "stop"])
def test_a_folder_that_was_never_launched(command: str, tmp_path: Path) -> None:
    assert "found no readable launch.json" in complaint(command, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_run_follows_its_federation_to_another_folder(tmp_path: Path) -> None:
    folder, there = RunFolder(tmp_path / "run"), tmp_path / "restored" / "federation"
    folder.path.mkdir()
    plan = LaunchPlan(
        overrides=("rounds=-1",), superlink="127.0.0.1:1", root_certificates="/gone/ca/ca.crt", federation="/gone"
    )
    plan.save(folder)
    resume = ("resume", str(folder.path), "--federation", str(there))
    assert complaint(*resume).startswith("--root-certificates: found no such file")
    assert read_plan(folder) == plan
    (there / "ca").mkdir(parents=True)
    (there / "ca" / "ca.crt").write_text("certificate")
    assert "rounds" in complaint(*resume)
    assert read_plan(folder) == plan.at(there)
    assert read_plan(folder).root_certificates == str(there / "ca" / "ca.crt")
