"""The gates of a release, on cases with known scores; what was not measured does not pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmmas_core.config import ReleaseConfig
from gmmas_core.metrics.evaluation import value_of
from gmmas_core.types import Task
from server.records.ledger_entries import metrics_from_entry
from server.release.gates import FAILED, PASSED, UNKNOWN, judge

TASKS = (Task.IDH,)
Entry = dict[str, Any]
Make = Callable[..., Entry]
LIMITS = ReleaseConfig(worst_site_dice=0.5, max_ece=0.3, min_cases=10)


def enlisted(*names: str) -> dict[str, Entry]:
    return {name: {"cases": {"train": 9, "validation": 3, "holdout": 8}} for name in names}


def states(entry: Entry | None, sites: dict[str, Entry], limits: ReleaseConfig = LIMITS) -> dict[str, str]:
    return {gate.name: gate.state for gate in judge(entry, sites, TASKS, limits)}


def test_a_good_model_passes_with_numbers_and_intervals(evaluation: Make) -> None:
    entry = evaluation({"north": (30, 0.8, 2), "east": (30, 0.7, 2)}, subject="global", round=2)
    cases, dice, ece = judge(entry, enlisted("north", "east"), TASKS, LIMITS)
    assert (cases.state, dice.state, ece.state) == (PASSED, PASSED, PASSED)
    assert cases.value == 60
    assert dice.value == value_of(metrics_from_entry(entry["sites"]["east"]["metrics"]), "dice.wt")
    for gate in (dice, ece):
        assert gate.value is not None
        assert gate.interval is not None
        assert gate.interval[0] < gate.interval[1]
        assert f"{gate.interval[0]:.3f} to {gate.interval[1]:.3f}" in gate.statement
    assert dice.interval is not None
    assert dice.value is not None
    assert dice.interval[0] <= dice.value <= dice.interval[1]
    assert "east" in dice.statement


def test_one_bad_hospital_fails_the_federation(evaluation: Make) -> None:
    entry = evaluation({"north": (50, 0.9, 2), "south": (6, 0.3, 2)}, subject="global", round=2)
    assert states(entry, enlisted("north", "south"))["worst-site-dice"] == FAILED


def test_a_hospital_that_did_not_answer_might_be_the_worst(evaluation: Make) -> None:
    entry = evaluation({"north": (50, 0.9, 2)}, subject="global", round=2)
    gate = judge(entry, enlisted("north", "south"), TASKS, LIMITS)[1]
    assert gate.state == UNKNOWN
    assert "did not answer: south" in gate.statement
    nobody_there = enlisted("north", "south")
    nobody_there["south"]["cases"]["holdout"] = 0
    assert states(entry, nobody_there)["worst-site-dice"] == PASSED


def test_a_withheld_number_is_named(evaluation: Make) -> None:
    entry = evaluation({"north": (50, 0.9, 2), "south": (6, 0.9, 2)}, subject="global", round=2)
    entry["sites"]["south"]["metrics"]["sums"]["dice.wt"] = [0.0, 0]
    gate = judge(entry, enlisted("north", "south"), TASKS, LIMITS)[1]
    assert gate.state == PASSED
    assert "without a number of its own: south" in gate.statement


def test_bad_calibration_fails_and_few_cases_decide_nothing(evaluation: Make) -> None:
    entry = evaluation({"north": (30, 0.8, 2)}, subject="global", round=2)
    strict = ReleaseConfig(worst_site_dice=0.5, max_ece=0.0, min_cases=10)
    assert states(entry, enlisted("north"), strict)["ece.idh"] == FAILED
    many = ReleaseConfig(worst_site_dice=0.5, max_ece=1.0, min_cases=31)
    assert states(entry, enlisted("north"), many) == {
        "holdout-cases": FAILED,
        "worst-site-dice": PASSED,
        "ece.idh": UNKNOWN,
    }


def test_what_was_never_scored_is_unknown() -> None:
    assert set(states(None, enlisted("north")).values()) == {UNKNOWN}


def test_the_interval_of_the_ece_covers_a_resampling_of_the_cases(evaluation: Make) -> None:
    """Against the same bootstrap drawn case by case from the merged bins."""
    from gmmas_core.metrics.merging import reliability_table

    entry = evaluation({"north": (200, 0.8, 2)}, subject="global", round=2)
    gate = judge(entry, enlisted("north"), TASKS, LIMITS)[2]
    table = reliability_table(metrics_from_entry(entry["sites"]["north"]["metrics"]), Task.IDH)
    rows = []
    for place, (count, said, positives) in enumerate(zip(table.count_R, table.probability_R, table.positives_R)):
        rows += [(place, said / count, int(k < positives)) for k in range(count)]
    cases = np.array(rows)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(1000):
        place, said, label = cases[rng.integers(len(cases), size=len(cases))].T
        gap = np.bincount(place.astype(int), weights=label - said, minlength=len(table.count_R))
        drawn.append(np.abs(gap).sum() / len(cases))
    assert gate.interval == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.02)
