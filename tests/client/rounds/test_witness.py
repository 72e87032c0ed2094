"""Every accepted request leaves one whole line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from client.rounds.witness import bear_witness, remember_coordinator
from gmmas_core.software import Software, release
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


def test_a_line_names_what_both_sides_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMMAS_IMAGE", "site:1@sha256:aa")
    plan = replace(PLAN, core_fingerprint="cc", config_hash="dd")
    bear_witness(tmp_path, plan)
    remember_coordinator(tmp_path, Software(protocol=1, release="7.1", image="server:7.1"))
    bear_witness(tmp_path, plan)
    (tmp_path / "coordinator.json").write_text("[]")
    bear_witness(tmp_path, plan)
    said = [json.loads(line) for line in (tmp_path / "witness.jsonl").read_text().splitlines()]
    assert all(entry["site"] == {"release": release(), "image": "site:1@sha256:aa"} for entry in said)
    assert all((entry["core_fingerprint"], entry["config_hash"]) == ("cc", "dd") for entry in said)
    nobody = {"release": "", "image": ""}
    assert [entry["coordinator"] for entry in said] == [nobody, {"release": "7.1", "image": "server:7.1"}, nobody]
