"""A report's curves as (key, value, step): the same in TensorBoard and MLflow."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gmmas_core.types import FederationError
from server.records.mlflow_export import export, metrics_of, tags_of
from server.records.scalars import Scalar, scalars
from server.records.tensorboard_events import write_events


def site(total: float, dice: float | None) -> dict[str, Any]:
    return {"duration_s": 12.5, "train_loss": {"total": total, "idh": None}, "validation": {"dice.wt": dice}}


def report_of(*names: str) -> dict[str, Any]:
    """Two rounds; the last site has no validation case."""
    rounds = [
        {
            "round": number,
            "lr": 1e-3,
            "duration_s": 40.0,
            "pooled": {"dice.wt": 0.2 * number},
            "sites": {name: site(3.0 / number, None if name == names[-1] else 0.3 * number) for name in names},
        }
        for number in (1, 2)
    ]
    run = {"name": "smoke", "run_id": "ab12", "seed": 0, "strategy": "masked_fedavg", "model": "tiny"}
    hashes = {"config_hash": "c" * 64, "core_fingerprint": "f" * 64, "model_id": None}
    return {"rounds": rounds, "run": run | hashes, "notice": ""}


@pytest.fixture
def report() -> dict[str, Any]:
    return report_of("north", "south")


def test_what_was_measured_before_a_round_has_the_step_before(report: dict[str, Any]) -> None:
    found = list(scalars(report))
    assert Scalar("train-loss.total/north", 3.0, 1) in found
    assert Scalar("train-loss.total/north", 1.5, 2) in found
    assert Scalar("schedule/lr", 1e-3, 2) in found
    assert Scalar("validation/dice.wt", 0.2, 0) in found
    assert Scalar("validation-by-site/dice.wt/north", 0.6, 1) in found


def test_what_nobody_measured_has_no_point(report: dict[str, Any]) -> None:
    keys = {key for key, _, _ in scalars(report)}
    assert "validation-by-site/dice.wt/south" not in keys
    assert "train-loss.total/south" in keys


def test_a_point_is_there_once(report: dict[str, Any]) -> None:
    places = [(key, step) for key, _, step in scalars(report)]
    assert len(places) == len(set(places))


def test_tensorboard_shows_them(report: dict[str, Any], tmp_path: Path) -> None:
    write_events(tmp_path / "events", report)
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    points = [(event.step, event.value) for event in events.Scalars("validation/dice.wt")]
    assert [step for step, _ in points] == [0, 1]
    assert [value for _, value in points] == pytest.approx([0.2, 0.4])


def test_mlflow_is_given_keys_that_it_takes() -> None:
    keys = {key for key, _, _ in metrics_of(report_of('St. Ä "<&>"'))}
    assert "train-loss.total/St. _ _____" in keys
    assert all(character.isascii() for key in keys for character in key)


def test_tags_tell_runs_apart_and_carry_the_disclaimer(report: dict[str, Any]) -> None:
    tags = tags_of(report)
    assert (tags["gmmas.run_id"], tags["gmmas.seed"]) == ("ab12", "0")
    assert "gmmas.model_id" not in tags  # nothing was released yet
    assert tags["gmmas.disclaimer"].startswith("Research use only")


def test_without_mlflow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(FederationError, match="pip install mlflow-skinny"):
        export(tmp_path, "http://127.0.0.1:5000", "gmmas-fed")
