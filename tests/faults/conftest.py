"""Two ways to die: real processes that can be killed one by one, and a power that fails at any single write.

And the run that the former are measured against: the same, played undisturbed.
"""

import io
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from gmmas_core.data.phantom import write_federation
from gmmas_core.weights import weights_hash
from server.lab.engines import in_process
from server.lab.loopback import start_superlink, start_supernodes
from server.launching.launch_plan import read_plan
from server.ledger import Ledger, verify
from server.records.checkpoints import newest_valid
from server.records.run_folder import RunFolder
from server.serving.child_processes import Child, Children, children, free_ports

PATIENCE_S = 240.0

WRITES = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "ftruncate")
"""Names in `os` that change a disk."""

OnWrite = Callable[[str, tuple[Any, ...]], None]


class Federation:
    """A SuperLink, three kept SuperNodes and a launched run, each killable; `frozen` holds a message half answered."""

    def __init__(self, folder: Path, sites: Sequence[Path], started: Children) -> None:
        self.run = RunFolder(folder / "run")
        self._sites = {site.name: site for site in sites}
        self._started = started
        port, *node_ports = free_ports(1 + len(sites))
        self._address = f"127.0.0.1:{port}"
        self.superlink = start_superlink(started, port)
        nodes = start_supernodes(started, sites, self._address, node_ports)
        self._keepers = dict(zip(self._sites, nodes, strict=True))

    def launch(self, *overrides: str) -> Child:
        """`gmmas-coordinator launch`, as a process."""
        where = ["--superlink", self._address, "--insecure", "--run-dir", str(self.run.path)]
        return self._coordinator("launcher", "launch", *overrides, *where)

    def resume(self) -> Child:
        """`gmmas-coordinator resume`, as a process."""
        return self._coordinator("resumer", "resume", str(self.run.path))

    def _coordinator(self, name: str, *arguments: str) -> Child:
        command = [sys.executable, "-c", "from server.cli import main; main()", *arguments, "--json"]
        return self._started.start(name, command, {})

    def server_app(self) -> psutil.Process:
        """The coordinator's own process."""
        return wait_for(lambda: self._below(self.superlink.process.pid, "flwr-serverapp"), "a ServerApp")

    def node(self, site: str) -> psutil.Process:
        """A hospital's SuperNode: of its keeper's two children, the one that leads the group."""
        keeper = psutil.Process(self._keepers[site].process.pid)
        return next(child for child in keeper.children() if os.getpgid(child.pid) == child.pid)

    def frozen(self, site: str) -> psutil.Process:
        """The process that answers a site's present message, stopped in the middle of it."""

        def found() -> psutil.Process | None:
            keeper = psutil.Process(self._keepers[site].process.pid)
            forks = [fork for child in keeper.children() for fork in child.children()]
            return forks[0] if forks else None

        fork = wait_for(found, f"a message at {site}", pause_s=0.01)
        fork.send_signal(signal.SIGSTOP)
        return fork

    def frozen_in_round(self, number: int, site: str) -> psutil.Process:
        """As `frozen`, in a round of training."""
        self.wait_for_event("site-asked", round=number, site=site)
        return self.frozen(site)

    def wait_for_event(self, kind: str, **fields: Any) -> None:
        """Until the run has told so."""
        wanted = {"kind": kind, **fields}
        wait_for(lambda: any(wanted.items() <= event.items() for event in self._events()), f"{wanted}", pause_s=0.02)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's lines of a kind."""
        return [entry for entry in Ledger(self.run.ledger).entries() if entry["kind"] == kind]

    def flower_runs(self) -> int:
        """How many Flower runs it took."""
        return len(read_plan(self.run).flower_runs)

    def require_same_end(self, launcher: Child, expected: str) -> None:
        """The launcher ended well, with the undisturbed run's weights after its last round, and an intact ledger."""
        code = wait_for(lambda: launcher.has_ended(), "the end of the run") and launcher.process.wait()
        assert code == 0, launcher.log_text()[-2000:]
        assert verify(self.run.ledger) == []
        assert [entry["round"] for entry in self.entries("round")][-1] == 3
        assert [entry["passed"] for entry in self.entries("judged")] == [True]
        assert hash_of(self.run) == expected

    def _events(self) -> list[dict[str, Any]]:
        if not self.run.progress.exists():
            return []
        lines = self.run.progress.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    @staticmethod
    def _below(ancestor: int, words: str) -> psutil.Process | None:
        below = psutil.Process(ancestor).children(recursive=True)
        return next((each for each in below if any(words in part for part in each.cmdline())), None)


