"""Orders come oldest first and once; what is no order is set aside and ends nothing."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gmmas_core.types import FederationError
from server.commands.quarantine import register
from server.launching.orders import SET_ASIDE, place_order, take_orders
from server.ledger import Ledger
from server.records.run_folder import RunFolder

NAME = f"{5:020d}-0123abcd.json"  # of an order

app = typer.Typer()
register(app)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.fixture
def ledger(folder: RunFolder) -> Ledger:
    return Ledger(folder.ledger)


def written(folder: RunFolder) -> list[dict[str, Any]]:
    """The ledger's orders."""
    return [entry["order"] for entry in Ledger(folder.ledger).entries() if entry["kind"] == "order"]


def test_orders_come_oldest_first_and_once(folder: RunFolder, ledger: Ledger) -> None:
    place_order(folder, "quarantine", site="south", reason="scanner under repair")
    place_order(folder, "readmit", site="south")
    place_order(folder, "pause")
    names = sorted(path.name for path in folder.orders.iterdir())
    taken = take_orders(folder, ledger)
    assert [{k: v for k, v in order.items() if k != "placed_at"} for order in taken] == [
        {"kind": "quarantine", "site": "south", "reason": "scanner under repair"},
        {"kind": "readmit", "site": "south"},
        {"kind": "pause"},
    ]
    assert written(folder) == taken
    assert [entry["id"] for entry in ledger.entries()] == names
    assert take_orders(folder, ledger) == []
    assert list(folder.orders.iterdir()) == []


def test_a_run_without_orders_has_none(folder: RunFolder, ledger: Ledger) -> None:
    assert take_orders(folder, ledger) == []
    assert list(ledger.entries()) == []


def test_orders_of_another_run_stay_where_they_are(folder: RunFolder, ledger: Ledger, tmp_path: Path) -> None:
    other = RunFolder(tmp_path / "other")
    theirs = place_order(other, "stop")
    ours = place_order(folder, "pause")
    ours.rename(ours.with_name(theirs.name))  # even of the same name
    assert [order["kind"] for order in take_orders(folder, ledger)] == ["pause"]
    assert theirs.exists()
    assert [order["kind"] for order in take_orders(other, Ledger(other.ledger))] == ["stop"]


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
    folder: RunFolder, ledger: Ledger, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    place_order(folder, "pause")
    bad = folder.orders / NAME
    bad.write_bytes(BROKEN[name])
    with caplog.at_level(logging.WARNING):
        assert [order["kind"] for order in take_orders(folder, ledger)] == ["pause"]
    assert "set aside" in caplog.text
    assert bad.with_name(bad.name + SET_ASIDE).read_bytes() == BROKEN[name]
    assert take_orders(folder, ledger) == []
    assert len(written(folder)) == 1


@pytest.mark.parametrize(
    "name", ["stop.json", f"{NAME[:-5]}.x.json", f"{5:020d}-0123ABCD.json", "\udcff.json", ".json"]
)
def test_a_name_that_no_command_gives_is_no_identity(folder: RunFolder, ledger: Ledger, name: str) -> None:
    order = place_order(folder, "stop")
    order.rename(order.with_name(name))
    assert take_orders(folder, ledger) == []
    assert [path.name for path in folder.orders.iterdir()] == [name + SET_ASIDE]
    assert written(folder) == []


def test_what_is_no_file_is_set_aside_unopened(folder: RunFolder, ledger: Ledger, tmp_path: Path) -> None:
    folder.orders.mkdir(parents=True)
    names = [f"{number:020d}-0123abcd.json" for number in (1, 2, 3)]
    (tmp_path / "elsewhere").write_text('{"kind": "stop", "placed_at": "now"}')
    (folder.orders / names[0]).symlink_to(tmp_path / "elsewhere")
    (folder.orders / names[1]).mkdir()
    os.mkfifo(folder.orders / names[2])
    assert take_orders(folder, ledger) == []
    assert sorted(path.name for path in folder.orders.iterdir()) == [name + SET_ASIDE for name in names]
    assert (tmp_path / "elsewhere").exists()


def test_what_cannot_be_set_aside_ends_nothing(folder: RunFolder, ledger: Ledger) -> None:
    (folder.orders / (NAME + SET_ASIDE) / "full").mkdir(parents=True)
    (folder.orders / NAME).write_text("no order")
    place_order(folder, "pause")
    assert [order["kind"] for order in take_orders(folder, ledger)] == ["pause"]
    assert (folder.orders / NAME).exists()
    assert take_orders(folder, ledger) == []


def test_a_half_written_order_is_not_seen(folder: RunFolder, ledger: Ledger) -> None:
    folder.orders.mkdir(parents=True)
    (folder.orders / f".{NAME}.tmp123").write_text("{")
    assert take_orders(folder, ledger) == []
    assert len(list(folder.orders.iterdir())) == 1


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError])
def test_an_order_whose_file_stays_is_obeyed_once(
    folder: RunFolder, ledger: Ledger, error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise error

    place_order(folder, "readmit", site="south")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert [len(take_orders(folder, ledger)) for _ in range(3)] == [1, 0, 0]
    assert len(list(folder.orders.iterdir())) == 1
    assert take_orders(folder, Ledger(folder.ledger)) == []
    assert list(folder.orders.iterdir()) == []
    assert len(written(folder)) == 1


def test_an_order_that_cannot_be_written_down_waits(
    folder: RunFolder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    place_order(folder, "readmit", site="south")
    place_order(folder, "stop")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(FederationError, match="expected room on the disk"):
            take_orders(folder, ledger)
    assert [order["kind"] for order in take_orders(folder, ledger)] == ["readmit", "stop"]


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
    take_orders(folder, ledger)
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
