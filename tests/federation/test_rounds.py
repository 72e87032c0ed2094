"""The collector against real Flower messages: errors, refusals, silence and lost work, one reply at a time."""

import gc
import time
import weakref
from collections.abc import Callable, Iterable

from flwr.app import ConfigRecord, Context, Error, Message, MessageType, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo

from gmmas_core.types import FederationError
from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.rounds import Collected, collect

NODES = {FIRST_NODE: "north", FIRST_NODE + 1: "east", FIRST_NODE + 2: "south"}


def client_app(behaviour: Callable[[str, int], str]) -> ClientApp:
    """An application that answers its own name; `behaviour(site, call)` may be "ok", "raise" or "slow"."""
    app = ClientApp()
    calls: dict[str, int] = {}

    @app.train()
    def train(message: Message, context: Context) -> Message:
        site = str(context.node_config["name"])
        calls[site] = calls.get(site, 0) + 1
        what = behaviour(site, calls[site])
        if what == "raise":
            raise RuntimeError("boom")
        if what == "slow":
            time.sleep(3)
        return Message(RecordDict({"reply": ConfigRecord({"site": site, "call": calls[site]})}), reply_to=message)

    return app


def ask(grid: InProcessGrid, on_reply: Callable[[str, RecordDict], None], deadline_s: float = 20.0) -> Collected:
    content = RecordDict({"request": ConfigRecord({"round": 1})})
    return collect(
        grid, content, MessageType.TRAIN, NODES, group="1", deadline_s=deadline_s, poll_s=0.01, on_reply=on_reply
    )


def grid_of(behaviour: Callable[[str, int], str], kind: type[InProcessGrid] = InProcessGrid) -> InProcessGrid:
    return kind(client_app(behaviour), [{"name": name} for name in NODES.values()], workers=3)


def test_everyone_answers_and_replies_map_to_their_site() -> None:
    seen: dict[str, str] = {}
    outcome = ask(grid_of(lambda site, call: "ok"), lambda site, c: seen.update({site: str(c["reply"]["site"])}))
    assert seen == {name: name for name in NODES.values()}
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert outcome.left_out == {}


def test_one_site_fails_alone_and_its_text_does_not_travel() -> None:
    outcome = ask(grid_of(lambda site, call: "raise" if site == "east" else "ok"), lambda site, content: None)
    assert sorted(outcome.counted) == ["north", "south"]
    assert "boom" not in outcome.left_out["east"]
    assert "error code 2" in outcome.left_out["east"]


def test_a_reply_that_is_not_fit_is_left_out_with_the_reason() -> None:
    def on_reply(site: str, content: RecordDict) -> None:
        if site == "south":
            raise FederationError("weights: found NaN; expected finite")

    outcome = ask(grid_of(lambda site, call: "ok"), on_reply)
    assert outcome.left_out == {"south": "weights: found NaN; expected finite"}


def test_silence_ends_at_the_deadline() -> None:
    started = time.monotonic()
    outcome = ask(grid_of(lambda site, call: "slow" if site == "north" else "ok"), lambda s, c: None, deadline_s=0.5)
    assert time.monotonic() - started < 2
    assert outcome.left_out == {"north": "no reply within 0.5 s"}


class LosingGrid(InProcessGrid):
    """The first reply of every node is lost, as when a SuperNode dies with the message."""

    lost: set[int]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        self.lost = getattr(self, "lost", set())
        for reply in super().pull_messages(message_ids):
            node = reply.metadata.src_node_id
            if node in self.lost:
                yield reply
            else:
                self.lost.add(node)
                request = Message(RecordDict(), node, MessageType.TRAIN)
                request.metadata.__dict__["_message_id"] = "x"
                yield Message(Error(ErrorCode.NODE_UNAVAILABLE, "gone"), reply_to=request)


def test_lost_work_is_asked_for_again() -> None:
    calls: dict[str, int] = {}
    outcome = ask(
        grid_of(lambda site, call: "ok", LosingGrid),
        lambda site, content: calls.update({site: int(content["reply"]["call"])}),  # type: ignore[arg-type]
    )
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert set(calls.values()) == {2}


class RestartingGrid(InProcessGrid):
    """North's SuperNode restarts between two looks: Flower never reports the loss of its message."""

    looks = 0

    def get_nodes(self) -> Iterable[NodeInfo]:
        self.looks += 1
        for node in self.get_node_ids():
            restarted = node == FIRST_NODE and self.looks > 2
            when = "2999-01-01T00:00:00+00:00" if restarted and self.looks < 4 else ""
            yield NodeInfo(node_id=node, last_activated_at=when)


def test_a_site_that_restarted_is_asked_again_though_no_error_came() -> None:
    outcome = ask(
        grid_of(lambda site, call: "slow" if (site, call) == ("north", 1) else "ok", RestartingGrid),
        lambda site, content: None,
    )
    assert sorted(outcome.counted) == sorted(NODES.values())


def test_only_one_reply_is_alive_at_a_time() -> None:
    alive: list[int] = []
    references: list[weakref.ref[RecordDict]] = []

    def on_reply(site: str, content: RecordDict) -> None:
        gc.collect()
        alive.append(sum(reference() is not None for reference in references))
        references.append(weakref.ref(content))

    ask(grid_of(lambda site, call: "ok"), on_reply)
    assert alive == [0, 0, 0]
