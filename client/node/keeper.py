"""Keeps a hospital's node alive: two processes, the node and its worker, started anew whenever one of them ends.

Flower's SuperNode ends by itself when a SuperLink answers that it does not know it, which is what a SuperLink that was
restarted without its state says to everybody; it also ends, or loses its heartbeat for good, on errors of the network,
and a killed one must wait until the SuperLink's lease on its predecessor has run out. Nobody at a hospital should have
to notice any of this. The keeper itself does nothing but wait, so there is little in it that could fail.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

GRACE_S = 8.0
"""Between a polite request to end and the end; less than whoever stops the keeper grants it."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 5.0
"""Pause before a restart; doubled each time that the last life was shorter than LONG_LIFE_S."""

LONG_LIFE_S = 60.0

_LEAVE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_WATCHED = _LEAVE | {signal.SIGCHLD}

log = logging.getLogger(__name__)


@dataclass
class _Pair:
    """The two processes; both live in the process group that the node leads, with all that they start in turn."""

    node: int
    worker: int
    codes: dict[int, int]

    def reap(self) -> None:
        """Note how those that ended did; negative codes are signals."""
        for process in {self.node, self.worker} - self.codes.keys():
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                self.codes[process] = os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """End the whole group: politely, then by force."""
        for number, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
            with suppress(ProcessLookupError):
                os.killpg(self.node, number)
            deadline = time.monotonic() + patience_s
            while len(self.codes) < 2 and time.monotonic() < deadline:
                signal.sigtimedwait({signal.SIGCHLD}, 0.1)
                self.reap()
        with suppress(ProcessLookupError):  # forks of a worker that ended first
            os.killpg(self.node, signal.SIGKILL)


def _nothing() -> None:
    """Nobody wants to look."""


def keep(node: Callable[[], None], worker: Callable[[int], None], look: Callable[[], None] = _nothing) -> None:
    """Run both until SIGTERM, SIGINT or SIGHUP; the whole group has ended when this returns.

    Must be called from a process without threads, because it forks.

    Args:
        node: runs the SuperNode; told to end with SIGTERM.
        worker: runs its worker, given the node's process id.
        look: called about every second and before every restart; must be quick and never raise.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    wait_s = FIRST_WAIT_S
    try:
        while True:
            born = time.monotonic()
            pair = _start(node, worker)
            if not _wait_for_an_end(pair, look):
                pair.end()
                return
            words = _told(pair)
            pair.end()
            wait_s = FIRST_WAIT_S if time.monotonic() - born > LONG_LIFE_S else wait_s
            log.warning("keeper: %s; starting both again in %g s", words, wait_s)
            look()
            if _was_told_to_leave(wait_s):
                return
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(node: Callable[[], None], worker: Callable[[int], None]) -> _Pair:
    leader = _fork(0, node)
    with suppress(ProcessLookupError, PermissionError):  # the child does the same; whoever is first
        os.setpgid(leader, leader)
    return _Pair(leader, _fork(leader, lambda: worker(leader)), {})


def _fork(group: int, work: Callable[[], None]) -> int:
    """Work in a child process that never returns; its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(0, group)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        work()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            sys.stderr.write(f"{leaving.code}\n")
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait_for_an_end(pair: _Pair, look: Callable[[], None]) -> bool:
    """Wait until one of the two ends (True) or the keeper is told to leave (False)."""
    while not pair.codes:
        # The pause bounds what a signal that came at the wrong moment can cost.
        if _was_told_to_leave(1.0, or_child=True):
            return False
        pair.reap()
        look()
    return True


def _was_told_to_leave(seconds: float, *, or_child: bool = False) -> bool:
    """Wait, at most so long; with `or_child`, no longer than until a child ends."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        seen = signal.sigtimedwait(_WATCHED, left)
        if seen is not None and seen.si_signo in _LEAVE:
            return True
        if seen is not None and or_child:
            return False
    return False


def _told(pair: _Pair) -> str:
    names = {pair.node: "the node", pair.worker: "its worker"}
    return ", ".join(f"{names[process]} ended with code {code}" for process, code in pair.codes.items())
