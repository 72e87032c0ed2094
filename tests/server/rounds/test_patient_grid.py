"""A pull that does not return costs its own site the round and nobody else anything."""

import gc
import threading
import weakref
from collections.abc import Iterable, Iterator

import pytest
from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.clientapp import ClientApp
from flwr.supercore.run import RunNotRunningException

from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import Collected, collect, collect_late
from server.rounds.patient_grid import PatientGrid

NODES = {FIRST_NODE: "north", FIRST_NODE + 1: "east", FIRST_NODE + 2: "south"}


class CutOffGrid(InProcessGrid):
    """North's reply is announced and its pieces do not come, until they do: its pull blocks like Flower's."""

    def __init__(self) -> None:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            return Message(
                RecordDict({"reply": ConfigRecord({"site": str(context.node_config["name"])})}), reply_to=message
            )

        super().__init__(app, [{"name": name} for name in NODES.values()], workers=3)
        self.cut_off: set[str] = set()
        self.pieces = threading.Event()
        self.pulls = 0
        self.error: BaseException | None = None

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        kept = list(messages)
        ids = list(super().push_messages(kept))
        self.cut_off |= {id for id, one in zip(ids, kept, strict=True) if one.metadata.dst_node_id == FIRST_NODE}
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        (message_id,) = message_ids
        if message_id in self.cut_off:
            self.pulls += 1
            assert self.pieces.wait(60)
            if self.error is not None:
                raise self.error
        return super().pull_messages([message_id])


@pytest.fixture
def grid() -> Iterator[CutOffGrid]:
    grid = CutOffGrid()
    yield grid
    grid.pieces.set()  # nothing blocks after the test


def ask(grid: PatientGrid, *, hard_s: float, seen: list[str]) -> Collected:
    return collect(
        grid,
        RecordDict({"request": ConfigRecord({"round": 1})}),
        MessageType.TRAIN,
        NODES,
        group="1",
        deadlines=Deadlines(hard_s, hard_s),
        quorum=2,
        mandatory=(),
        poll_s=0.01,
        on_reply=lambda site, content: seen.append(site),
        watch=lambda kind, fields: None,
    )


def test_the_round_goes_on_without_the_site_and_its_late_reply_is_dropped(grid: CutOffGrid) -> None:
    patient, seen = PatientGrid(grid, 0.05), list[str]()
    outcome = ask(patient, hard_s=1.0, seen=seen)
    assert sorted(seen) == sorted(outcome.counted) == ["east", "south"]
    assert outcome.left_out == {"north": "no reply within 1 s"}
    assert outcome.late == ["north"]
    assert grid.pulls == 1  # asked for again and again, looked for once
    assert collect_late(patient, outcome.unanswered) == []
    grid.pieces.set()
    while not (late := collect_late(patient, outcome.unanswered)):
        assert outcome.unanswered
    assert late == ["north"]
    assert seen.count("north") == 0
    assert (outcome.unanswered, grid.pulls) == ({}, 1)


def test_a_pull_that_was_only_slow_still_counts(grid: CutOffGrid) -> None:
    timer = threading.Timer(0.3, grid.pieces.set)
    timer.start()
    seen: list[str] = []
    outcome = ask(PatientGrid(grid, 0.01), hard_s=60.0, seen=seen)
    timer.join()
    assert sorted(seen) == sorted(outcome.counted) == sorted(NODES.values())
    assert seen[-1] == "north"
    assert outcome.left_out == {}


def test_the_end_of_the_run_is_heard_through_a_slow_pull(grid: CutOffGrid) -> None:
    grid.error = RunNotRunningException()
    patient = PatientGrid(grid, 0.01)
    (message_id,) = patient.push_messages([Message(RecordDict(), FIRST_NODE, MessageType.TRAIN)])
    assert patient.pull_messages([message_id]) == []
    grid.pieces.set()
    with pytest.raises(RunNotRunningException):  # noqa: PT012
        while True:
            assert patient.pull_messages([message_id]) == []


def test_a_reply_handed_over_is_not_held(grid: CutOffGrid) -> None:
    patient = PatientGrid(grid)
    (message_id,) = patient.push_messages([Message(RecordDict(), FIRST_NODE + 1, MessageType.TRAIN)])
    while not (replies := list(patient.pull_messages([message_id]))):
        pass
    gone = weakref.ref(replies.pop())
    gc.collect()
    assert gone() is None
