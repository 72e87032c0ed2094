"""The power fails, or the disk is full, at every single write of a coordinator: resumed, it ends with the same weights.

Each case plays two rounds in a forked process that ends without a word at its k-th write, or in the middle of it, for
every k; then the run is resumed and compared. The hospitals are real and answer from their store, which is what makes a
case cheap. What comes after the last round changes no weights and is left out here.
"""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import server.app
from gmmas_core.config import config_hash, load_config
from gmmas_core.types import FederationError, GmmasError
from gmmas_core.weights import weights_hash
from server.lab.engines import in_process
from server.ledger import Ledger, verify
from server.records.checkpoints import newest_valid
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock

MEDIAN = pytest.mark.parametrize("two_rounds", [("strategy=median",)], indirect=True)
"""The rounds of a strategy that needs all updates on disk before the first one counts."""


def play(sites: list[Path], overrides: Sequence[str], folder: Path) -> None:
    in_process(sites, overrides, RunFolder(folder), lambda kind, fields: None)


def end_of(folder: Path) -> tuple[int, str]:
    checkpoint = newest_valid(RunFolder(folder).checkpoints)
    assert checkpoint is not None
    assert verify(RunFolder(folder).ledger) == []
    assert not list(RunFolder(folder).checkpoints.glob(".*"))
    return checkpoint.round, weights_hash(checkpoint.weights)


@pytest.fixture
def two_rounds(overrides: Sequence[str], request: pytest.FixtureRequest) -> tuple[str, ...]:
    more: tuple[str, ...] = getattr(request, "param", ())
    return (*overrides, "rounds=2", "acceptance.check=none", "federation.poll_s=0.001", *more)


@pytest.fixture(autouse=True)
def _rounds_only(monkeypatch: pytest.MonkeyPatch, two_rounds: Sequence[str]) -> None:
    """One run id per configuration, so that the hospitals answer from their store; no release; no progress file."""
    config = load_config(two_rounds)
    monkeypatch.setattr("server.app.load_config", lambda overrides: config)
    monkeypatch.setattr("server.run.uuid4", lambda: UUID(hex=config_hash(config)[:32]))
    monkeypatch.setattr("server.app.release", lambda run: {})
    monkeypatch.setattr("server.app.ProgressLog", lambda path: lambda kind, fields: None)


@pytest.fixture
def expected(hospitals: list[Path], two_rounds: Sequence[str], tmp_path: Path) -> tuple[int, str]:
    """Where the same run ends when nothing happens to it."""
    play(hospitals, two_rounds, tmp_path / "undisturbed")
    return end_of(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_power_cut_at_every_write(
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], power: Any, tmp_path: Path
) -> None:
    writes = power.writes_of(lambda: play(hospitals, two_rounds, tmp_path / "counted"))
    assert {"open", "write", "fsync", "replace", "mkdir"} <= {write.name for write in writes}
    for k, half in power.cases(writes):
        folder = tmp_path / f"cut-{k}-{half}"
        assert power.cut_at(k, half, lambda folder=folder: play(hospitals, two_rounds, folder))
        play(hospitals, two_rounds, folder)
        assert end_of(folder) == expected, f"write {k} ({writes[k]}), half={half}"


@pytest.mark.slow
@MEDIAN
def test_power_cut_at_every_write_of_the_spool(
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], power: Any, tmp_path: Path
) -> None:
    """Of the second round's; the spool is never synced, so every file that a cut leaves in it is torn as well."""
    writes = power.writes_of(lambda: play(hospitals, two_rounds, tmp_path / "counted"))
    of_spool = [k for k, write in enumerate(writes) if "/spool" in write.path]
    names = [writes[k].name for k in of_spool]
    # A folder once for each round's attempt, three updates in each of two rounds, each removed at the round's end.
    assert {name: names.count(name) for name in set(names)} == {"mkdir": 2, "open": 6, "replace": 6, "unlink": 6}
    torn = 0
    for k in of_spool[len(of_spool) // 2 :]:
        folder = tmp_path / f"cut-{k}"
        assert power.cut_at(k, False, lambda folder=folder: play(hospitals, two_rounds, folder))
        for file in RunFolder(folder).spool.glob("*"):
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
            torn += 1
        play(hospitals, two_rounds, folder)
        assert end_of(folder) == expected, f"write {k} ({writes[k]})"
        assert list(RunFolder(folder).spool.iterdir()) == []
    assert torn > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_disk_that_is_full_from_every_write_on(
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], power: Any, tmp_path: Path
) -> None:
    """The run fails loudly, and goes on from there when there is room again."""
    writes = power.writes_of(lambda: play(hospitals, two_rounds, tmp_path / "counted"))
    for k in range(0, len(writes), 3):
        folder, left = tmp_path / f"full-{k}", [k]

        def on_write(name: str, arguments: tuple[Any, ...], left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0 and name in ("open", "write", "fsync", "mkdir"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with power.watching(on_write), pytest.raises((GmmasError, OSError)):
            play(hospitals, two_rounds, folder)
        play(hospitals, two_rounds, folder)
        assert end_of(folder) == expected, f"write {k} ({writes[k]})"


@pytest.mark.parametrize("damage", ["cut short", "one bit"])
@pytest.mark.parametrize("file", ["weights.safetensors", "memory.safetensors", "checkpoint.json"])
def test_a_damaged_checkpoint_is_passed_over(
    file: str,
    damage: str,
    hospitals: list[Path],
    two_rounds: Sequence[str],
    expected: tuple[int, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "undisturbed"
    path = RunFolder(folder).checkpoints / "round-000002" / file
    content = bytearray(path.read_bytes())
    if damage == "cut short":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    play(hospitals, two_rounds, folder)
    assert "checkpoint round-000002: found" in caplog.text
    assert [entry["round"] for entry in Ledger(folder / "ledger.jsonl").entries() if entry["kind"] == "resumed"] == [1]
    assert end_of(folder) == expected


def test_a_second_coordinator_is_refused_and_disturbs_nothing(
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], tmp_path: Path
) -> None:
    folder = tmp_path / "undisturbed"
    before = (folder / "ledger.jsonl").read_bytes()
    with run_lock(folder), pytest.raises(FederationError, match="found another coordinator at work"):
        server.app.run_federation(None, two_rounds, RunFolder(folder), lambda kind, fields: None)  # type: ignore[arg-type]
    assert (folder / "ledger.jsonl").read_bytes() == before
