"""The researcher's and the coordinator's command lines: help, clear errors, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.ledger import Ledger


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    module = {"gmmas-lab": "server.lab.cli", "gmmas-coordinator": "server.cli"}[program]
    code = f"from {module} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


@pytest.mark.parametrize("command", ["simulate", "demo", "bench"])
def test_help_shows_an_example(command: str, tmp_path: Path) -> None:
    done = run("gmmas-lab", command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"gmmas-lab {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("simulate", "experiment=smoke"), "data.root: found none; expected a folder"),
        (("simulate", "experiment=smoke", "data.root=nowhere"), "gmmas-site phantom"),
        (("simulate", "experiment=smok"), "smoke"),
        (("simulate", "experiment=smoke", "data.root=x", "--engine", "magic"), "in-process"),
        (("bench", "speed"), "aggregation"),
    ],
)
def test_a_mistake_ends_with_one_sentence_and_exit_code_1(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = run("gmmas-lab", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_does_not_delete_a_strangers_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    done = run("gmmas-lab", "demo", "--out", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert "thesis.txt" in done.stderr
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_audit_finds_an_edited_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for number in range(3):
        ledger.append("round", round=number)
    done = run("gmmas-coordinator", "audit", "verify", str(tmp_path), "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["intact"]) == (0, True)
    text = ledger.path.read_text()
    ledger.path.write_text(text.replace('"round":1', '"round":9'))
    assert ledger.path.read_text() != text
    done = run("gmmas-coordinator", "audit", "verify", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert "not intact" in done.stdout


def test_audit_and_report_of_no_run_say_so(tmp_path: Path) -> None:
    for command in (["audit", "verify"], ["report"]):
        done = run("gmmas-coordinator", *command, str(tmp_path), cwd=tmp_path)
        assert done.returncode == 1
        assert "found no ledger.jsonl" in done.stderr
