"""What a backup takes along and as what it comes out again: real folders, packed and unpacked."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.types import FederationError
from server.backup import make as backup
from server.backup.make import back_up
from server.backup.restore import restore
from server.ledger import Ledger
from server.membership.authority import SERVER_KEY, make_authority, make_server
from server.membership.federation_file import read_federation
from server.records.run_lock import run_lock

NOW = datetime.now(UTC)


@pytest.fixture
def federation(tmp_path: Path) -> Path:
    """With an authority and a server's keys."""
    folder = tmp_path / "federation"
    folder.mkdir()
    (folder / "federation.yaml").write_text("name: demo\nserver: {address: 'localhost:8443'}\nsites: [east]\n")
    make_authority(folder, "demo", NOW)
    make_server(folder, read_federation(folder), NOW)
    return folder


def restored(federation: Path, tmp_path: Path, *runs: Path) -> Path:
    back_up(federation, runs, tmp_path / "backup.tar", NOW)
    restore(tmp_path / "backup.tar", tmp_path / "restored", NOW)
    return tmp_path / "restored" / "federation"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_key_that_a_group_may_read_comes_out_for_its_owner_alone(federation: Path, tmp_path: Path) -> None:
    (federation / SERVER_KEY).chmod(0o640)
    there = restored(federation, tmp_path)
    assert mode(there / SERVER_KEY) == 0o600
    assert mode(there / "ca" / "ca.crt") == 0o644


def test_keys_that_kubernetes_mounts_are_taken_along(federation: Path, tmp_path: Path) -> None:
    """A mounted Secret is a folder of links, over a hidden one, into another hidden one."""
    top, hidden = federation / "server", federation / "server" / "..2026_11_28"
    expected = {path.name: path.read_bytes() for path in top.iterdir()}
    hidden.mkdir()
    (top / "..data").symlink_to(hidden.name)
    for name in expected:
        os.rename(top / name, hidden / name)
        (hidden / name).chmod(0o440)
        (top / name).symlink_to(Path("..data") / name)
    there = restored(federation, tmp_path) / "server"
    assert {path.name: path.read_bytes() for path in there.iterdir()} == expected
    assert {mode(path) for path in there.iterdir()} == {0o600}


def test_a_hospital_can_be_shut_out_while_runs_are_copied(
    federation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs have gigabytes; `revoke` takes the same lock and waits for a second."""
    Ledger(tmp_path / "first" / "ledger.jsonl").append("begun")
    add, seen = backup._add_run, []

    def look(*arguments: Any) -> Any:
        with run_lock(federation):
            seen.append(True)
        return add(*arguments)

    monkeypatch.setattr("server.backup.make._add_run", look)
    back_up(federation, [tmp_path / "first"], tmp_path / "backup.tar", NOW)
    assert seen == [True]


def test_a_link_among_the_orders_is_not_followed(federation: Path, tmp_path: Path) -> None:
    run = tmp_path / "first"
    Ledger(run / "ledger.jsonl").append("begun")
    (run / "orders").mkdir()
    (run / "orders" / "order.json").symlink_to(federation / SERVER_KEY)
    restored(federation, tmp_path, run)
    assert [path.name for path in (tmp_path / "restored" / "runs" / "first").iterdir()] == ["ledger.jsonl"]


def test_what_could_not_be_restored_is_not_backed_up(federation: Path, tmp_path: Path) -> None:
    run = tmp_path / "first\\second"
    Ledger(run / "ledger.jsonl").append("begun")
    with pytest.raises(FederationError, match=r"found the name 'runs/first.*; rename it"):
        back_up(federation, [run], tmp_path / "backup.tar", NOW)
    assert not (tmp_path / "backup.tar").exists()
