"""Size and direction of updates against hand-computed norms, and against what the run has seen."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gmmas_core.config import ScreeningConfig
from gmmas_core.fixed_point import BLOCK
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import RoundPlan, SiteUpdate, Task
from server.screening.memory import ScreenMemory
from server.screening.suspicion import Suspicion, suspect
from server.screening.updates import Rejected

TASKS = (Task.IDH,)
STEM, TRUNK = "fusion.stem.weight_t2", "encoder.conv.weight"
REFERENCE = {STEM: np.ones((2, 3), np.float32), TRUNK: np.full(BLOCK + 3, 0.5, np.float32)}
USUAL = [1.0] * 6
"""A memory of six equal paces, as many as the warm-up."""
Judge = Callable[..., Suspicion]


def update(stem: float, trunk: float, **changes: Any) -> SiteUpdate:
    """Every element of the two groups moved by so much; silent for all other groups."""
    seen = dict.fromkeys(GROUPS(TASKS), 0) | {"stem.t2": 5, "trunk": 5}
    weights = {STEM: REFERENCE[STEM] + np.float32(stem), TRUNK: REFERENCE[TRUNK] + np.float32(trunk)}
    made = SiteUpdate(
        site="north", run_id="run-1", round=3, weights=weights, num_cases=5, seen=seen, uncertainty={}, metrics={}
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def judge(screening: ScreeningConfig, plan: RoundPlan) -> Judge:
    """Judge an update against the paces remembered and a last global step of one value everywhere; the plan changed."""

    def judge(given: SiteUpdate, paces: Sequence[float] = (), last: float | None = None, **changes: Any) -> Suspicion:
        step = {} if last is None else {name: np.full_like(value, last) for name, value in REFERENCE.items()}
        asked = dataclasses.replace(plan, **changes)
        return suspect(given, REFERENCE, step, ScreenMemory(norms=list(paces)), screening, asked)

    return judge


def test_norms_are_those_of_the_differences(judge: Judge) -> None:
    found = judge(update(2.0, 0.25))
    assert found.norms["stem.t2"] == pytest.approx(2 * math.sqrt(6), rel=1e-6)
    assert found.norms["trunk"] == pytest.approx(0.25 * math.sqrt(BLOCK + 3), rel=1e-6)
    assert found.norm == pytest.approx(math.hypot(found.norms["stem.t2"], found.norms["trunk"]))
    assert set(found.norms) == set(GROUPS(TASKS))
    assert found.norms["decoder"] == 0


def test_a_group_for_which_the_site_is_silent_does_not_count(judge: Judge) -> None:
    spoken = update(2.0, 0.25)
    silent = judge(dataclasses.replace(spoken, seen={**spoken.seen, "trunk": 0}))
    assert silent.norms["trunk"] == 0
    assert silent.norm == pytest.approx(2 * math.sqrt(6), rel=1e-6)


def test_the_pace_is_one_when_every_step_moves_every_element_by_the_learning_rate(judge: Judge) -> None:
    assert judge(update(0.04, 0.04)).pace == pytest.approx(1, rel=1e-4)
    assert judge(update(0.4, 0.4), lr=0.08, local_steps=5).pace == pytest.approx(1, rel=1e-4)


def test_a_stage_that_raises_the_learning_rate_is_not_held_against_the_sites(judge: Judge) -> None:
    before = judge(update(0.0004, 0.0004), lr=0.0001)
    after = judge(update(0.04, 0.04), [before.pace] * 6)  # a hundred times the norm
    assert after.norm > 99 * before.norm
    assert after.doubts == ()


@pytest.mark.parametrize(("moved", "doubts"), [(2.9, 0), (3.1, 1), (9.9, 1)])
def test_beyond_the_soft_bound_there_is_a_doubt(moved: float, doubts: int, judge: Judge) -> None:
    found = judge(update(0.04 * moved, 0.04 * moved), USUAL)
    assert len(found.doubts) == doubts
    assert all(doubt == "norm: its step is more than 3 times the usual one" for doubt in found.doubts)


def test_beyond_the_hard_bound_it_is_rejected_without_a_number_of_the_site(judge: Judge) -> None:
    with pytest.raises(Rejected, match="norm: found a step more than 10 times the usual one") as caught:
        judge(update(0.04 * 10.1, 0.04 * 10.1), USUAL)
    assert "0.4" not in str(caught.value)


def test_nobody_is_judged_during_warm_up(judge: Judge) -> None:
    assert judge(update(-100.0, -100.0), USUAL[1:], last=1.0).doubts == ()
    with pytest.raises(Rejected):
        judge(update(-100.0, -100.0), USUAL, last=1.0)


def test_half_of_what_is_remembered_may_be_odd(judge: Judge) -> None:
    with pytest.raises(Rejected):
        judge(update(4.0, 4.0), [1.0, 1.0, 1.0, 1.0, 1e9, 1e9, 1e9])


def test_an_update_against_the_last_step_is_doubted(judge: Judge) -> None:
    assert judge(update(0.04, 0.04), USUAL, last=1.0).doubts == ()
    assert judge(update(-0.04, -0.04), USUAL, last=1.0).doubts == (
        "direction: it goes against the federation's last step",
    )
    assert judge(update(-0.04, -0.04), USUAL, last=None).doubts == ()
    assert judge(update(-0.04, -0.04), USUAL, last=0.0).doubts == ()


@pytest.mark.parametrize(("against", "doubts"), [(0.74, 0), (0.76, 1)])
def test_the_direction_is_the_cosine(against: float, doubts: int, judge: Judge) -> None:
    """A share s of equal elements goes back and the rest forth: the cosine is 1 - 2 s, -0.5 for three quarters."""
    size = REFERENCE[TRUNK].size
    moved = np.where(np.arange(size) < against * size, -0.04, 0.04).astype(np.float32)
    given = update(0.0, 0.0)
    given = dataclasses.replace(given, weights={**given.weights, TRUNK: REFERENCE[TRUNK] + moved})
    assert len(judge(given, USUAL, last=1.0).doubts) == doubts


def test_a_site_that_is_silent_everywhere_is_not_judged(judge: Judge) -> None:
    found = judge(update(9.0, 9.0, seen=dict.fromkeys(GROUPS(TASKS), 0)), [1e-9] * 6, last=1.0)
    assert (found.norm, found.pace, found.doubts) == (0, 0, ())


def test_a_run_that_has_not_moved_judges_nobody(judge: Judge) -> None:
    assert judge(update(1.0, 1.0), [0.0] * 6).doubts == ()
