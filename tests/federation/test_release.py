"""The end of a run in one process: the last round is scored on validation, the best round is the candidate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.checkpoint import load_model
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.provenance import core_fingerprint
from gmmas_core.signing import make_key, read_private_key, read_public_key, verify_folder
from gmmas_core.types import FederationError
from gmmas_core.weights import load_weights, weights_hash, weights_of
from server.ledger import Ledger, verify
from server.records.checkpoints import read_checkpoint
from server.records.run_folder import RunFolder
from server.release.best_round import history_of, in_order, scores_of
from server.release.releases import choose, publish

Play = Callable[..., dict[str, Any]]
SPLITS = ("data.validation_share=0.25", "data.holdout_share=0.25", "evaluation.max_validation_cases=8")


@pytest.mark.slow
def test_the_candidate_is_the_best_round_on_validation_and_can_be_released(play: Play, tmp_path: Path) -> None:
    report = play("rounds=3", *SPLITS)
    folder = RunFolder(tmp_path / "run")
    entries = list(Ledger(folder.ledger).entries())
    history = history_of(entries)
    (released,) = (entry for entry in entries if entry["kind"] == "released")
    (last,) = (entry for entry in history.evaluations if entry["split"] == "validation")
    assert last["round"] == 3
    tasks = load_model(folder.model).config.task_list
    scores = scores_of(history, tasks)
    assert [score.set_aside for score in scores] == ["", "", ""]
    best = max(scores, key=lambda score: (score.score or 0.0, score.round)).round
    assert released["round"] == best == in_order(scores, history)[0]
    assert [part["round"] for part in released["validation"]] == [1, 2, 3]
    (holdout,) = (part for part in report["evaluations"] if (part["model"], part["split"]) == ("global", "holdout"))
    assert holdout["round"] == best
    checkpoint = read_checkpoint(folder.checkpoints / f"round-{best:06d}")
    assert weights_hash(weights_of(load_model(folder.model).model)) == weights_hash(checkpoint.weights)

    make_key(tmp_path / "key")
    key = read_private_key(tmp_path / "key")
    assert choose(folder, None).round == best
    with pytest.raises(FederationError, match="worst-site-dice"):  # six steps teach nothing
        publish(folder, key)
    line = publish(folder, key, override="Ada Example: walks the whole path in a test")
    about = verify_folder(folder.releases / "v1", read_public_key(tmp_path / "key.pub"))
    assert about["model_id"] == line["model_id"] == load_model(folder.model).model_id == released["model_id"]
    assert verify(folder.ledger) == []


@pytest.mark.slow
def test_a_single_round_needs_no_further_message(play: Play, tmp_path: Path) -> None:
    report = play("rounds=1", *SPLITS)
    assert [part["split"] for part in report["evaluations"]] == ["holdout"]
    entries = list(Ledger(RunFolder(tmp_path / "run").ledger).entries())
    (released,) = (entry for entry in entries if entry["kind"] == "released")
    assert (released["round"], released["calibrated_in"]) == (1, None)
    assert released["validation"][0]["set_aside"] == "not scored on validation cases"


@pytest.mark.slow
def test_the_released_network_has_the_runs_own_fingerprint(play: Play, tmp_path: Path) -> None:
    play("rounds=1")
    folder = RunFolder(tmp_path / "run")
    begun = next(iter(Ledger(folder.ledger).entries()))
    config = load_model(folder.model).config
    model = build_training_model(config)
    load_weights(model, dict(read_checkpoint(folder.checkpoints / "round-000001").weights))
    assert core_fingerprint(model, config).digest == begun["fingerprint"]
