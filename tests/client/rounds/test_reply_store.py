"""Asked the same thing again, a site sends the same bytes; a damaged store costs time, never correctness."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from client.rounds.reply_store import KEEP, policy_digest, store_reply, stored_reply
from client.site import write_site
from gmmas_core import wire
from gmmas_core.types import FederationError, RoundPlan, SiteUpdate, Sum, Task
from gmmas_core.update_encoding import DTYPES, encode, whole

PLAN = RoundPlan(
    run_id="0a1b",
    round=1,
    seed=0,
    weights_hash="ab" * 32,
    stage="supervised",
    local_steps=1,
    lr=1e-3,
    tasks=(Task.IDH,),
    deadline_s=1.0,
    config_hash="",
    core_fingerprint="",
)
UPDATE = SiteUpdate(
    site="north",
    run_id="0a1b",
    round=1,
    weights={"encoder.w": np.array([1.5, -2], np.float32), "norm.weight": np.array(3, np.float32)},
    num_cases=7,
    seen={"trunk": 7},
    uncertainty={"segmentation": 0.25},
    metrics={"dice.wt": Sum(1.25, 2), "histogram": (0, 1, 4), "none": Sum(0.0, 0)},
    duration_s=1.5,
    core_fingerprint="ef",
)
POLICY = "p"
ZEROS = {name: np.zeros_like(value) for name, value in UPDATE.weights.items()}


@pytest.mark.parametrize("encoding", DTYPES)
def test_the_same_bytes_go_out_again(tmp_path: Path, encoding: str) -> None:
    encoded, _ = encode(encoding, UPDATE.weights, ZEROS, {}, {"trunk", "norm"})
    store_reply(tmp_path, PLAN, POLICY, UPDATE, encoded)
    again = stored_reply(tmp_path, PLAN, POLICY)
    assert again is not None
    first, second = wire.update_to_content(UPDATE, encoded), wire.update_to_content(*again)
    assert {name: array.data for name, array in first["weights"].items()} == {
        name: array.data for name, array in second["weights"].items()
    }
    assert first["counts"] == second["counts"]
    assert first["metrics"] == second["metrics"]
    assert first["reply"] == second["reply"]


def test_another_round_run_or_weights_is_another_request(tmp_path: Path) -> None:
    store_reply(tmp_path, PLAN, POLICY, UPDATE, whole(UPDATE.weights))
    for other in (replace(PLAN, round=2), replace(PLAN, run_id="ff"), replace(PLAN, weights_hash="cd" * 32)):
        assert stored_reply(tmp_path, other, POLICY) is None


def test_a_reply_made_under_another_policy_does_not_leave(tmp_path: Path) -> None:
    north = write_site(tmp_path, "north", "canonical")
    store_reply(tmp_path, PLAN, policy_digest(north), UPDATE, whole(UPDATE.weights))
    assert stored_reply(tmp_path, PLAN, policy_digest(replace(north, threads=7))) is not None
    stricter = replace(north.privacy, epsilon=8.0)
    for now in (replace(north, privacy=stricter), replace(north, cohort_floor=6)):
        assert stored_reply(tmp_path, PLAN, policy_digest(now)) is None


def test_a_damaged_reply_is_made_again(tmp_path: Path) -> None:
    store_reply(tmp_path, PLAN, POLICY, UPDATE, whole(UPDATE.weights))
    (path,) = tmp_path.rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    assert stored_reply(tmp_path, PLAN, POLICY) is None


@pytest.mark.parametrize(
    "about",
    [
        '{"policy": "p", "encoding": "float32", "scales": {}, "metrics": {}}',
        '{"policy": "p", "encoding": "float32", "scales": {}, "metrics": {"dice": 1}}',
        '{"policy": "p", "encoding": "float32", "scales": {}, "metrics": {"dice": ["sum"]}}',
        "[]",
        "7",
    ],
)
def test_a_reply_of_another_form_is_made_again(tmp_path: Path, about: str) -> None:
    """As another release would have written it; nothing checks the file's own header for damage."""
    store_reply(tmp_path, PLAN, POLICY, UPDATE, whole(UPDATE.weights))
    (path,) = tmp_path.rglob("*.safetensors")
    path.write_bytes(save({"x": np.zeros(1, dtype=np.float32)}, metadata={"reply": about}))
    assert stored_reply(tmp_path, PLAN, POLICY) is None


def test_only_the_newest_replies_are_kept(tmp_path: Path) -> None:
    for number in range(1, KEEP + 3):
        store_reply(tmp_path, replace(PLAN, round=number), POLICY, UPDATE, whole(UPDATE.weights))
    assert len(list(tmp_path.rglob("*.safetensors"))) == KEEP


@pytest.mark.parametrize("run_id", ["../up", "a/b", "", "x" * 200])
def test_a_name_from_the_wire_cannot_leave_the_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(FederationError, match="run id"):
        stored_reply(tmp_path, replace(PLAN, run_id=run_id), POLICY)
