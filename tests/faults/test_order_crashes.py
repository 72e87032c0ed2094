"""A coordinator dies between any two steps of taking orders: none is lost, none is obeyed twice.

The steps in memory are ended by an exception; those on disk, every write of them, by kill -9 of a fork.
"""

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import server.rounds.between
from server.launching.orders import FIELDS, SET_ASIDE, place_order, take_orders
from server.ledger import Ledger, verify
from server.records.run_folder import RunFolder
from server.rounds.between import between_rounds, repeat_orders
from server.run import Memory, RunPaused

EARLIER = f"{9 * 10**19}-0123abcd.json"  # the name of an order of an earlier day, by a clock that was ahead
HOSTILE = f"{2:020d}-0123abcd.json"  # that of a file that is no order


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def _nobody_online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.rounds.between, "refresh_sites", lambda run: {})


def prepared(path: Path) -> RunFolder:
    """West is in quarantine; south is to follow, west to be readmitted, and then the run is to stop."""
    folder = RunFolder(path / "run")
    quarantine = {"kind": "quarantine", "placed_at": "then", "site": "west", "reason": "moved"}
    Ledger(folder.ledger).append("order", id=EARLIER, order=quarantine)
    place_order(folder, "quarantine", site="south", reason="scanner under repair")
    place_order(folder, "readmit", site="west")
    place_order(folder, "stop")
    # The earlier one's file outlived a crash; obeyed again, it would undo the readmission.
    (folder.orders / EARLIER).write_text(json.dumps(quarantine))
    (folder.orders / HOSTILE).write_text("no order")
    place_order(RunFolder(path / "other"), "stop")
    return folder


def coordinator(folder: RunFolder) -> Memory:
    """What a coordinator does about orders from its start until its first round; what it then remembers."""
    run: Any = SimpleNamespace(folder=folder, ledger=Ledger(folder.ledger), memory=Memory(), grid=None, unanswered={})
    run.ledger.append("resumed", round=0)
    try:
        repeat_orders(run.memory.screen, run.ledger, 0)
        between_rounds(run)
    except RunPaused as pause:
        run.ledger.append("paused", reason=str(pause))
    memory: Memory = run.memory
    return memory


def require_obeyed_once(folder: RunFolder) -> None:
    """The next coordinators find every order obeyed, or obey it; the one after them stands where they stood."""
    assert [coordinator(folder).screen.quarantined for _ in range(2)] == [{"south": "scanner under repair"}] * 2
    entries = list(Ledger(folder.ledger).entries())
    assert verify(folder.ledger) == []
    orders = [entry["order"]["kind"] for entry in entries if entry["kind"] == "order"]
    assert orders == ["quarantine", "quarantine", "readmit", "stop"]
    assert [entry["reason"].split(";")[0] for entry in entries if entry["kind"] == "paused"] == ["order: stop"]
    assert [path.name for path in folder.orders.iterdir()] == [HOSTILE + SET_ASIDE]
    assert len(list(RunFolder(folder.path.parent / "other").orders.glob("*.json"))) == 1


STEPS = {
    "line": (Ledger, "append"),
    "removal": (Path, "unlink"),
    "obedience": (server.rounds.between, "apply_to_screen"),
    "late": (server.rounds.between, "collect_late"),
    "pause": (server.rounds.between, "_pause_if_told"),
}


def crashes_at(folder: RunFolder, step: str, when: str, number: int) -> bool:
    """End a coordinator before or after the n-th time (from 0) that it does a step; whether it did it so often."""
    owner, name = STEPS[step]
    real, left = getattr(owner, name), [number]

    def crashing(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == -1 and when == "before":
            raise Crash
        done = real(*arguments, **named)
        if left[0] == -1:
            raise Crash
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, crashing)
        try:
            coordinator(folder)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_an_end_at_any_step_loses_no_order_and_repeats_none(step: str, when: str, tmp_path: Path) -> None:
    for number in count():
        folder = prepared(tmp_path / str(number))
        crashed = crashes_at(folder, step, when, number)
        require_obeyed_once(folder)
        if not crashed:
            break
    # "resumed", three orders and "paused"; three of them and the earlier one; that one's line, and three that it leads
    assert number >= {"line": 5, "removal": 4, "obedience": 4, "late": 1}.get(step, 1)


@pytest.mark.slow
def test_kill_at_any_write_loses_no_order_and_repeats_none(power: Any, tmp_path: Path) -> None:
    counted = prepared(tmp_path / "counted")
    writes = power.writes_of(lambda: coordinator(counted))
    assert [write.name for write in writes if write.path.endswith(".json")] == ["replace", *["unlink"] * 4]
    for k, half in power.cases(writes):
        folder = prepared(tmp_path / f"{k}-{half}")
        assert power.cut_at(k, half, lambda folder=folder: coordinator(folder))
        require_obeyed_once(folder)


def test_kill_while_an_order_is_placed_leaves_it_whole_or_not_there(power: Any, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ledger = Ledger(folder.ledger)
    writes = power.writes_of(lambda: place_order(folder, "stop"))
    assert {"open", "fsync", "replace"} <= {write.name for write in writes}
    assert len(take_orders(folder, ledger)) == 1
    for k, write in enumerate(writes):
        assert power.cut_at(k, False, lambda: place_order(folder, "stop"))
        placed = k > [each.name for each in writes].index("replace")
        assert len(take_orders(folder, ledger)) == placed, write
    assert not list(folder.orders.glob(f"*{SET_ASIDE}"))


@pytest.mark.parametrize("kind", [kind for kind, fields in FIELDS.items() if not fields])
def test_a_pause_that_a_crash_prevented_is_made_up_for_once(kind: str, tmp_path: Path) -> None:
    """The line says that it was taken, and none that the run paused: the next start need not be a person's resume."""
    folder = RunFolder(tmp_path)
    ledger = Ledger(folder.ledger)
    ledger.append("order", id=EARLIER, order={"kind": kind, "placed_at": "then"})
    for _ in range(3):
        coordinator(folder)
    kinds = [entry["kind"] for entry in Ledger(folder.ledger).entries()]
    assert kinds == ["order", "resumed", "paused", "resumed", "resumed"]
