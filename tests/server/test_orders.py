"""Orders survive, come oldest first and once; what is no order is set aside and ends nothing."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gmmas_core.types import FederationError
from server.cli_quarantine import register
from server.ledger import Ledger
from server.orders import SET_ASIDE, place_order, take_orders
from server.run_folder import RunFolder

app = typer.Typer()
register(app)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_orders_come_oldest_first_and_once(folder: RunFolder) -> None:
    place_order(folder, "quarantine", site="south", reason="scanner under repair")
    place_order(folder, "readmit", site="south")
    place_order(folder, "pause")
    taken = take_orders(folder)
    assert [{k: v for k, v in order.items() if k != "placed_at"} for order in taken] == [
        {"kind": "quarantine", "site": "south", "reason": "scanner under repair"},
        {"kind": "readmit", "site": "south"},
        {"kind": "pause"},
    ]
    assert take_orders(folder) == []
    assert list(folder.orders.iterdir()) == []


def test_a_run_without_orders_has_none(folder: RunFolder) -> None:
    assert take_orders(folder) == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("delete", {}),
        ("readmit", {}),
        ("readmit", {"site": "../up"}),
        ("readmit", {"site": "south", "reason": "more"}),
        ("quarantine", {"site": "south", "reason": " "}),
        ("quarantine", {"site": "south", "reason": "x" * 501}),
        ("quarantine", {"site": "south", "reason": "two\nlines"}),
    ],
)
def test_an_impossible_order_is_refused(folder: RunFolder, kind: str, fields: dict[str, str]) -> None:
    with pytest.raises(FederationError, match="order: found"):
        place_order(folder, kind, **fields)
    assert not folder.orders.exists()


BROKEN: dict[str, bytes] = {
    "torn": b'{"kind": "readm',
    "no JSON": b"hello",
    "no text": b"\xff\xfe",
    "a list": b"[1]",
    "deep": b"[" * 16000,
    "large": b'{"kind": "pause", "placed_at": "' + b"x" * 20000 + b'"}',
    "unknown": b'{"kind": "format", "placed_at": "now"}',
    "no kind": b'{"placed_at": "now"}',
    "kind of a list": b'{"kind": ["stop"], "placed_at": "now"}',
    "site of a number": b'{"kind": "readmit", "placed_at": "now", "site": 3}',
    "more than it may say": b'{"kind": "stop", "placed_at": "now", "path": "/"}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_order_is_set_aside_and_the_others_are_taken(
    folder: RunFolder, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    place_order(folder, "pause")
    bad = folder.orders / "0-bad.json"
    bad.write_bytes(BROKEN[name])
    with caplog.at_level(logging.WARNING):
        assert [order["kind"] for order in take_orders(folder)] == ["pause"]
    assert "set aside" in caplog.text
    assert bad.with_name(bad.name + SET_ASIDE).read_bytes() == BROKEN[name]
    assert take_orders(folder) == []


def test_what_is_no_file_is_set_aside_unopened(folder: RunFolder, tmp_path: Path) -> None:
    folder.orders.mkdir(parents=True)
    (tmp_path / "elsewhere").write_text('{"kind": "stop", "placed_at": "now"}')
    (folder.orders / "1.json").symlink_to(tmp_path / "elsewhere")
    (folder.orders / "2.json").mkdir()
    os.mkfifo(folder.orders / "3.json")
    assert take_orders(folder) == []
    assert sorted(path.name for path in folder.orders.iterdir()) == [f"{n}.json{SET_ASIDE}" for n in (1, 2, 3)]
    assert (tmp_path / "elsewhere").exists()


def test_a_half_written_order_is_not_seen(folder: RunFolder) -> None:
    folder.orders.mkdir(parents=True)
    (folder.orders / ".5-ab.json.tmp123").write_text("{")
    assert take_orders(folder) == []
    assert len(list(folder.orders.iterdir())) == 1


def order_of(folder: RunFolder) -> Any:
    (path,) = folder.orders.iterdir()
    return {key: value for key, value in json.loads(path.read_text()).items() if key != "placed_at"}


def test_the_commands_place_orders(folder: RunFolder) -> None:
    ledger = Ledger(folder.ledger)
    ledger.append("enlisted", sites={"north": {}, "south": {}}, left_out={})
    ledger.append("joined", site="west")
    done = CliRunner().invoke(app, ["quarantine", str(folder.path), "west", "--reason", "moved"])
    assert done.exit_code == 0, done.output
    assert "before the next round" in done.output
    assert order_of(folder) == {"kind": "quarantine", "site": "west", "reason": "moved"}
    take_orders(folder)
    assert CliRunner().invoke(app, ["readmit", str(folder.path), "south"]).exit_code == 0
    assert order_of(folder) == {"kind": "readmit", "site": "south"}


def test_a_mistyped_site_or_run_is_said(folder: RunFolder, tmp_path: Path) -> None:
    Ledger(folder.ledger).append("enlisted", sites={"north": {}, "south": {}}, left_out={})
    for command, says in (
        (["readmit", str(folder.path), "sout"], "expected any of north, south"),
        (["quarantine", str(tmp_path), "south", "--reason", "x"], "no ledger.jsonl"),
        (["quarantine", str(folder.path), "south", "--reason", ""], "no reason"),
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 1
        assert says in str(done.exception)
    assert not folder.orders.exists()
