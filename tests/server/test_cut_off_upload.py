"""Flower's own grid before a reply that is announced and whose pieces do not come: why pulls need patience.

The SuperLink's side is played here, answer by answer, as `flwr.superlink.servicer.runtime` gives them.
"""

import threading
import time

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_to_proto
from flwr.proto.message_pb2 import (
    ConfirmMessageReceivedRequest,
    ConfirmMessageReceivedResponse,
    PullObjectRequest,
    PullObjectResponse,
)
from flwr.proto.runtime_pb2 import PullAppMessagesRequest, PullAppMessagesResponse
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid.http_grid import HttpGrid

from server.rounds.patient_grid import PatientGrid


class Announces:
    """A SuperLink that has a reply's head; its pieces come with `complete`. It hands a reply out once."""

    def __init__(self, reply: Message) -> None:
        reply.metadata.__dict__["_message_id"] = reply.object_id
        self._reply: Message | None = reply
        self._pieces = {key: each.deflate() for key, each in get_all_nested_objects(reply).items()}
        self.complete = threading.Event()

    def PullMessages(self, request: PullAppMessagesRequest) -> PullAppMessagesResponse:
        reply, self._reply = self._reply, None
        if reply is None:
            return PullAppMessagesResponse()
        head = message_to_proto(remove_content_from_message(reply))
        return PullAppMessagesResponse(messages_list=[head], message_object_trees=[get_object_tree(reply)])

    def PullObject(self, request: PullObjectRequest) -> PullObjectResponse:
        if not self.complete.is_set():
            return PullObjectResponse(object_found=True, object_available=False)
        content = self._pieces[request.object_id]
        return PullObjectResponse(object_found=True, object_available=True, object_content=content)

    def ConfirmMessageReceived(self, request: ConfirmMessageReceivedRequest) -> ConfirmMessageReceivedResponse:
        return ConfirmMessageReceivedResponse()


def test_a_cut_off_reply_blocks_flowers_grid_and_not_ours() -> None:
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    question = Message(RecordDict(), 7, MessageType.TRAIN)
    question.metadata.__dict__["_message_id"] = "question"
    superlink = Announces(Message(RecordDict({"reply": ConfigRecord({"site": "north"})}), reply_to=question))
    grid = HttpGrid(token="token")
    grid._client = superlink  # type: ignore[assignment]
    grid.set_run(Run.create_empty(run_id=1))
    patient = PatientGrid(grid, 0.5)
    assert patient.pull_messages(["question"]) == []
    assert patient._out["question"].thread.is_alive()
    superlink.complete.set()
    deadline = time.monotonic() + 60
    while not (replies := patient.pull_messages(["question"])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (reply,) = replies
    assert reply.content["reply"]["site"] == "north"
