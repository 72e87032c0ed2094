"""A Grid without Ray and without processes: the same ServerApp and ClientApp, milliseconds per round.

For fast tests and studies. It touches Flower's private API; a test pins the version for it.
"""

import copy
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from flwr.app import Context, Error, Message, RecordDict, UserConfigValue
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

FIRST_NODE = 100


class InProcessGrid(Grid):
    """Nodes are calls in this process; each gets its own copy of a message, as over a real wire.

    Args:
        client_app: the hospital's application.
        node_configs: one per node, e.g. {"site": "PATH/site.yaml"}.
        workers: nodes that work at the same time.
    """

    def __init__(
        self, client_app: ClientApp, node_configs: Sequence[Mapping[str, UserConfigValue]], workers: int = 1
    ) -> None:
        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
        self._run = Run.create_empty(run_id=1)
        self._client_app = client_app
        self._contexts = {
            FIRST_NODE + number: Context(
                run_id=1, node_id=FIRST_NODE + number, node_config=dict(node_config), state=RecordDict(), run_config={}
            )
            for number, node_config in enumerate(node_configs)
        }
        self._replies: dict[str, Future[Message]] = {}
        self._pool = ThreadPoolExecutor(workers)

    def set_run(self, run: Run) -> None:
        """Replace the run that the grid belongs to."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that the grid belongs to."""
        return self._run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """A message to one node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """All nodes; they are always online."""
        return list(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Start the work of each message's node."""
        ids = []
        for message in messages:
            message.metadata.__dict__["_message_id"] = uuid.uuid4().hex
            self._replies[message.metadata.message_id] = self._pool.submit(self._work, message)
            ids.append(message.metadata.message_id)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies that are there; each is handed out once."""
        done = [key for key in message_ids if key in self._replies and self._replies[key].done()]
        return [self._replies.pop(key).result() for key in done]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Push and wait for all."""
        return [self._replies.pop(key).result(timeout) for key in self.push_messages(messages)]

    def _work(self, message: Message) -> Message:
        message.content = copy.deepcopy(message.content)
        try:
            return self._client_app(message, self._contexts[message.metadata.dst_node_id])
        except Exception as error:
            reason = type(error).__name__
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=message)
