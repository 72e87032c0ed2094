"""What is sent is what is read, and what is not a noun is refused in words."""

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core import wire
from gmmas_core.software import PROTOCOL
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan, SiteScores, SiteStatus, SiteUpdate, Sum, Task

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(3.5, np.float32)}
PLAN = RoundPlan(
    run_id="r1",
    round=3,
    seed=7,
    weights_hash="ab",
    stage="supervised",
    local_steps=5,
    lr=1e-3,
    tasks=(Task.IDH, Task.CODEL),
    deadline_s=60.0,
    config_hash="cd",
    core_fingerprint="ef",
    ledger_head="01",
)
UPDATE = SiteUpdate(
    site="north",
    run_id="r1",
    round=3,
    weights=WEIGHTS,
    num_cases=12,
    seen={"stem.t1": 12, "head.idh": 0},
    uncertainty={"segmentation": -0.5},
    metrics={"dice.wt": Sum(3.5, 5), "empty": Sum(0.0, 0), "dice-histogram.wt": (0, 2, 3)},
    duration_s=1.25,
    core_fingerprint="ef",
)


def test_a_round_plan_survives_the_wire() -> None:
    content = wire.plan_to_content(PLAN, ["experiment=smoke", "rounds=2"], WEIGHTS)
    assert wire.read_round_plan(content) == PLAN
    assert wire.read_overrides(content) == ("experiment=smoke", "rounds=2")
    received = wire.read_weights(content)
    assert received.keys() == WEIGHTS.keys()
    assert all(np.array_equal(received[name], WEIGHTS[name]) and received[name].dtype == np.float32 for name in WEIGHTS)
    assert received["b"].shape == ()


def test_an_evaluation_plan_survives_the_wire() -> None:
    plan = EvaluationPlan(
        run_id="r1",
        round=0,
        seed=7,
        weights_hash="ab",
        split="holdout",
        subject="local_only",
        config_hash="cd",
        core_fingerprint="ef",
        deadline_s=5.0,
    )
    assert wire.read_evaluation_plan(wire.plan_to_content(plan, [], WEIGHTS)) == plan


def test_an_update_survives_the_wire() -> None:
    received = wire.read_update(wire.update_to_content(UPDATE))
    assert received.weights.keys() == WEIGHTS.keys()
    for field in ("site", "run_id", "round", "num_cases", "seen", "uncertainty", "metrics", "duration_s"):
        assert getattr(received, field) == getattr(UPDATE, field)


def test_scores_and_status_survive_the_wire() -> None:
    scores = SiteScores(
        site="north",
        run_id="r1",
        round=3,
        split="holdout",
        subject="global",
        num_cases=4,
        metrics={"dice.wt": Sum(3.5, 4)},
        core_fingerprint="ef",
    )
    assert wire.read_scores(wire.scores_to_content(scores)) == scores
    status = SiteStatus(
        site="north",
        core_fingerprint="ef",
        fingerprint_parts={"source": "aa"},
        config_hash="cd",
        num_cases={"train": 3},
        num_sequences={"t1": 2},
        num_labels={"idh": 1},
        protocol=PROTOCOL,
        release="1.2",
        image="site:1.2@sha256:aa",
    )
    assert wire.read_status(wire.status_to_content(status)) == status


def test_a_refusal_is_read_as_the_sites_words() -> None:
    with pytest.raises(FederationError, match="refused: policy: no"):
        wire.read_update(wire.refusal_to_content("policy: no"))


@pytest.mark.parametrize("key", ["run-id", "round", "lr", "tasks", "deadline-s"])
def test_a_plan_with_a_missing_field_is_refused(key: str) -> None:
    content = wire.plan_to_content(PLAN, [], WEIGHTS)
    del content["request"][key]
    with pytest.raises(FederationError, match=key):
        wire.read_round_plan(content)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("round", True),
        ("round", 0),
        ("round", 1.0),
        ("lr", float("nan")),
        ("lr", 2.0),
        ("tasks", ["idh", "destiny"]),
        ("tasks", "idh"),
        ("run-id", "x" * 5000),
        ("local-steps", -1),
    ],
)
def test_a_plan_with_a_bad_value_is_refused(key: str, value: object) -> None:
    content = wire.plan_to_content(PLAN, [], WEIGHTS)
    content["request"][key] = value
    with pytest.raises(FederationError):
        wire.read_round_plan(content)


@pytest.mark.parametrize(
    "record",
    [
        {"sum.x": [1.0]},
        {"sum.x": [1.0, 2.5]},
        {"sum.x": [float("inf"), 1.0]},
        {"sum.x": [1.0, -1.0]},
        {"histogram.x": [1, -1]},
        {"histogram.x": [1.0, 2.0]},
        {"mean.x": [1.0, 2.0]},
        {"sum.x": 1.0},
    ],
)
def test_a_metric_of_another_form_is_refused(record: dict[str, object]) -> None:
    content = wire.update_to_content(UPDATE)
    content["metrics"] = MetricRecord(record)  # type: ignore[arg-type]
    with pytest.raises(FederationError, match=r"\.x"):
        wire.read_update(content)


@given(st.binary(max_size=200))
def test_arrays_that_are_no_arrays_are_refused(data: bytes) -> None:
    content = wire.update_to_content(UPDATE)
    record = content["weights"]
    assert isinstance(record, ArrayRecord)
    record["values"].data = data
    with pytest.raises(FederationError, match="cannot be decoded"):
        wire.read_weights(content)


def test_a_pickled_array_is_not_opened() -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    content = wire.update_to_content(UPDATE)
    content["weights"]["values"].data = buffer.getvalue()
    with pytest.raises(FederationError, match="cannot be decoded"):
        wire.read_weights(content)


def test_records_of_the_wrong_kind_are_refused() -> None:
    content = RecordDict({"request": MetricRecord({"round": 1}), "weights": ConfigRecord({})})
    with pytest.raises(FederationError):
        wire.read_round_plan(content)
    with pytest.raises(FederationError):
        wire.read_weights(content)
