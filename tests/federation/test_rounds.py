"""The collector against real Flower messages: errors, refusals, silence, outages and lost work, one reply at a time."""

import gc
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest
from flwr.app import ConfigRecord, Context, Error, Message, MessageType, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo
from flwr.supercore.run import RunNotRunningException

import server.rounds.exchange
import server.rounds.link
from gmmas_core.types import FederationError
from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import Collected, Refresh, collect, collect_late

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
            time.sleep(0.8)
        return Message(RecordDict({"reply": ConfigRecord({"site": site, "call": calls[site]})}), reply_to=message)

    return app


def ask(
    grid: InProcessGrid,
    on_reply: Callable[[str, RecordDict], None],
    *,
    soft_s: float = 20.0,
    hard_s: float = 20.0,
    quorum: int = 2,
    mandatory: Collection[str] = (),
    watch: Callable[[str, Mapping[str, Any]], None] = lambda kind, fields: None,
    refresh: Refresh | None = None,
) -> Collected:
    return collect(
        grid,
        RecordDict({"request": ConfigRecord({"round": 1})}),
        MessageType.TRAIN,
        NODES,
        group="1",
        deadlines=Deadlines(soft_s, hard_s),
        quorum=quorum,
        mandatory=mandatory,
        poll_s=0.01,
        on_reply=on_reply,
        watch=watch,
        refresh=refresh,
    )


def take(site: str, content: RecordDict) -> None:
    """Any reply will do."""


def grid_of(behaviour: Callable[[str, int], str], kind: type[InProcessGrid] = InProcessGrid) -> InProcessGrid:
    return kind(client_app(behaviour), [{"name": name} for name in NODES.values()], workers=3)


def test_everyone_answers_and_replies_map_to_their_site() -> None:
    seen: dict[str, str] = {}
    outcome = ask(grid_of(all_is_well), lambda site, c: seen.update({site: str(c["reply"]["site"])}))
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

    outcome = ask(grid_of(all_is_well), on_reply)
    assert outcome.left_out == {"south": "weights: found NaN; expected finite"}


def all_is_well(site: str, call: int) -> str:
    return "ok"


def north_is_slow(site: str, call: int) -> str:
    return "slow" if site == "north" else "ok"


def test_silence_ends_at_the_hard_deadline() -> None:
    started = time.monotonic()
    outcome = ask(grid_of(north_is_slow), take, soft_s=0.2, hard_s=0.5, quorum=3)
    assert 0.5 <= time.monotonic() - started < 0.75
    assert outcome.left_out == {"north": "no reply within 0.5 s"}
    assert outcome.late == ["north"]


def test_a_quorum_closes_the_round_at_the_soft_deadline_and_the_late_reply_is_dropped() -> None:
    seen: list[str] = []
    grid = grid_of(north_is_slow)
    started = time.monotonic()
    outcome = ask(grid, lambda site, content: seen.append(site), soft_s=0.3)
    assert 0.3 <= time.monotonic() - started < 0.7
    assert outcome.left_out == {"north": "no reply within 0.3 s"}
    assert all(0 < outcome.seconds[site] < 0.3 for site in ("east", "south"))
    unanswered = dict(outcome.unanswered)
    assert list(unanswered.values()) == ["north"]
    assert collect_late(grid, unanswered) == []
    time.sleep(0.8)
    assert collect_late(grid, unanswered) == ["north"]
    assert unanswered == {}
    assert sorted(seen) == ["east", "south"]


def test_a_mandatory_site_is_waited_for_beyond_the_soft_deadline() -> None:
    outcome = ask(grid_of(north_is_slow), take, soft_s=0.2, hard_s=10.0, mandatory=["north"])
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert outcome.seconds["north"] >= 0.8


def test_events_tell_the_story_of_the_round() -> None:
    events: list[tuple[str, Any]] = []
    ask(grid_of(north_is_slow), take, soft_s=0.2, watch=lambda kind, fields: events.append((kind, fields["site"])))
    assert events == [
        ("site-asked", "north"),
        ("site-asked", "east"),
        ("site-asked", "south"),
        ("site-left-out", "north"),
        ("site-late", "north"),
    ]


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
        grid_of(all_is_well, LosingGrid),
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
    grid = grid_of(lambda site, call: "slow" if (site, call) == ("north", 1) else "ok", RestartingGrid)
    outcome = ask(grid, take)
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert outcome.seconds["north"] < 0.8


def test_a_question_sent_twice_and_answered_twice_is_counted_once() -> None:
    counts: list[str] = []
    grid = grid_of(lambda site, call: "slow" if (site, call) == ("north", 1) else "ok", RestartingGrid)
    outcome = ask(grid, lambda site, content: counts.append(site))
    assert sorted(counts) == sorted(NODES.values())
    assert list(outcome.unanswered.values()) == ["north"]
    time.sleep(0.9)
    assert collect_late(grid, outcome.unanswered) == ["north"]


class StutteringGrid(InProcessGrid):
    """Every reply comes twice, now and at every later look."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        self.kept: dict[str, Message] = getattr(self, "kept", {})
        for key in message_ids:
            for reply in super().pull_messages([key]):
                self.kept[key] = reply
            if key in self.kept:
                yield from (self.kept[key], self.kept[key])


def test_the_same_reply_twice_is_counted_once() -> None:
    counts: list[str] = []
    outcome = ask(grid_of(all_is_well, StutteringGrid), lambda site, content: counts.append(site))
    assert sorted(counts) == sorted(outcome.counted) == sorted(NODES.values())


class MovingGrid(InProcessGrid):
    """North's node leaves with its question and the site comes back under another node id, without any error."""

    moved = False
    new = FIRST_NODE + 50

    def get_node_ids(self) -> Iterable[int]:
        self._contexts[self.new] = self._contexts[FIRST_NODE]
        return [node for node in self._contexts if node != (FIRST_NODE if self.moved else self.new)]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        (message,) = messages
        return ["lost"] if message.metadata.dst_node_id == FIRST_NODE else super().push_messages([message])


