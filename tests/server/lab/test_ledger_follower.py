"""A follower tells what is new, in whole lines, and how the run ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.lab.ledger_follower import LedgerFollower
from server.ledger import Ledger


def follower_of(path: Path) -> tuple[LedgerFollower, list[tuple[str, Mapping[str, Any]]]]:
    seen: list[tuple[str, Mapping[str, Any]]] = []
    return LedgerFollower(path, lambda kind, fields: seen.append((kind, fields))), seen


def add_round(ledger: Ledger, number: int) -> None:
    sites = {"north": {"duration_s": 1.5}, "east": {"duration_s": 2.5}}
    ledger.append(
        "round", round=number, stage="supervised", lr=1e-3, duration_s=3.0, sites=sites, left_out={"south": "no reply"}
    )


def test_a_ledger_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    follower, seen = follower_of(tmp_path / "ledger.jsonl")
    follower.follow()
    add_round(Ledger(tmp_path / "ledger.jsonl"), 1)
    follower.follow()
    follower.follow()
    assert [kind for kind, _ in seen] == ["round-started", "site-counted", "site-counted", "round-finished"]
    assert seen[-1][1] == {"round": 1, "duration_s": 3.0, "left_out": {"south": "no reply"}}


def test_an_earlier_attempt_is_not_told_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("failed", reason="FederationError: round 1: too few")
    follower, seen = follower_of(ledger.path)
    ledger.append("resumed", round=1)
    follower.follow()
    assert seen == [("resumed", {"round": 1})]
    assert not follower.has_ended


def test_half_a_line_is_left_for_the_next_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    follower, seen = follower_of(ledger.path)
    ledger.append("resumed", round=2)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-5])
    follower.follow()
    assert seen == []
    ledger.path.write_bytes(whole)
    follower.follow()
    assert seen == [("resumed", {"round": 2})]


def test_the_reason_of_a_failure_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    follower, _ = follower_of(ledger.path)
    ledger.append("failed", reason="FederationError: round 1: found 1 good replies; expected 2")
    follower.follow()
    assert follower.has_ended
    assert follower.failure == "round 1: found 1 good replies; expected 2"
