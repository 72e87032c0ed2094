"""The last gate: floor, names and shapes, finite values, and a line for everything that leaves."""

import json
from pathlib import Path

import numpy as np
import pytest

from client.egress import above_floor, gate_scores, gate_update
from client.site import Site
from gmmas_core.types import DataError, SiteScores, SiteUpdate, Sum

SHAPES = {"w": (2,)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        name="north",
        folder=tmp_path,
        state=tmp_path / "state",
        label_convention="canonical",
        device="cpu",
        threads=1,
        cohort_floor=5,
        allowed_stages=None,
    )


def update(num_cases: int = 9, **weights: np.ndarray) -> SiteUpdate:
    return SiteUpdate(
        site="north",
        run_id="r",
        round=3,
        weights=weights or {"w": np.zeros(2, np.float32)},
        num_cases=num_cases,
        seen={},
        uncertainty={},
        metrics={"dice.wt": Sum(2.0, 4), "train-loss.total": Sum(9.0, 20)},
    )


def test_fewer_cases_than_the_floor_send_nothing(site: Site) -> None:
    with pytest.raises(DataError, match="cohort floor"):
        gate_update(update(num_cases=4), site, SHAPES)
    assert not site.state.exists()


@pytest.mark.parametrize(
    "weights",
    [
        {"w": np.zeros(3, np.float32)},
        {"w": np.zeros(2, np.float32), "patients": np.zeros(9, np.float32)},
        {"v": np.zeros(2, np.float32)},
    ],
)
def test_only_the_models_own_parameters_leave(site: Site, weights: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="not the model's"):
        gate_update(update(**weights), site, SHAPES)


def test_non_finite_weights_stay(site: Site) -> None:
    with pytest.raises(DataError, match="non-finite"):
        gate_update(update(w=np.array([np.nan, 0], np.float32)), site, SHAPES)


def test_metrics_below_the_floor_are_emptied_and_every_key_stays() -> None:
    metrics = {"few": Sum(2.0, 4), "many": Sum(2.0, 5), "histogram": (0, 2, 2), "full": (3, 2), "none": Sum(0.0, 0)}
    assert above_floor(metrics, 5) == {
        "few": Sum(0.0, 0),
        "many": Sum(2.0, 5),
        "histogram": (0, 0, 0),
        "full": (3, 2),
        "none": Sum(0.0, 0),
    }


def test_what_leaves_is_written_down(site: Site) -> None:
    gated = gate_update(update(), site, SHAPES)
    assert gated.metrics["dice.wt"] == Sum(0.0, 0)
    scores = SiteScores(
        site="north",
        run_id="r",
        round=3,
        split="holdout",
        subject="global",
        num_cases=9,
        metrics={"dice.wt": Sum(5.0, 9)},
        core_fingerprint="",
    )
    assert gate_scores(scores, site) == scores
    lines = [json.loads(line) for line in (site.state / "egress.jsonl").read_text().splitlines()]
    assert [line["what"] for line in lines] == ["round 3", "evaluation holdout"]
    assert lines[0]["weight_bytes"] == 8
