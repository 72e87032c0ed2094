"""The grid, with its failures turned into waiting: a SuperLink that restarts must not end a round.

Facts about Flower 1.41. A ServerApp process talks through `HttpGrid`, which repeats a call for ever, inside the call
and with up to 20 s between two tries, while the connection fails or answers 502, 503 or 504: an outage shows as a call
that takes long. Other answers (500 while the database is locked) and TLS faults are raised at once. A run that is over
raises `RunNotRunningException`, which is no `Exception` and on purpose not caught: it can only be resumed as a new run.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any

from flwr.app import Message
from flwr.serverapp import Grid

SLOW_S = 20.0
"""The SuperLink is a neighbour: a call, the weights of a big network included, does not take longer."""

LONGEST_PAUSE_S = 10.0

Watch = Callable[[str, Mapping[str, Any]], None]


class UnreadableReply(Exception):
    """The SuperLink is there, but this one reply cannot be had."""


class Link:
    """Calls to the grid while one question is open.

    Args:
        grid: Flower's grid.
        watch: told "superlink-unreachable" once, at the first failure.
        poll_s: pause between two looks while all is well.

    Attributes:
        pause_s: how long to wait before the next look; grows while the SuperLink does not answer.
    """

    def __init__(self, grid: Grid, watch: Watch, poll_s: float) -> None:
        self._grid = grid
        self._watch = watch
        self._poll_s = poll_s
        self._told = False
        self.pause_s = poll_s

    def online(self) -> dict[int, str] | None:
        """Node id -> when it was last activated (ISO, or ""), or None while the SuperLink does not answer."""
        try:
            with self._timed():
                nodes = {info.node_id: str(info.last_activated_at or "") for info in self._grid.get_nodes()}
        except Exception as error:
            self._failed(type(error).__name__)
            return None
        self.pause_s = self._poll_s
        return nodes

    def public_key(self, node: int) -> bytes:
        """The key with which a node proved itself to the SuperLink, PEM; b"" without one or while nobody answers."""
        try:
            with self._timed():
                return next((info.public_key for info in self._grid.get_nodes() if info.node_id == node), b"")
        except Exception as error:
            self._failed(type(error).__name__)
            return b""

    def push(self, message: Message) -> str | None:
        """The message's id, "" when it was not taken (too large, or its node is gone), None when nobody answered."""
        try:
            with self._timed():
                return next(iter(self._grid.push_messages([message])), None) or ""
        except Exception as error:
            self._failed(type(error).__name__)
            return None

    def pull(self, message_id: str) -> Message | None:
        """The reply to a message if it is there; of several only the first is looked at.

        Raises:
            UnreadableReply: this reply cannot be had though the SuperLink answers; the site may have sent rubbish.
        """
        try:
            with self._timed():
                return next(iter(self._grid.pull_messages([message_id])), None)
        except Exception as error:
            name = type(error).__name__
        if self.online() is None:
            return None
        raise UnreadableReply(name)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Tell of a call that does not return, while it does not: an outage blocks this thread inside Flower."""
        timer = Timer(SLOW_S, self._tell, [f"no answer for {SLOW_S:g} s"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _failed(self, reason: str) -> None:
        self.pause_s = min(max(2 * self.pause_s, self._poll_s), LONGEST_PAUSE_S)
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            self._watch("superlink-unreachable", {"reason": reason})
