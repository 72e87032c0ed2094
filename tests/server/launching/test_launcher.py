"""One run for the user: when it is submitted again, when it is not, and whom it never disturbs.

The SuperLink is a stand-in, because the real one takes a minute per case (tests/faults); the run folder, its lock and
its ledger are real, and each stand-in coordinator holds them from a thread of its own.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.types import ConfigError, FederationError
from server.launching import launcher, stop_run
from server.launching.flower_commands import GONE, SuperLink
from server.launching.launch_plan import LaunchPlan, read_plan, run_config
from server.launching.launcher import Launcher, is_held, is_launched, sole_launcher
from server.launching.orders import take_orders
from server.ledger import Ledger
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock
from server.run import RunPaused

Coordinator = Callable[[Ledger], None]


def completes(ledger: Ledger) -> None:
    ledger.append("round", round=1)
    ledger.append("judged", passed=True, statement="fine")


def advances_and_dies(ledger: Ledger) -> None:
    ledger.append("round", round=1)


def dies(ledger: Ledger) -> None:
    ledger.append("resumed", round=0)


def ends_with(kind: str, reason: str) -> Coordinator:
    return lambda ledger: ledger.append(kind, reason=reason) and None


class StandIn:
    """A SuperLink whose n-th run is the n-th coordinator; the last one is used for all that follow."""

    def __init__(self, folder: RunFolder, *coordinators: Coordinator) -> None:
        self.folder = folder
        self.coordinators = coordinators
        self.submitted: list[threading.Thread] = []
        self.stopped: list[str] = []
        self.status_of_dead = "running"
        self.away_for = 0

    def is_healthy(self) -> bool:
        self.away_for -= 1
        return self.away_for < 0

    def submit(self, run_config: Mapping[str, str]) -> str:
        assert run_config["run-dir"] == str(self.folder.path.resolve())
        assert not is_held(self.folder)
        number = len(self.submitted)
        work = self.coordinators[min(number, len(self.coordinators) - 1)]
        thread = threading.Thread(target=self.coordinate, args=(work,))
        self.submitted.append(thread)
        thread.start()
        return str(number)

    def status(self, run_id: str) -> tuple[str, str]:
        return self.status_of_dead, "said Flower"

    def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)

    def coordinate(self, work: Coordinator) -> None:
        with run_lock(self.folder.path):
            time.sleep(0.1)
            work(Ledger(self.folder.ledger))


PLAN = LaunchPlan(overrides=("rounds=1",), superlink="127.0.0.1:1", root_certificates=None)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (launcher, stop_run):
        monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(launcher, "STATUS_EVERY_S", 0.3)
    monkeypatch.setattr(launcher, "LONGEST_PAUSE_S", 0.01)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.report_json.write_text('{"rounds": []}')
    folder.report_html.write_text("<html>")
    return folder


def play(link: StandIn, plan: LaunchPlan = PLAN, events: list[str] | None = None) -> dict[str, Any]:
    seen = [] if events is None else events
    with sole_launcher(link.folder):
        return Launcher(link.folder, plan, link, lambda kind, _: seen.append(kind), lambda: None).play()  # type: ignore[arg-type]


def test_a_run_that_goes_well_is_submitted_once(folder: RunFolder) -> None:
    link = StandIn(folder, completes)
    assert play(link) == {"rounds": []}
    assert len(link.submitted) == 1
    assert link.stopped == []
    assert read_plan(folder).flower_runs == ("0",)


def test_a_run_whose_process_dies_is_submitted_again(folder: RunFolder) -> None:
    link, events = StandIn(folder, advances_and_dies, dies, completes), list[str]()
    assert play(link, events=events) == {"rounds": []}
    assert len(link.submitted) == 3
    assert link.stopped == ["0", "1"]  # Flower still believes in them
    assert [kind for kind in events if kind in ("submitted", "lost")] == ["submitted", "lost"] * 2 + ["submitted"]
    assert read_plan(folder).flower_runs == ("0", "1", "2")


@pytest.mark.parametrize("reason", ["FederationError: round 1: found 1", "ConfigError: rounds: found -1"])
def test_a_run_that_failed_by_its_own_account_is_not(folder: RunFolder, reason: str) -> None:
    link = StandIn(folder, ends_with("failed", reason))
    with pytest.raises(FederationError, match=reason.partition(": ")[2]):
        play(link)
    assert len(link.submitted) == 1


def test_a_run_that_failed_of_something_around_it_is_submitted_again(folder: RunFolder) -> None:
    link = StandIn(folder, ends_with("failed", "ConnectError: connection refused"), completes)
    play(link)
    assert len(link.submitted) == 2


def test_a_paused_run_is_left_to_a_person(folder: RunFolder) -> None:
    link = StandIn(folder, ends_with("paused", "order: pause"))
    with pytest.raises(RunPaused, match="order: pause"):
        play(link)
    assert len(link.submitted) == 1


def test_a_run_stopped_by_flower_is_left_to_a_person(folder: RunFolder) -> None:
    link = StandIn(folder, advances_and_dies)
    link.status_of_dead = "finished:stopped"
    with pytest.raises(RunPaused, match="flwr stop"):
        play(link)
    assert len(link.submitted) == 1


def test_a_run_without_progress_is_given_up(folder: RunFolder) -> None:
    link = StandIn(folder, advances_and_dies, dies)
    with pytest.raises(FederationError, match=r"found 6 attempts in a row without a new round.*without a word"):
        play(link)
    assert len(link.submitted) == 7


def test_a_run_that_never_begins_is_submitted_again_when_flower_has_lost_it(folder: RunFolder) -> None:
    link = StandIn(folder, completes)
    begin, link.coordinate = link.coordinate, lambda work: None  # type: ignore[method-assign]
    link.status_of_dead = GONE
    events: list[str] = []

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        events.append(kind)
        link.coordinate = begin  # type: ignore[method-assign]

    with sole_launcher(folder):
        Launcher(folder, PLAN, link, watch, lambda: None).play()  # type: ignore[arg-type]
    assert len(link.submitted) == 2
    assert events[:2] == ["submitted", "lost"]


def test_a_coordinator_at_work_is_followed_and_not_disturbed(folder: RunFolder) -> None:
    link = StandIn(folder, completes)
    may_end = threading.Event()

    def waits(ledger: Ledger) -> None:
        may_end.wait(60)
        completes(ledger)

    thread = threading.Thread(target=link.coordinate, args=(waits,))
    thread.start()
    while not is_held(folder):
        time.sleep(0.01)
    threading.Timer(0.3, may_end.set).start()
    assert play(link) == {"rounds": []}
    assert link.submitted == []


def test_a_run_that_ended_while_nobody_looked_is_not_played_again(folder: RunFolder) -> None:
    completes(Ledger(folder.ledger))
    link = StandIn(folder, dies)
    assert play(link) == {"rounds": []}
    assert link.submitted == []


def test_a_superlink_that_is_away_is_waited_for(folder: RunFolder) -> None:
    link, events = StandIn(folder, completes), list[str]()
    link.away_for = 5
    play(link, events=events)
    assert events[:2] == ["superlink-lost", "superlink-back"]


def test_a_superlink_that_never_answered_is_a_mistake(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "FIRST_ANSWER_S", 0.05)
    link = StandIn(folder, completes)
    link.away_for = 10**6
    with pytest.raises(FederationError, match=r"SuperLink: found no answer at 127.0.0.1:1 .*expected one"):
        play(link)


def test_a_second_launcher_is_refused(folder: RunFolder) -> None:
    with sole_launcher(folder):
        assert is_launched(folder)
        with pytest.raises(FederationError, match="found another launcher"), sole_launcher(folder):
            pass
    assert not is_launched(folder)


@pytest.fixture
def obedient(folder: RunFolder) -> StandIn:
    link = StandIn(folder, completes)

    def obeys(ledger: Ledger) -> None:
        deadline = time.monotonic() + 60
        while not (orders := take_orders(folder, ledger)) and time.monotonic() < deadline:
            time.sleep(0.01)
        ledger.append("paused", reason=f"order: {orders[0]['kind']}")

    link.coordinators = (obeys,)
    return link


def test_stop_is_an_order_that_the_run_obeys(folder: RunFolder, obedient: StandIn) -> None:
    ended: list[BaseException] = []

    def launched() -> None:
        try:
            play(obedient)
        except RunPaused as pause:
            ended.append(pause)

    thread = threading.Thread(target=launched)
    thread.start()
    while not is_held(folder):
        time.sleep(0.01)
    assert stop_run.stop_run(folder, 10) == "stopped between two rounds"
    thread.join()
    assert str(ended[0]) == "order: stop"
    assert len(obedient.submitted) == 1
    assert list(folder.orders.glob("*.json")) == []
    with pytest.raises(FederationError, match="found nobody at work"):
        stop_run.stop_run(folder, 1)


def test_what_was_launched_can_be_read_back(folder: RunFolder) -> None:
    plan = LaunchPlan(overrides=("a=b c", "d='e'"), superlink="link:8000", root_certificates="/ca.crt")
    plan.with_run("7").with_run("8").save(folder)
    assert read_plan(folder) == LaunchPlan(
        overrides=("a=b c", "d='e'"), superlink="link:8000", root_certificates="/ca.crt", flower_runs=("7", "8")
    )
    (folder.path / "launch.json").write_text(json.dumps({"overrides": []}))
    with pytest.raises(FederationError, match=r"run run: found no readable launch\.json; expected"):
        read_plan(folder)


def test_the_strings_of_a_run_keep_spaces_and_quotes(folder: RunFolder) -> None:
    import shlex

    others = ["data.root=a b", "notice='it''s'"]
    config = run_config(["experiment=smoke", *others], folder)
    assert config["experiment"] == "smoke"
    assert shlex.split(config["overrides"]) == others
    assert run_config(others, folder)["experiment"] == "null"


def test_an_impossible_superlink_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--superlink: found 'link'; expected HOST:PORT"):
        SuperLink("link", None, tmp_path)
    with pytest.raises(ConfigError, match="--root-certificates: found no such file"):
        SuperLink("link:1", tmp_path / "none", tmp_path)


def test_a_superlink_that_is_not_there_is_unhealthy(tmp_path: Path) -> None:
    assert not SuperLink("127.0.0.1:9", None, tmp_path).is_healthy()