class Write(NamedTuple):
    """One write: a name of WRITES, and the path it was given, "" for a file that is open already."""

    name: str
    path: str


class Power:
    """Counts a coordinator's writes, and fails at one of them."""

    @staticmethod
    @contextmanager
    def watching(on_write: OnWrite) -> Iterator[None]:
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

    def writes_of(self, work: Callable[[], Any]) -> list[Write]:
        """All writes of some work, in order."""
        seen: list[Write] = []

        def on_write(name: str, arguments: tuple[Any, ...]) -> None:
            seen.append(Write(name, "" if isinstance(arguments[0], int) else str(arguments[0])))

        with self.watching(on_write):
            work()
        return seen

    def cut_at(self, number: int, half: bool, work: Callable[[], Any]) -> bool:
        """Do some work in a fork that is killed before its n-th write, or in its middle; whether it came that far."""
        child = os.fork()
        if child == 0:
            really_write, left = os.write, [number]

            def on_write(name: str, arguments: tuple[Any, ...]) -> None:
                if left[0] == 0:
                    if half and name == "write":
                        really_write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

            with suppress(BaseException), self.watching(on_write):
                work()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    @staticmethod
    def cases(writes: Sequence[Write]) -> list[tuple[int, bool]]:
        """Every write's number, and once more with True for each that can end in its middle."""
        return [
            (k, half)
            for k, write in enumerate(writes)
            for half in ((False, True) if write.name == "write" else (False,))
        ]


@pytest.fixture(scope="session")
def power() -> Power:
    """The power of the machine that the coordinator runs on."""
    return Power()


def wait_for(look: Callable[[], Any], what: str, pause_s: float = 0.1) -> Any:
    """What `look` finds, as soon as it finds something; a process that vanishes meanwhile is looked for again."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (psutil.Error, ProcessLookupError):
            pass
        time.sleep(pause_s)
    raise AssertionError(f"found no {what} within {PATIENCE_S:g} s")


def hash_of(run: RunFolder) -> str:
    """Of the newest checkpoint's weights."""
    checkpoint = newest_valid(run.checkpoints)
    assert checkpoint is not None
    return weights_hash(checkpoint.weights)


@pytest.fixture(scope="session")
def overrides(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest configuration, three rounds, none of which may close without a site that is being restarted."""
    return (*overrides, "rounds=3", "federation.least_deadline_s=200", "federation.poll_s=0.2")


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three that compute on one thread, so that every process computes the same bytes."""
    root = tmp_path_factory.mktemp("faults") / "sites"
    for site in write_federation(root, sites=3, cases=6, size=32, seed=1):
        with (site / "site.yaml").open("a") as file:
            file.write("threads: 1\n")
    return sorted(path.parent for path in root.glob("*/site.yaml"))


@pytest.fixture(scope="session")
def undisturbed(hospitals: list[Path], overrides: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Hash of the weights that the same run ends with when nothing happens to it, all of it in this process."""
    run = RunFolder(tmp_path_factory.mktemp("undisturbed") / "run")
    in_process(hospitals, overrides, run, lambda kind, fields: None)
    for site in hospitals:
        shutil.rmtree(site / ".gmmas" / "replies")
    return hash_of(run)


@pytest.fixture
def federation(hospitals: list[Path], tmp_path: Path) -> Iterator[Federation]:
    """A running SuperLink with all three hospitals; everything is stopped afterwards."""
    logs = tmp_path / "logs"
    logs.mkdir()
    with children(logs) as started:
        yield Federation(tmp_path, hospitals, started)
    words = str(tmp_path)
    left = [each for each in psutil.process_iter(["cmdline"]) if words in " ".join(each.info["cmdline"] or [])]
    assert left == []


@pytest.fixture
def outage_s() -> float:
    """How long a SuperLink stays away: longer than Flower's leases of 60 s; GMMAS_OUTAGE_S for longer ones by hand."""
    return float(os.environ.get("GMMAS_OUTAGE_S", "70"))
