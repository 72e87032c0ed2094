"""Every accepted request leaves one whole line."""

import json
from dataclasses import replace
from pathlib import Path

from client.witness import bear_witness
from gmmas_core.types import RoundPlan

PLAN = RoundPlan(
    run_id="aa",
    round=1,
    seed=0,
    weights_hash="",
    stage="supervised",
    local_steps=1,
    lr=1e-3,
    tasks=(),
    deadline_s=1.0,
    config_hash="",
    core_fingerprint="",
    ledger_head="h1",
)


def lines(folder: Path) -> list[tuple[str, int, str]]:
    entries = [json.loads(line) for line in (folder / "witness.jsonl").read_text().splitlines()]
    assert all(list(entry) == ["time", "run_id", "round", "ledger_head"] for entry in entries)
    return [(entry["run_id"], entry["round"], entry["ledger_head"]) for entry in entries]


def test_one_line_per_request(tmp_path: Path) -> None:
    bear_witness(tmp_path / "state", PLAN)
    bear_witness(tmp_path / "state", replace(PLAN, round=2, ledger_head="h2"))
    assert lines(tmp_path / "state") == [("aa", 1, "h1"), ("aa", 2, "h2")]


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    bear_witness(tmp_path, PLAN)
    with (tmp_path / "witness.jsonl").open("a") as file:
        file.write('{"time": "2026')
    bear_witness(tmp_path, replace(PLAN, round=2))
    assert lines(tmp_path) == [("aa", 1, "h1"), ("aa", 2, "h1")]
