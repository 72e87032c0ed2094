"""The grid, with pulls that cannot hold up a round.

A reply whose upload was cut off is announced to the coordinator, but its pieces never come, and Flower 1.41 looks for
them inside the one call of `pull_messages`, for up to two hours. Each pull therefore runs in a thread of its own and is
waited for only so long. One that is still out counts as "nothing there yet"; whatever it brings in the end is handed
over when that message is asked for again, so a pull that was merely slow loses nothing, and the answer to a closed
round is dropped by `rounds.collect_late` like any other late one.
"""

import threading
from collections.abc import Iterable

from flwr.app import Message, RecordDict
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid
from flwr.supercore.run import Run

PATIENCE_S = 15.0
"""The SuperLink is a neighbour: the weights of a big network take a few seconds. Shorter than `link.SLOW_S`, so that a
reply cut off is not taken for a SuperLink that does not answer."""


class PatientGrid(Grid):
    """Another grid, pulled from with patience.

    Args:
        grid: Flower's; it must allow calls from several threads, as all of Flower's do.
        patience_s: how long a caller waits for one pull.
    """

    def __init__(self, grid: Grid, patience_s: float = PATIENCE_S) -> None:
        self._grid = grid
        self._patience_s = patience_s
        self._out: dict[str, _Pull] = {}

    def set_run(self, run: Run) -> None:
        """Replace the run that the grid belongs to."""
        self._grid.set_run(run)

    @property
    def run(self) -> Run:
        """The run that the grid belongs to."""
        return self._grid.run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """A message to one node."""
        return self._grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def get_node_ids(self) -> Iterable[int]:
        """The nodes online."""
        return self._grid.get_node_ids()

    def get_nodes(self) -> Iterable[NodeInfo]:
        """The nodes online, with what is known of them."""
        return self._grid.get_nodes()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Send messages; their ids."""
        return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies that are there, or were by the time patience ended; each is handed out once."""
        return [reply for message_id in message_ids for reply in self._pull(message_id)]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Flower's own exchange, which knows no patience."""
        return self._grid.send_and_receive(messages, timeout=timeout)

    def _pull(self, message_id: str) -> list[Message]:
        pull = self._out.pop(message_id, None)
        if pull is None:
            pull = _Pull(self._grid, message_id)
            pull.thread.join(self._patience_s)
        if pull.thread.is_alive():
            self._out[message_id] = pull
            return []
        return pull.result()


class _Pull:
    """One call, in a thread that does not keep the process from ending."""

    def __init__(self, grid: Grid, message_id: str) -> None:
        self._replies: list[Message] = []
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(grid, message_id), daemon=True)
        self.thread.start()

    def _run(self, grid: Grid, message_id: str) -> None:
        try:
            self._replies = list(grid.pull_messages([message_id]))
        except BaseException as error:  # Flower's "the run is over" is no Exception; it is raised where it is asked for
            self._error = error

    def result(self) -> list[Message]:
        """What the call gave, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._replies
