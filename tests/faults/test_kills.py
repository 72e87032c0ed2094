"""kill -9 of every process of a federation: the run ends by itself, with the weights of an undisturbed run."""

import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(1200)]

ALL = ["east", "north", "south"]


def sites_of(entry: dict[str, Any]) -> list[str]:
    return sorted(entry["sites"])


def test_serverapp_supernode_and_a_messages_process(
    federation: Any, overrides: Sequence[str], undisturbed: str
) -> None:
    """One per round, each in the middle of a site's training."""
    launcher = federation.launch(*overrides)
    half = federation.frozen_in_round(1, "south")
    federation.server_app().kill()
    half.send_signal(signal.SIGCONT)
    federation.wait_for_event("resumed", round=0)

    federation.wait_for_event("round-finished", round=1)
    federation.frozen_in_round(2, "north")
    federation.node("north").kill()

    federation.wait_for_event("round-finished", round=2)
    federation.frozen_in_round(3, "east").kill()

    federation.require_same_end(launcher, undisturbed)
    assert federation.flower_runs() == 2
    assert [entry["round"] for entry in federation.entries("resumed")] == [0]
    rounds = federation.entries("round")
    assert [sites_of(entry) for entry in rounds] == [ALL] * 3
    assert [entry["left_out"] for entry in rounds] == [{}] * 3


def test_launcher_and_superlink(federation: Any, overrides: Sequence[str], undisturbed: str, outage_s: float) -> None:
    """The launcher dies and its successor finds the run at work; then the SuperLink is away beyond Flower's leases."""
    first = federation.launch(*overrides)
    half = federation.frozen_in_round(1, "south")
    first.process.kill()
    second = federation.resume()
    time.sleep(5)  # long enough for a submission, if it made that mistake
    half.send_signal(signal.SIGCONT)

    federation.wait_for_event("round-finished", round=1)
    assert federation.flower_runs() == 1
    federation.frozen_in_round(2, "north")
    federation.superlink.process.kill()
    time.sleep(outage_s)
    assert not second.has_ended()
    federation.superlink.launch()

    federation.require_same_end(second, undisturbed)
    assert federation.flower_runs() == 2
    assert [entry["round"] for entry in federation.entries("resumed")] == [1]
    assert [sites_of(entry) for entry in federation.entries("round")] == [ALL] * 3
