"""What a coordinator types to watch a run: the exit code, the lines, the JSON."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from gmmas_core.types import DISCLAIMER, FederationError
from server.commands.watch import register
from server.dashboard.terminal import view


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


def shown(status: Any, width: int = 140) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(view(status))
    return console.export_text()


def test_json_is_the_status_and_nothing_else(app: typer.Typer, busy: Any) -> None:
    done = CliRunner().invoke(app, ["watch", str(busy.folder.path), "--json"])
    assert done.exit_code == 0
    status = json.loads(done.stdout)
    assert (status["rounds_played"], status["disclaimer"]) == (2, DISCLAIMER)


def test_once_shows_the_run_and_ends(app: typer.Typer, busy: Any) -> None:
    done = CliRunner().invoke(app, ["watch", str(busy.folder.path), "--once"])
    assert done.exit_code == 0
    assert "north" in done.stdout
    assert DISCLAIMER in " ".join(done.stdout.split())


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_watching_ends_with_the_run_and_says_how(app: typer.Typer, busy: Any, passed: bool, code: int) -> None:
    def end() -> None:
        time.sleep(0.4)
        busy.ledger(150, "judged", check="beats_untrained", passed=passed, statement="so it is")

    thread = threading.Thread(target=end)
    thread.start()
    done = CliRunner().invoke(app, ["watch", str(busy.folder.path), "--every", "0.1"])
    thread.join()
    assert done.exit_code == code
    lines = done.stdout.splitlines()
    assert lines[0] == DISCLAIMER
    assert sum("left out: no reply within 100 s" in line for line in lines) == 1
    assert "so it is" in lines[-1]


@pytest.mark.parametrize("options", [["--once"], ["--json"], []])
def test_a_folder_that_is_not_there_is_an_error(app: typer.Typer, tmp_path: Path, options: list[str]) -> None:
    done = CliRunner().invoke(app, ["watch", str(tmp_path / "none"), *options])
    assert isinstance(done.exception, FederationError)
    assert str(tmp_path) not in str(done.exception)


def test_a_name_can_neither_style_the_terminal_nor_forge_a_line(scene: Any, app: typer.Typer) -> None:
    scene.begin(("[red]north[/red]", "\x1b[2Jsouth\nfailed"))
    scene.ledger(9, "failed", reason="too\x1b[2J few\nfinished")
    text = shown(scene.status(10))
    assert "[red]north[/red]" in text
    assert "\x1b" not in text
    done = CliRunner().invoke(app, ["watch", str(scene.folder.path)])
    assert "\x1b" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("finished")]


def test_the_terminal_says_unknown_and_not_zero(scene: Any) -> None:
    scene.begin()
    text = shown(scene.status(6))
    assert "unknown sent, unknown received" in text
    assert "rounds end" in text
    assert "0 of 6 rounds played" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_on_any_terminal(busy: Any, width: int) -> None:
    text = shown(busy.status(111), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "training" in text
