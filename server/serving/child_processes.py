"""Child processes of one federation: started with a log each, kept alive, and always stopped with all they started.

That holds for an interrupt and a request to terminate, and, thanks to the undertaker, when this process is killed.
"""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gmmas_core.types import FederationError
from server.serving.bounded_log import bound
from server.serving.child import Child as Child
from server.serving.undertaker import Undertaker

GRACE_S = 10.0
RESTART_S = 1.0
"""Pause before an ended process is started again; doubled for each of its restarts within LONG_LIFE_S."""

LONG_LIFE_S = 60.0
MAX_RESTARTS = 6
LOOK_S, TIDY_S = 0.1, 5.0


class Children:
    """All processes of one federation."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._undertaker = Undertaker()
        self._children: list[Child] = []
        self._is_stopping = threading.Event()
        self._keeper: threading.Thread | None = None
        self._given_up: list[Child] = []

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a command.

        Args:
            name: of the log file and in messages.
            command: a program installed beside this interpreter, and its arguments.
            environment: added to this process's.
        """
        child = Child(name, command, environment, self.logs / f"{name}.log", self._undertaker)
        self._children.append(child)
        return child

    def keep_alive(self) -> None:
        """From now on, until `stop`, start every process again that ends, and bound its log; those started so far."""
        self._keeper = threading.Thread(target=self._keep, args=(tuple(self._children),), daemon=True)
        self._keeper.start()

    def condition(self) -> dict[str, dict[str, int | bool]]:
        """How each is, by name: "pid", "alive", and "restarts" since it last lived long."""
        return {
            child.name: {"pid": child.process.pid, "alive": not child.has_ended(), "restarts": child.restarts}
            for child in self._children
        }

    def require_kept(self) -> None:
        """Complain about a process that cannot be kept alive.

        Raises:
            FederationError: it ended again and again.
        """
        for child in self._given_up:
            child.require_alive()

    def _keep(self, kept: Sequence[Child]) -> None:
        due: dict[str, float] = {}
        tidied = time.monotonic()
        while not self._is_stopping.wait(LOOK_S):
            if time.monotonic() - tidied > TIDY_S:
                tidied = time.monotonic()
                for child in kept:
                    bound(child.log)
            for child in kept:
                if not child.has_ended() or child in self._given_up:
                    continue
                if child.name not in due:
                    # What it started and left behind would hold its port, or work for a server that is no more.
                    child.end()
                    if time.monotonic() - child.born > LONG_LIFE_S:
                        child.restarts = 0
                    due[child.name] = time.monotonic() + RESTART_S * 2**child.restarts
                elif child.restarts == MAX_RESTARTS:
                    self._given_up.append(child)
                elif time.monotonic() >= due[child.name]:
                    del due[child.name]
                    child.restarts += 1
                    with suppress(OSError):  # too many processes just now, or no memory: tried again like any other end
                        child.launch()

    def stop(self) -> None:
        """End every process group: politely, then by force. Newest first, the server last."""
        self._is_stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        for child in reversed(self._children):
            child.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and any(child.group_lives() for child in self._children):
            time.sleep(0.1)
        for child in self._children:
            child.end()
        self._undertaker.dismiss()


@contextmanager
def children(logs: Path) -> Iterator[Children]:
    """Processes that do not outlive the `with` block, nor an interrupt or a request to terminate inside it."""
    started = Children(logs)
    with _termination_as_exit():
        try:
            yield started
        finally:
            started.stop()


def wait_until(is_ready: Callable[[], bool], needed: Sequence[Child], timeout_s: float) -> None:
    """Wait for a start.

    Raises:
        FederationError: one of the processes ended, or time is up.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        for child in needed:
            child.require_alive()
        if is_ready():
            return
        if time.monotonic() > deadline:
            words = "; ".join(f"{child.name} said last: {child.last_words()}" for child in needed)
            raise FederationError(f"start: found processes not ready after {timeout_s:g} s; {words}")
        time.sleep(0.1)


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
