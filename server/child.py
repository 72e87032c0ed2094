"""One child process, whichever it is by now: started with a log, in a process group of its own, and started again."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gmmas_core.types import FederationError
from server.bounded_log import bound, text_of
from server.flower_commands import environment_with_programs
from server.undertaker import Undertaker

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PATHS = re.compile(r"\S*/\S*")


@dataclass
class Child:
    """One started process; `name` is what messages call it.

    Attributes:
        command, environment: what it was started with, and is started with again.
        log: what it and its successors print, see `bounded_log`.
        undertaker: ends it should this process be killed.
        process: the one that lives now, or lived last.
        born: monotonic seconds.
        restarts: since it last lived long.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    undertaker: Undertaker
    process: subprocess.Popen[bytes] = field(init=False)
    born: float = field(init=False)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.launch()

    def launch(self) -> None:
        """Start it in a process group of its own, so that whatever it starts in turn can be stopped with it."""
        bound(self.log)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment_with_programs(self.environment),
                cwd=self.log.parent,
                start_new_session=True,
            )
        self.undertaker.note(self.process.pid)
        self.born = time.monotonic()

    def has_ended(self) -> bool:
        """Whether it has, by itself or not."""
        return self.process.poll() is not None

    def signal_group(self, number: int) -> None:
        """Send a signal to it and everything it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def group_lives(self) -> bool:
        """Whether it, or anything it started, still runs."""
        self.process.poll()  # a finished process keeps its group alive until it is waited for
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> None:
        """End it and everything it started, by force."""
        self.signal_group(signal.SIGKILL)
        self.process.wait()
        self.undertaker.forget(self.process.pid)

    def log_text(self) -> str:
        """What it printed lately, without colours."""
        return _COLOURS.sub("", text_of(self.log))

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
