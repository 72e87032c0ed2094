"""The commands that coordinator and hospitals type, typed by the drills as processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from gmmas_core.types import FederationError
from server.lab.drills.judging import PATIENCE_S
from server.launching.flower_commands import QUIET, environment_with_programs
from server.serving.child_processes import Child

COORDINATOR = (sys.executable, "-c", "from server.cli import main; main()")
SITE = (sys.executable, "-c", "from client.cli import main; main()")


@dataclass(frozen=True)
class Said:
    """How a command ended, and all that it printed."""

    code: int
    text: str

    def require_done(self) -> "Said":
        """Complain unless it did its job.

        Raises:
            FederationError: it ended with another code than 0.
        """
        if self.code != 0:
            raise FederationError(f"drill: found a command that ended with {self.code}; it said: {self.text[-800:]}")
        return self


def typed(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Said:
    """Type a command and wait for its end."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment_with_programs(QUIET | dict(environment or {})),
        timeout=PATIENCE_S,
        check=False,
    )
    return Said(done.returncode, done.stdout)


def end(child: Child) -> None:
    """End a process in order, as a service manager does, and wait until it has ended with all it started."""
    family = [psutil.Process(child.process.pid), *psutil.Process(child.process.pid).children(recursive=True)]
    os.killpg(child.process.pid, signal.SIGTERM)  # the group: a wrapper does not pass a signal on
    child.process.wait(PATIENCE_S)
    psutil.wait_procs(family, timeout=PATIENCE_S)


def strike(child: Child) -> None:
    """End a process with all it started and without a word, as a power failure does."""
    parent = psutil.Process(child.process.pid)
    parent.suspend()  # so that it starts nothing while its children go
    for process in [*parent.children(recursive=True), parent]:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    child.process.wait()
