"""The whole main job, in one process, with the real apps, real network and real files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.app import app as client_app
from gmmas_core.checkpoint import load_model
from gmmas_core.config import load_config
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import ConfigError, FederationError
from gmmas_core.weights import weights_hash, weights_of
from server.app import run_federation
from server.lab.engines import in_process
from server.lab.in_process_grid import InProcessGrid
from server.ledger import Ledger, verify
from server.records.checkpoints import newest_valid, read_checkpoint
from server.records.run_folder import RunFolder
from server.run import RunPaused, open_run

Play = Callable[..., dict[str, Any]]


def stored_reply(site: Path, number: int) -> dict[str, np.ndarray]:
    """The weights a site sent in a round, from its own store."""
    from safetensors.numpy import load_file

    (path,) = (site / ".gmmas" / "replies").glob(f"*/{number:05d}-*.safetensors")
    return load_file(path)


@pytest.fixture
def fresh_sites(sites: list[Path]) -> list[Path]:
    """The sites without replies of earlier tests."""
    import shutil

    for site in sites:
        shutil.rmtree(site / ".gmmas" / "replies", ignore_errors=True)
    return sites


def test_a_run_leaves_model_report_and_an_intact_ledger(play: Play, tmp_path: Path) -> None:
    report = play("rounds=2")
    folder = RunFolder(tmp_path / "run")
    assert report == json.loads(folder.report_json.read_text())
    assert [entry["round"] for entry in report["rounds"]] == [1, 2]
    assert all(sorted(entry["sites"]) == ["east", "north", "south"] for entry in report["rounds"])
    assert report["evaluations"][-1]["pooled"]["segmentation"]["wt"]["n"] > 0
    assert "<html" in folder.report_html.read_text()
    assert "Research use only" in folder.report_html.read_text()
    assert verify(folder.ledger) == []
    assert list(folder.events.iterdir())
    loaded = load_model(folder.model)
    chosen = read_checkpoint(folder.checkpoints / f"round-{loaded.provenance['training']['rounds']:06d}")
    assert weights_hash(weights_of(loaded.model)) == weights_hash(chosen.weights)


def test_a_round_is_the_masked_mean_of_what_the_sites_sent(play: Play, fresh_sites: list[Path], tmp_path: Path) -> None:
    report = play("rounds=1")
    sent = {site.name: stored_reply(site, 1) for site in fresh_sites}
    weights = {site: part["weights"] for site, part in report["rounds"][0]["sites"].items()}
    checkpoint = newest_valid(RunFolder(tmp_path / "run").checkpoints)
    assert checkpoint is not None
    for name, value in checkpoint.weights.items():
        shares = {site: weights[site][group_of(name)] for site in sent}
        total = sum(shares.values())
        if total == 0:
            continue
        mean = sum(share * sent[site][name].astype(np.float64) for site, share in shares.items()) / total
        np.testing.assert_allclose(value, mean, rtol=0, atol=1e-6, err_msg=name)
    assert weights["south"]["stem.t1"] == 0
    assert weights["south"]["head.codel_1p19q"] == 0
    assert weights["north"]["stem.t1"] > 0


def test_the_same_run_twice_gives_the_same_bytes(play: Play, fresh_sites: list[Path], tmp_path: Path) -> None:
    hashes = []
    for name in ("first", "second"):
        play("rounds=1", folder=tmp_path / name)
        checkpoint = newest_valid(RunFolder(tmp_path / name).checkpoints)
        assert checkpoint is not None
        hashes.append(weights_hash(checkpoint.weights))
    assert hashes[0] == hashes[1]


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    play: Play, sites: list[Path], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    play("rounds=2", folder=tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop_after_round_1(kind: str, fields: Any) -> None:
        if kind == "round-finished":
            raise Stop

    with pytest.raises(Stop):
        in_process(sites, [*overrides, "rounds=2"], RunFolder(tmp_path / "cut"), stop_after_round_1)
    play("rounds=2", folder=tmp_path / "cut")
    whole, cut = (newest_valid(RunFolder(tmp_path / name).checkpoints) for name in ("whole", "cut"))
    assert whole is not None
    assert cut is not None
    assert cut.round == 2
    assert weights_hash(whole.weights) == weights_hash(cut.weights)


def test_a_resumed_run_knows_the_last_step(play: Play, overrides: tuple[str, ...], tmp_path: Path) -> None:
    play("rounds=2")
    folder = RunFolder(tmp_path / "run")
    before, after = (read_checkpoint(folder.checkpoints / f"round-00000{number}").weights for number in (1, 2))
    chosen = [*overrides, "rounds=2"]
    run = open_run(InProcessGrid(client_app, []), load_config(chosen), chosen, folder, lambda kind, fields: None)
    assert run.memory.last_step.keys() == after.keys()
    assert any(step.any() for step in run.memory.last_step.values())
    for name, step in run.memory.last_step.items():
        np.testing.assert_array_equal(step, after[name] - before[name])


def test_a_run_folder_of_another_configuration_is_refused(play: Play, tmp_path: Path) -> None:
    play("rounds=1")
    with pytest.raises(FederationError, match="another configuration"):
        play("rounds=1", "training.lr=1e-5")


def test_too_few_good_replies_end_the_run_loudly(play: Play, sites: list[Path]) -> None:
    floors = {}
    for site in sites[:2]:
        floors[site] = (site / "site.yaml").read_text()
        (site / "site.yaml").write_text(floors[site].replace("cohort_floor: 1", "cohort_floor: 500"))
    try:
        with pytest.raises(FederationError, match=r"found 1 good replies; expected the quorum of 2.*cohort floor"):
            play("rounds=1")
    finally:
        for site, text in floors.items():
            (site / "site.yaml").write_text(text)


def test_a_site_with_other_code_is_named_and_kept_out(
    sites: list[Path], overrides: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coordinator's table of sources differs by one file: no site fits, and the message says which part."""
    from dataclasses import replace

    import server.run
    from gmmas_core.provenance import core_fingerprint

    def other(*args: Any) -> Any:
        print_ = core_fingerprint(*args)
        return replace(print_, source={**print_.source, "losses.py": "0" * 16})

    monkeypatch.setattr(server.run, "core_fingerprint", other)
    with pytest.raises(FederationError, match="another source"):
        in_process(sites, [*overrides, "rounds=1"], RunFolder(tmp_path / "run"), lambda *_: None)


