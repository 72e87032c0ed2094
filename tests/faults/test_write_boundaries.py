"""The power fails, or the disk is full, at every single write of a coordinator: resumed, it ends with the same weights.

Each case plays two rounds in a forked process that ends without a word at its k-th write, or in the middle of it, for
every k; then the run is resumed and compared. The hospitals are real and answer from their store, which is what makes a
case cheap. What comes after the last round changes no weights and is left out here.
"""

import errno
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import server.app
from gmmas_core.config import load_config
from gmmas_core.types import FederationError, GmmasError
from gmmas_core.weights import weights_hash
from server.checkpoints import newest_valid
from server.lab.engines import in_process
from server.ledger import Ledger, verify
from server.run_folder import RunFolder
from server.run_lock import run_lock

WRITES = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "ftruncate")
"""Names in `os` that change a disk."""

OnWrite = Callable[[str, tuple[Any, ...]], None]


def play(sites: list[Path], overrides: Sequence[str], folder: Path) -> None:
    in_process(sites, overrides, RunFolder(folder), lambda kind, fields: None)


@contextmanager
def watching_writes(on_write: OnWrite) -> Iterator[None]:
    """Tell of every write of this thread before it is done; the hospitals write from threads of their own."""
    ours = threading.get_ident()
    real_open = io.open
    real = {name: getattr(os, name) for name in WRITES}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            reads = name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if threading.get_ident() == ours and not reads:
                on_write(name, arguments)
            return real[name](*arguments, **named)

        return call

    def open_file(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if threading.get_ident() == ours and isinstance(file, str | Path) and set(mode) & set("wa+x"):
            on_write("open", (file,))
        return real_open(file, mode, *arguments, **named)

    for name in WRITES:
        setattr(os, name, wrapped(name))
    io.open = open_file  # type: ignore[assignment]
    try:
        yield
    finally:
        io.open = real_open
        for name, function in real.items():
            setattr(os, name, function)


def writes_of(work: Callable[[], None]) -> list[str]:
    """The names of all writes of some work, in order."""
    seen: list[str] = []
    with watching_writes(lambda name, _: seen.append(name)):
        work()
    return seen


def cut_power_at(number: int, half: bool, work: Callable[[], None]) -> bool:
    """Do some work in a fork that is killed before its n-th write, or in the middle of it; whether it came that far."""
    child = os.fork()
    if child == 0:
        really_write, left = os.write, [number]

        def on_write(name: str, arguments: tuple[Any, ...]) -> None:
            if left[0] == 0:
                if half and name == "write":
                    really_write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        with suppress(BaseException), watching_writes(on_write):
            work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def end_of(folder: Path) -> tuple[int, str]:
    checkpoint = newest_valid(RunFolder(folder).checkpoints)
    assert checkpoint is not None
    assert verify(RunFolder(folder).ledger) == []
    assert not list(RunFolder(folder).checkpoints.glob(".*"))
    return checkpoint.round, weights_hash(checkpoint.weights)


@pytest.fixture
def two_rounds(overrides: Sequence[str]) -> tuple[str, ...]:
    return (*overrides, "rounds=2", "acceptance.check=none", "federation.poll_s=0.001")


@pytest.fixture(autouse=True)
def _rounds_only(monkeypatch: pytest.MonkeyPatch, two_rounds: Sequence[str]) -> None:
    """One run id for all, so that the hospitals answer from their store; no release; no progress file."""
    config = load_config(two_rounds)
    monkeypatch.setattr("server.app.load_config", lambda overrides: config)
    monkeypatch.setattr("server.run.uuid4", lambda: UUID(int=1))
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
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], tmp_path: Path
) -> None:
    writes = writes_of(lambda: play(hospitals, two_rounds, tmp_path / "counted"))
    assert {"open", "write", "fsync", "replace", "mkdir"} <= set(writes)
    cases = [(k, half) for k, name in enumerate(writes) for half in ((False, True) if name == "write" else (False,))]
    for k, half in cases:
        folder = tmp_path / f"cut-{k}-{half}"
        assert cut_power_at(k, half, lambda folder=folder: play(hospitals, two_rounds, folder))  # type: ignore[misc]
        play(hospitals, two_rounds, folder)
        assert end_of(folder) == expected, f"write {k} ({writes[k]}), half={half}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_disk_that_is_full_from_every_write_on(
    hospitals: list[Path], two_rounds: Sequence[str], expected: tuple[int, str], tmp_path: Path
) -> None:
    """The run fails loudly, and goes on from there when there is room again."""
    writes = writes_of(lambda: play(hospitals, two_rounds, tmp_path / "counted"))
    for k in range(0, len(writes), 3):
        folder, left = tmp_path / f"full-{k}", [k]

        def on_write(name: str, arguments: tuple[Any, ...], left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0 and name in ("open", "write", "fsync", "mkdir"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with watching_writes(on_write), pytest.raises((GmmasError, OSError)):
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
