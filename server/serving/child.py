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
from server.launching.flower_commands import environment_with_programs
from server.serving.bounded_log import bound, text_of
from server.serving.undertaker import Undertaker

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
        is_buried: whether it has been waited for and its group ended; its number may be another's by now.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    undertaker: Undertaker
    process: subprocess.Popen[bytes] = field(init=False)
    born: float = field(init=False)
    restarts: int = 0
    is_buried: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.launch()

    def launch(self) -> None:
        """Start it in a process group of its own, so that whatever it starts in turn can be stopped with it.

        Raises:
            OSError: too many processes, no memory, or no such program; the one that lived last stays in `process`.
        """
        self.born = time.monotonic()
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
        self.is_buried = False
        self.undertaker.note(self.process.pid)

    def has_ended(self) -> bool:
        """Whether it has, by itself or not. It is not waited for: its number, its group's too, stays its own."""
        if self.process.returncode is not None:
            return True
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # another thread has just waited for it
            return True

    def signal_group(self, number: int) -> None:
        """Send a signal to it and everything it started; to nobody once all have ended."""
        if not self.is_buried:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def group_lives(self) -> bool:
        """Whether it, or anything it started, still runs."""
        if self.is_buried:
            return False
        self.process.poll()  # a finished process keeps its group alive until it is waited for
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            self._bury()
            return False
        return True

    def end(self) -> None:
        """End it and everything it started, by force."""
        if not self.is_buried:
            self.signal_group(signal.SIGKILL)
            self.process.wait()
            self._bury()

    def log_text(self) -> str:
        """What it printed lately, without colours."""
        return _COLOURS.sub("", text_of(self.log))

    def last_words(self) -> str:
        """The last line it printed, without anything that looks like a path."""
        lines = [line.strip() for line in self.log_text().splitlines() if line.strip()]
        return _PATHS.sub("…", lines[-1])[:200] if lines else "nothing"

    def require_alive(self) -> None:
        """Complain about a process that has ended, and end what it has left behind.

        Raises:
            FederationError: it has; the message quotes its last words.
        """
        if self.has_ended():
            self.end()
            raise FederationError(
                f"{self.name}: found that it ended with code {self.process.returncode}; expected it to run; it said "
                f"last: {self.last_words()}; its log is {self.log.name} in the run folder"
            )

    def _bury(self) -> None:
        self.is_buried = True
        self.undertaker.forget(self.process.pid)