def test_a_missing_site_is_waited_for_and_then_reported(overrides: tuple[str, ...], tmp_path: Path) -> None:
    grid = InProcessGrid(client_app, [{}])
    with pytest.raises(FederationError, match="found 1 sites online; expected at least 3"):
        run_federation(grid, [*overrides, "federation.start_timeout_s=0.1"], RunFolder(tmp_path), lambda *_: None)


def test_local_only_models_are_scored_beside_the_global_one(play: Play) -> None:
    report = play("rounds=1", "evaluation.local_only=true")
    assert [entry["model"] for entry in report["evaluations"]] == ["global", "local_only"]


def test_a_failed_acceptance_check_is_an_error_but_loses_nothing(play: Play, tmp_path: Path) -> None:
    with pytest.raises(FederationError, match="acceptance"):
        play("rounds=1", "acceptance.check=learns_training_cases", "acceptance.split=train", "training.lr=1e-9")
    folder = RunFolder(tmp_path / "run")
    assert json.loads(folder.report_json.read_text())["acceptance"]["passed"] is False
    assert load_model(folder.model).model_id


def test_an_unknown_check_is_refused_before_anything_is_trained(play: Play, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="beats_untrained"):
        play("rounds=1", "acceptance.check=wins")
    assert newest_valid(RunFolder(tmp_path / "run").checkpoints) is None


def test_a_strategy_that_needs_more_sites_makes_the_round_void_and_the_run_pause(play: Play, tmp_path: Path) -> None:
    with pytest.raises(RunPaused, match=r"round 1: .*tried 1 times"):
        play("rounds=1", "strategy=krum", "federation.void_repeats=0")
    kinds = [entry["kind"] for entry in Ledger(RunFolder(tmp_path / "run").ledger).entries()]
    assert kinds[-2:] == ["round-void", "paused"]
    assert newest_valid(RunFolder(tmp_path / "run").checkpoints) is None
