"""What the node's keeper says to a person goes into the log of events too."""

import logging
import time
from collections.abc import Callable

from client.node.events import tell
from client.site import Site

RESTARTED = "restarted"
AGAIN_S = 600.0
"""The same words about a restart are written down no more often: an unapproved node restarts every few seconds."""


class EventHandler(logging.Handler):
    """Writes records down as events: the one that a record's `event` names, else "restarted"."""

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: site: in whose log. clock: seconds."""
        super().__init__()
        self._site, self._clock = site, clock
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See the class."""
        words, event = record.getMessage(), getattr(record, "event", RESTARTED)
        if event == RESTARTED and self._was_said(words):
            return
        tell(self._site, event, level=record.levelname.lower(), reason=words)

    def _was_said(self, words: str) -> bool:
        now = self._clock()
        self._said = {other: at for other, at in self._said.items() if now - at < AGAIN_S}
        return self._said.setdefault(words, now) != now
