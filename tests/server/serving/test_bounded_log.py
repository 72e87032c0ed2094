"""A log stays small while its writer has it open, and its last words are kept."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.serving.bounded_log import GENERATIONS, bound, copy_of, text_of
from server.serving.child_processes import children

WRITES = (
    "import sys\nfor line in sys.stdin:\n    print('x' * 50, line.strip(), flush=True)\n    sys.stderr.write('.\\n')"
)


def test_a_writer_that_keeps_the_file_open_goes_on_at_the_new_beginning(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-c", WRITES], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE, text=True
        ) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stderr is not None
        for number in range(10):
            writer.stdin.write(f"{number}\n")
            writer.stdin.flush()
            writer.stderr.readline()  # it has been written
            assert bound(log, 40)
            assert log.stat().st_size == 0
            assert not bound(log, 40)
            assert text_of(log).endswith(f" {number}\n")
        writer.stdin.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "server.log",
        *(f"server.log.{number}" for number in range(1, GENERATIONS + 1)),
    ]
    assert [copy_of(log, number).read_text().split()[1] for number in (1, 2, 3)] == ["9", "8", "7"]


def test_a_small_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    assert not bound(tmp_path / "none.log", 0)
    log = tmp_path / "server.log"
    log.write_text("few")
    assert not bound(log)
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_a_log_that_cannot_be_copied_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("server.serving.bounded_log.shutil.copyfileobj", full)
    log = tmp_path / "server.log"
    log.write_text("words")
    assert not bound(log, 1)
    assert log.read_text() == "words"
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_the_last_bytes_are_in_the_copy_before_the_log_is_emptied(tmp_path: Path) -> None:
    """The room ends where only what was still in memory is left to be written."""
    log, before = tmp_path / "server.log", resource.getrlimit(resource.RLIMIT_FSIZE)
    log.write_bytes(b"." * 70_000 + b"last words")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, before[1]))
    try:
        assert not bound(log, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert text_of(log).endswith(".last words")
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_last_words_survive_the_move(tmp_path: Path) -> None:
    with children(tmp_path) as started:
        child = started.start("node", [sys.executable, "-c", "print('no room')"], {})
        child.process.wait(60)
        assert bound(child.log, 1)
        assert child.last_words() == "no room"


def test_the_logs_of_kept_children_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.serving.child_processes.TIDY_S", 0.01)
    monkeypatch.setattr("server.serving.child_processes.bound", lambda log: bound(log, 1))
    with children(tmp_path) as started:
        code = "import time; print('words', flush=True); time.sleep(600)"
        child = started.start("node", [sys.executable, "-c", code], {})
        started.keep_alive()
        deadline = time.monotonic() + 60
        while not copy_of(child.log, 1).is_file():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert child.last_words() == "words"