def test_a_site_that_comes_back_as_another_node_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.rounds.exchange, "REFRESH_S", 0.05)
    grid = grid_of(all_is_well, MovingGrid)
    asked: list[tuple[str, int]] = []

    def refresh() -> Mapping[int, str]:
        grid.moved = True  # type: ignore[attr-defined]
        return {MovingGrid.new: "north", FIRST_NODE + 1: "east", FIRST_NODE + 9: "stranger"}

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        asked.append((fields["site"], fields["sends"]))

    outcome = ask(grid, take, refresh=refresh, watch=watch)
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert asked == [("north", 1), ("east", 1), ("south", 1), ("north", 2)]
    assert outcome.unanswered == {"lost": "north"}


class BrokenLink(InProcessGrid):
    """A SuperLink that is away between two moments after the first question."""

    away = (0.0, 0.0)
    first: float | None = None

    def _check(self) -> None:
        self.first = self.first or time.monotonic()
        if self.away[0] <= time.monotonic() - self.first < self.away[1]:
            raise ConnectionError("refused")

    def get_nodes(self) -> Iterable[NodeInfo]:
        self._check()
        return super().get_nodes()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        self._check()
        return super().push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        self._check()
        return super().pull_messages(message_ids)


@pytest.mark.parametrize(("away", "behaviour"), [((0.0, 0.4), all_is_well), ((0.5, 0.7), north_is_slow)])
def test_a_round_outlives_an_outage_of_the_superlink(
    away: tuple[float, float], behaviour: Callable[[str, int], str]
) -> None:
    grid = grid_of(behaviour, BrokenLink)
    grid.away = away  # type: ignore[attr-defined]
    events: list[str] = []
    outcome = ask(grid, take, watch=lambda kind, fields: events.append(kind))
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert events.count("superlink-unreachable") == 1


def test_an_outage_that_lasts_ends_at_the_hard_deadline() -> None:
    grid = grid_of(all_is_well, BrokenLink)
    grid.away = (0.0, 1e9)  # type: ignore[attr-defined]
    events: list[str] = []
    started = time.monotonic()
    outcome = ask(grid, take, hard_s=0.5, watch=lambda kind, fields: events.append(kind))
    assert time.monotonic() - started < 1.0
    assert outcome.left_out == dict.fromkeys(NODES.values(), "no reply within 0.5 s")
    assert outcome.late == []
    assert events.count("superlink-unreachable") == 1


class BlockingGrid(InProcessGrid):
    """During an outage the deployment's grid does not raise: the call returns when the SuperLink is back."""

    blocked = False

    def get_nodes(self) -> Iterable[NodeInfo]:
        if not self.blocked:
            self.blocked = True
            time.sleep(0.4)
        return super().get_nodes()


def test_an_outage_inside_a_call_is_told_while_it_lasts_and_replies_still_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server.rounds.link, "SLOW_S", 0.1)
    told: list[float] = []
    started = time.monotonic()

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "superlink-unreachable":
            told.append(time.monotonic() - started)

    outcome = ask(grid_of(all_is_well, BlockingGrid), take, watch=watch)
    assert sorted(outcome.counted) == sorted(NODES.values())
    assert len(told) == 1
    assert told[0] < 0.35


class RubbishGrid(InProcessGrid):
    """North's reply cannot be turned into a message."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        for reply in super().pull_messages(message_ids):
            if reply.metadata.src_node_id == FIRST_NODE:
                kept: Future[Message] = Future()
                kept.set_result(reply)
                self._replies[reply.metadata.reply_to_message_id] = kept
                raise ValueError("odd bytes")
            yield reply


def test_a_reply_that_cannot_be_read_leaves_out_its_site_alone() -> None:
    outcome = ask(grid_of(all_is_well, RubbishGrid), take)
    assert sorted(outcome.counted) == ["east", "south"]
    assert outcome.left_out == {"north": "its reply cannot be read (ValueError)"}


class DeafGrid(InProcessGrid):
    """The SuperLink does not take messages for north."""

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return super().push_messages([m for m in messages if m.metadata.dst_node_id != FIRST_NODE])


def test_a_message_that_is_not_taken_leaves_out_its_site_alone() -> None:
    outcome = ask(grid_of(all_is_well, DeafGrid), take)
    assert sorted(outcome.counted) == ["east", "south"]
    assert "lost its work 4 times" in outcome.left_out["north"]


class EndedGrid(InProcessGrid):
    """Flower has declared the run over, as the deployment's grid says it."""

    def get_nodes(self) -> Iterable[NodeInfo]:
        raise RunNotRunningException


def test_a_run_that_flower_has_ended_is_not_waited_for() -> None:
    with pytest.raises(RunNotRunningException):
        ask(grid_of(all_is_well, EndedGrid), take)


def test_only_one_reply_is_alive_at_a_time() -> None:
    alive: list[int] = []
    references: list[weakref.ref[RecordDict]] = []

    def on_reply(site: str, content: RecordDict) -> None:
        gc.collect()
        alive.append(sum(reference() is not None for reference in references))
        references.append(weakref.ref(content))

    ask(grid_of(all_is_well), on_reply)
    assert alive == [0, 0, 0]
