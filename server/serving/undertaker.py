"""Ends what a killed process leaves behind: a small process of its own that lives a moment longer than its starter.

Nobody can tidy up after himself when he is killed, and a SuperLink or nginx left behind would hold its port, so that
nothing could be started again. A death signal of the kernel (PR_SET_PDEATHSIG) would reach the children, not what these
have started in turn, such as nginx's workers. So the undertaker holds the reading end of a pipe, over which it is told
the process groups; when the pipe closes, in whatever way the writer has ended, it ends those that are still noted.

It is run as a file of its own, with nothing but the standard library.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

GRACE_S = 10.0


class Undertaker:
    """The side of the process that starts others."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # what is typed at the terminal is not meant for it
        )

    def note(self, group: int) -> None:
        """End this process group should this process die."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """That group has been ended; its number may be given to others."""
        self._tell(f"-{group}\n")

    def dismiss(self) -> None:
        """Everything has been ended: it may go."""
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(BrokenPipeError):
                stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            # Short lines arrive whole, from whichever thread. Should somebody have killed it, work goes on without it.
            with suppress(BrokenPipeError):
                os.write(stdin.fileno(), line.encode())


def wait_for_the_end(lines: BinaryIO) -> set[int]:
    """Read notes until the writer is gone.

    Returns:
        The groups to be ended.
    """
    noted: set[int] = set()
    for line in lines:
        group = int(line[1:])
        (noted.add if line.startswith(b"+") else noted.discard)(group)
    return noted


def end(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """End process groups: politely, then by force."""
    left = set(groups)
    for group in left:
        _signal(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Whether the group was there to hear it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    end(wait_for_the_end(sys.stdin.buffer))
