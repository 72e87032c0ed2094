"""A follower tells what is new, in whole lines, and how the run ended by its own account."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from server.ledger import Ledger
from server.records.progress_log import ProgressLog
from server.records.run_folder import RunFolder
from server.records.run_follower import RunFollower, Verdict

Seen = list[tuple[str, Mapping[str, Any]]]


def follower_of(folder: Path) -> tuple[RunFollower, Seen]:
    seen: Seen = []
    return RunFollower(RunFolder(folder), lambda kind, fields: seen.append((kind, fields))), seen


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    follower, seen = follower_of(folder.path)
    follower.follow()
    ProgressLog(folder.progress)("round-started", {"round": 1})
    follower.follow()
    follower.follow()
    assert seen == [("round-started", {"round": 1})]
    assert follower.verdict is None


def test_an_earlier_attempt_is_not_told_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ledger, progress = Ledger(folder.ledger), ProgressLog(folder.progress)
    ledger.append("failed", reason="FederationError: round 1: too few")
    progress("failed", {"reason": "too few"})
    follower, seen = follower_of(tmp_path)
    assert follower.verdict is None
    assert follower.last_verdict == Verdict("failed", "round 1: too few", True)
    ledger.append("resumed", round=1)
    progress("resumed", {"round": 1})
    follower.follow()
    assert seen == [("resumed", {"round": 1})]
    assert follower.verdict is None
    assert follower.last_verdict is None


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("failed", {"reason": "FederationError: round 1: found 1"}, Verdict("failed", "round 1: found 1", True)),
        ("failed", {"reason": "ConfigError: rounds: found -1"}, Verdict("failed", "rounds: found -1", True)),
        ("failed", {"reason": "ConnectError: refused"}, Verdict("failed", "ConnectError: refused", False)),
        ("paused", {"reason": "order: pause"}, Verdict("paused", "order: pause", True)),
        ("judged", {"passed": True, "statement": "fine"}, Verdict("completed", "", True)),
        ("judged", {"passed": False, "statement": "worse"}, Verdict("failed", "acceptance: worse", True)),
    ],
)
def test_how_a_run_ends(tmp_path: Path, kind: str, fields: dict[str, Any], expected: Verdict) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    follower, _ = follower_of(tmp_path)
    ledger.append(kind, **fields)
    follower.follow()
    assert follower.verdict == follower.last_verdict == expected
    follower.new_attempt()
    assert follower.verdict is None


def test_progress_counts_rounds_and_evaluations_only(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    follower, _ = follower_of(tmp_path)
    for kind in ("begun", "enlisted", "round", "resumed", "enlisted", "evaluation", "failed"):
        ledger.append(kind, **({"reason": "X: y"} if kind == "failed" else {}))
    follower.follow()
    assert follower.progress == 2
