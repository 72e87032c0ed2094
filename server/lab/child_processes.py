"""Child processes of one federation: started with a log each, watched, and always stopped with all they started."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.types import FederationError

GRACE_S = 10.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PATHS = re.compile(r"\S*/\S*")


@dataclass(frozen=True)
class Child:
    """One started process; `name` is what messages call it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def log_text(self) -> str:
        """What it printed so far, without colours."""
        return _COLOURS.sub("", self.log.read_text(errors="replace"))

    def last_words(self) -> str:
        """The last line it printed, without anything that looks like a path."""
        lines = [line.strip() for line in self.log_text().splitlines() if line.strip()]
        return _PATHS.sub("…", lines[-1])[:200] if lines else "nothing"

    def require_alive(self) -> None:
        """Complain about a process that has ended.

        Raises:
            FederationError: it has; the message quotes its last words.
        """
        code = self.process.poll()
        if code is not None:
            raise FederationError(
                f"{self.name}: found that it ended with code {code}; expected it to run; it said last: "
                f"{self.last_words()}; its log is {self.log.name} in the run folder"
            )


class Children:
    """All processes of one federation."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a command in a process group of its own, so that whatever it starts in turn can be stopped with it.

        Args:
            name: of the log file and in messages.
            command: a program installed beside this interpreter, and its arguments.
            environment: added to this process's.
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment_with_programs(environment),
                cwd=self._logs,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def stop(self) -> None:
        """End every process group: politely, then by force. Newest first, the server last."""
        for child in reversed(self._children):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and any(_group_lives(child) for child in self._children):
            time.sleep(0.1)
        for child in self._children:
            _signal_group(child, signal.SIGKILL)
            child.process.wait()


@contextmanager
def children(logs: Path) -> Iterator[Children]:
    """Processes that do not outlive the `with` block, nor an interrupt or a request to terminate inside it."""
    started = Children(logs)
    with _termination_as_exit():
        try:
            yield started
        finally:
            started.stop()


def environment_with_programs(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment, with the programs beside this interpreter found first: Flower starts its own by name."""
    programs = str(Path(sys.executable).parent)
    return {**os.environ, **extra, "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])}


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on now; another process may still be faster."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def _termination_as_exit() -> Iterator[None]:
    """SIGTERM ends Python without its `finally` blocks; inside, it raises SystemExit instead (main thread only)."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread: only that one may set handlers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _signal_group(child: Child, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)


def _group_lives(child: Child) -> bool:
    child.process.poll()  # a finished process keeps its group alive until it is waited for
    try:
        os.killpg(child.process.pid, 0)
    except ProcessLookupError:
        return False
    return True
