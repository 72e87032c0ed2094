"""A federation and its run are backed up while they live, stand up elsewhere, and the run goes on as if nothing was."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gmmas_core.types import FederationError
from server.backup.make import back_up
from server.backup.restore import restore
from server.cli import app
from server.lab.engines import in_process
from server.launching.launch_plan import LaunchPlan, read_plan
from server.ledger import Ledger
from server.records.audit import audit_run
from server.records.checkpoints import checkpoints_of, newest_valid, path_of
from server.records.run_folder import RunFolder
from server.serving.health import health

NOW = datetime.now(UTC)


def cli(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(part) for part in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def federation(tmp_path: Path) -> Path:
    """Provisioned, with a database of the SuperLink's kind: write-ahead log, content in its sidecar file."""
    folder = tmp_path / "federation"
    folder.mkdir()
    (folder / "federation.yaml").write_text("name: demo\nserver: {address: 'localhost:8443'}\nsites: [east]\n")
    cli("provision", folder)
    (folder / "superlink").mkdir()
    with closing(sqlite3.connect(folder / "superlink" / "state.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE pair (first INTEGER, second INTEGER)")
        database.execute("INSERT INTO pair VALUES (0, 0)")
        database.commit()
    return folder


def pair(database: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(database)) as opened:
        first, second = opened.execute("SELECT first, second FROM pair").fetchone()
    return int(first), int(second)


@pytest.mark.slow
def test_a_run_backed_up_in_the_middle_goes_on_elsewhere_bit_for_bit(
    federation: Path, sites: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    chosen, folder = [*overrides, "rounds=3"], RunFolder(tmp_path / "runs" / "first")
    archive, into = tmp_path / "backup.tar", tmp_path / "elsewhere" / "restored"

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        if (kind, fields.get("round")) == ("round-finished", 2):
            said = json.loads(cli("backup", federation, "--runs", folder.path, "--out", archive, "--json"))
            assert said["runs"] == {"first": 2}

    certificate = federation / "ca" / "ca.crt"
    folder.path.mkdir(parents=True)
    plan = LaunchPlan(
        overrides=tuple(chosen),
        superlink="127.0.0.1:8000",
        root_certificates=str(certificate.resolve()),
        federation=str(federation.resolve()),
    )
    plan.save(folder)
    in_process(sites, chosen, folder, watch)
    said = cli("restore", archive, into)
    assert "revocations of hospitals too" in said
    there = RunFolder(into / "runs" / "first")
    found = newest_valid(there.checkpoints)
    assert found is not None
    assert found.round == 2
    assert audit_run(there, []).problems == []
    assert read_plan(there).federation == str((into / "federation").resolve())
    assert Path(str(read_plan(there).root_certificates)).read_bytes() == certificate.read_bytes()
    report = in_process(sites, chosen, there, lambda kind, fields: None)
    assert [entry["kind"] for entry in Ledger(there.ledger).entries()].count("restored") == 1
    assert any("restored from a backup" in row["what"] for row in report["incidents"])
    ends = [newest_valid(each.checkpoints) for each in (folder, there)]
    assert [end.round if end else None for end in ends] == [3, 3]
    assert len({end.state["weights_hash"] for end in ends if end}) == 1


def test_the_restored_federation_has_every_key_and_warns_until_somebody_has_looked(
    federation: Path, tmp_path: Path
) -> None:
    cli("backup", federation, "--out", tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "restored", NOW)
    there = tmp_path / "restored" / "federation"
    for path in sorted(federation.rglob("*")):
        name = path.relative_to(federation)
        if path.is_file() and name.parts[0] != "superlink" and name.name != ".lock":
            assert (there / name).read_bytes() == path.read_bytes()
            assert (there / name).stat().st_mode & 0o777 == path.stat().st_mode & 0o777 & 0o644
    assert pair(there / "superlink" / "state.db") == (0, 0)
    assert "east" in cli("list", "--federation", there, "--superlink", "127.0.0.1:1")
    (warned,) = [line for line in health(there, NOW) if line.name == "restored"]
    assert (warned.verdict, "revoke" in warned.action) == ("warn", True)
    (there / "restored.json").unlink()
    assert [line for line in health(there, NOW) if line.name == "restored"] == []


def test_the_database_is_copied_as_it_was_at_one_moment(federation: Path, tmp_path: Path) -> None:
    """A writer that keeps both numbers equal in every transaction is never caught between the two."""
    database, is_over = federation / "superlink" / "state.db", threading.Event()
    written: list[int] = []

    def keep_writing() -> None:
        with closing(sqlite3.connect(database, timeout=60)) as own:
            while not is_over.is_set():
                own.execute("UPDATE pair SET first = first + 1")
                own.execute("UPDATE pair SET second = second + 1")
                own.commit()
                written.append(1)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for number in range(5):
            before = len(written)
            while len(written) == before:
                assert writer.is_alive()
            back_up(federation, [], tmp_path / f"{number}.tar", NOW)
    finally:
        is_over.set()
        writer.join()
    for number in range(5):
        restore(tmp_path / f"{number}.tar", tmp_path / f"restored-{number}", NOW)
        folder = tmp_path / f"restored-{number}" / "federation" / "superlink"
        first, second = pair(folder / "state.db")
        assert first == second > 0
        assert [path.name for path in folder.iterdir()] == ["state.db"]


@pytest.mark.slow
def test_a_damaged_checkpoint_is_left_behind_and_a_torn_line_cut(
    federation: Path, sites: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    in_process(sites, [*overrides, "rounds=2"], folder, lambda kind, fields: None)
    weights = path_of(folder.checkpoints, 2) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with folder.ledger.open("ab") as file:
        file.write(b'{"line": 99')
    assert back_up(federation, [folder.path], tmp_path / "backup.tar", NOW).runs == {"run": 1}
    restore(tmp_path / "backup.tar", tmp_path / "restored", NOW)
    there = RunFolder(tmp_path / "restored" / "runs" / "run")
    assert 2 not in checkpoints_of(there.checkpoints)
    assert audit_run(there, []).problems == []


def test_what_is_no_run_and_two_of_one_name_are_refused(federation: Path, tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"--runs x: found no ledger.jsonl"):
        back_up(federation, [tmp_path / "x"], tmp_path / "backup.tar", NOW)
    for parent in ("a", "b"):
        Ledger(tmp_path / parent / "run" / "ledger.jsonl")
    with pytest.raises(FederationError, match="two folders of the same name"):
        back_up(federation, [tmp_path / "a" / "run", tmp_path / "b" / "run"], tmp_path / "backup.tar", NOW)
    assert not (tmp_path / "backup.tar").exists()


def test_a_damaged_database_is_said_and_no_backup_made(federation: Path, tmp_path: Path) -> None:
    (federation / "superlink" / "state.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(FederationError, match=r"superlink/state.db: found"):
        back_up(federation, [], tmp_path / "backup.tar", NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["federation"]


def test_a_broken_ledger_is_not_restored(federation: Path, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run" / "ledger.jsonl")
    for number in range(3):
        ledger.append("note", number=number)
    lines = ledger.path.read_bytes().split(b"\n")
    ledger.path.write_bytes(b"\n".join([lines[0], *lines[2:]]))
    back_up(federation, [tmp_path / "run"], tmp_path / "backup.tar", NOW)
    with pytest.raises(FederationError, match="found a broken ledger in runs/run"):
        restore(tmp_path / "backup.tar", tmp_path / "restored", NOW)
    assert not (tmp_path / "restored").exists()
