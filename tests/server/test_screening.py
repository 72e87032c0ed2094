"""The poison matrix: each fault rejects its update with a reason that names the fault and shows no value."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import RoundPlan, SiteUpdate, Sum, Task
from server.screening import Rejected, screen

TASKS = (Task.IDH,)
STEM, TRUNK, LOG_VARIANCE = "fusion.stem.weight_t2", "encoder.conv.weight", "uncertainty.log_variance_idh"
REFERENCE = {
    STEM: np.zeros((2, 3), np.float32),
    TRUNK: np.full(4, 0.5, np.float32),
    LOG_VARIANCE: np.zeros(1, np.float32),
}
PLAN = RoundPlan(
    run_id="run-1",
    round=3,
    seed=0,
    weights_hash="",
    stage="supervised",
    local_steps=1,
    lr=0.1,
    tasks=TASKS,
    deadline_s=1.0,
    config_hash="",
    core_fingerprint="f00d",
)


def good() -> SiteUpdate:
    """A fit update with its own copies, so that a test may spoil any part of it."""
    return SiteUpdate(
        site="north",
        run_id="run-1",
        round=3,
        weights={key: value + np.float32(0.1) for key, value in REFERENCE.items()},
        num_cases=12,
        seen=dict.fromkeys(GROUPS(TASKS), 12),
        uncertainty={"segmentation": -0.5, "idh": 0.25},
        metrics={"dice.wt": Sum(3.5, 4), "dice-histogram.wt": (0, 1, 3)},
        duration_s=2.0,
        core_fingerprint="f00d",
    )


def judge(update: SiteUpdate) -> None:
    """Screen against the one plan and reference of this file."""
    screen(update, REFERENCE, PLAN, fingerprint="f00d", sites_known=["north", "south"], max_weight=20)


def spoilt(**changes: Any) -> SiteUpdate:
    """A fit update with some fields replaced."""
    return dataclasses.replace(good(), **changes)


def with_array(key: str, array: Any) -> SiteUpdate:
    """A fit update with one array replaced."""
    return spoilt(weights={**good().weights, key: array})


def with_value(key: str, value: float) -> SiteUpdate:
    """A fit update with one number of one array replaced."""
    update = good()
    update.weights[key].reshape(-1)[-1] = value
    return update


def without(key: str) -> SiteUpdate:
    """A fit update that lacks one array."""
    return spoilt(weights={name: value for name, value in good().weights.items() if name != key})


def test_a_fit_update_passes() -> None:
    judge(good())


def test_a_site_that_saw_nothing_passes() -> None:
    judge(spoilt(num_cases=0, seen=dict.fromkeys(GROUPS(TASKS), 0)))


CASES: dict[str, tuple[Callable[[], SiteUpdate], str]] = {
    "stranger": (lambda: spoilt(site="mallory\x1b[31m<b>"), r"site mallory\?\?31m\?b\?: not expected"),
    "other run": (lambda: spoilt(run_id="run-2"), "another run or round"),
    "other round": (lambda: spoilt(round=2), "another run or round"),
    "fingerprint": (lambda: spoilt(core_fingerprint="beef"), "another core fingerprint"),
    "missing array": (lambda: without(STEM), f"weights: found missing {STEM}"),
    "unknown array": (lambda: with_array("x" * 99, np.zeros(1, "f4")), f"weights: found unknown {'x' * 48};"),
    "shape": (lambda: with_array(TRUNK, np.zeros((4, 1), "f4")), f"another shape or dtype for {TRUNK}"),
    "float64": (lambda: with_array(TRUNK, np.zeros(4)), f"another shape or dtype for {TRUNK}"),
    "integers": (lambda: with_array(TRUNK, np.zeros(4, np.int64)), f"another shape or dtype for {TRUNK}"),
    "big-endian": (lambda: with_array(TRUNK, np.zeros(4, ">f4")), f"another shape or dtype for {TRUNK}"),
    "objects": (lambda: with_array(TRUNK, np.array([None] * 4)), f"another shape or dtype for {TRUNK}"),
    "no array": (lambda: with_array(TRUNK, [0.0] * 4), f"another shape or dtype for {TRUNK}"),
    "NaN": (lambda: with_value(STEM, np.nan), "NaN or infinity in stem.t2"),
    "infinity": (lambda: with_value(LOG_VARIANCE, -np.inf), "NaN or infinity in uncertainty.idh"),
    "huge": (lambda: with_value(TRUNK, 1e20), "beyond the bound of this round in trunk"),
    "just beyond": (lambda: with_value(TRUNK, -16.01), "beyond the bound of this round in trunk"),
    "negative cases": (lambda: spoilt(num_cases=-5), "num_cases: .* from 0 to 20"),
    "too many cases": (lambda: spoilt(num_cases=10**9), "num_cases: .* from 0 to 20"),
    "NaN cases": (lambda: spoilt(num_cases=float("nan")), "num_cases: "),
    "True cases": (lambda: spoilt(num_cases=True), "num_cases: "),
    "fractional cases": (lambda: spoilt(num_cases=3.5), "num_cases: "),
    "seen more than cases": (lambda: spoilt(seen={**good().seen, "trunk": 13}), "seen: .* for trunk"),
    "seen negative": (lambda: spoilt(seen={**good().seen, "trunk": -1}), "seen: .* for trunk"),
    "seen True": (lambda: spoilt(seen={**good().seen, "trunk": True}), "seen: .* for trunk"),
    "seen NaN": (lambda: spoilt(seen={**good().seen, "trunk": float("nan")}), "seen: .* for trunk"),
    "seen missing": (lambda: spoilt(seen={}), r"seen: found missing .* and \d+ more"),
    "seen unknown": (lambda: spoilt(seen={**good().seen, "head.mgmt": 1}), "seen: found unknown head.mgmt"),
    "uncertainty NaN": (lambda: spoilt(uncertainty={"segmentation": 0.0, "idh": float("nan")}), "uncertainty: .* idh"),
    "uncertainty missing": (lambda: spoilt(uncertainty={"idh": 0.0}), "uncertainty: found missing segmentation"),
    "uncertainty True": (lambda: spoilt(uncertainty={"segmentation": True, "idh": 0.0}), "uncertainty: .*segmentation"),
    "duration": (lambda: spoilt(duration_s=float("inf")), "duration_s"),
    "metric total": (lambda: spoilt(metrics={"loss": Sum(float("nan"), 1)}), "metrics: .* loss"),
    "metric count": (lambda: spoilt(metrics={"loss": Sum(1.0, -1)}), "metrics: .* loss"),
    "histogram": (lambda: spoilt(metrics={"score.idh.positive": (1, -1)}), "metrics: .* score.idh.positive"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_rejected_with_its_reason(name: str) -> None:
    make, reason = CASES[name]
    with pytest.raises(Rejected, match=reason) as caught:
        judge(make())
    text = str(caught.value)
    assert len(text) < 300
    assert text.isascii()
    assert text.isprintable()


def test_many_faulty_names_are_listed_shortly() -> None:
    update = spoilt(weights={f"unknown.{number}": np.zeros(1, "f4") for number in range(1000)})
    with pytest.raises(Rejected, match=r"missing .* and unknown unknown\.0, unknown\.1, unknown\.10 and 997 more"):
        judge(update)


def test_the_bound_follows_the_reference() -> None:
    reference = {**REFERENCE, TRUNK: np.full(4, 100, np.float32)}
    screen(with_value(TRUNK, 1500), reference, PLAN, fingerprint="f00d", sites_known=["north"], max_weight=20)
    with pytest.raises(Rejected):
        judge(with_value(TRUNK, 1500))
