"""Does the node reach its server? It notes when it was last answered, and its keeper says when that is long ago.

Flower's SuperNode waits without a word for a server that does not answer, for ever. The keeper looks at the note about
every second and tells a person after PATIENCE_S of silence, and again every REMIND_S.
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gmmas_core.atomic import write_text

FILE = "server_answered"
PATIENCE_S, REMIND_S = 60.0, 600.0

Clock = Callable[[], float]


def note_answer(state: Path) -> None:
    """The server has answered just now; the file's own time says when."""
    with suppress(OSError):
        write_text(state / FILE, "")


def answered_at(state: Path) -> float | None:
    """When the server last answered (seconds since the epoch), None for never."""
    try:
        return os.stat(state / FILE).st_mtime
    except OSError:
        return None


class LinkWatch:
    """Tells when the server has been silent for long, and when it answers again."""

    def __init__(self, state: Path, log: logging.Logger, command: str, clock: Clock = time.time) -> None:
        """Silence is counted from now.

        Args:
            state: of the site.
            log: where a person looks.
            command: that finds out more.
            clock: seconds since the epoch.
        """
        self._state, self._log, self._command, self._clock = state, log, command, clock
        self._started = clock()
        self._told: float | None = None

    def look(self) -> None:
        """Called again and again by the keeper."""
        now = self._clock()
        answered = answered_at(self._state)
        is_new = answered is not None and answered >= self._started
        silent_s = now - max(self._started, answered or 0.0)
        if silent_s < PATIENCE_S:
            if self._told is not None and is_new:
                self._log.warning("node: connected to the server again", extra={"event": "connected"})
                self._told = None
        elif self._told is None or now - self._told >= REMIND_S:
            self._log.warning(
                "node: found no answer of the server for %d s; expected one; it keeps trying; to find out why, run "
                "in another window: %s",
                silent_s,
                self._command,
                extra={"event": "unconnected"},
            )
            self._told = now
