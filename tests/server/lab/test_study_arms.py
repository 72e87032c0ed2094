"""The table of arms is consistent, and every arm composes."""

import pytest

from gmmas_core.config import load_config
from gmmas_core.training.stages import STAGES
from gmmas_core.types import ConfigError
from server.lab.study.arms import ARMS, COMPARISONS, GAPS, Arm, arms_of, curriculum_overrides, parts_of, share_rounds
from server.lab.study.cells import Cell, plan_cells
from server.lab.study.method import ground_of
from server.lab.study.sizes import SIZES, size_of
from server.lab.study.tables import MEASURES

NAMES = [arm.name for arm in ARMS]


def test_names_are_unique_and_comparisons_refer_to_them() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for entry in COMPARISONS:
        assert {entry.arm, entry.baseline} <= set(NAMES)
        assert entry.arm != entry.baseline
        assert entry.measure in MEASURES
        assert entry.expected in ("better", "not worse", "unknown")
    assert {name for gap in GAPS for name in gap} <= set(NAMES)
    assert {name for size in SIZES.values() for name in size.arms} <= set(NAMES)


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_an_arm_composes_into_known_stages_of_equal_length(arm: Arm) -> None:
    config = load_config(["experiment=study_quick", *curriculum_overrides(arm, 12), *arm.overrides, *arm.reading])
    rounds = {plan.stage: 0 for plan in config.curriculum.stages}
    for plan in config.curriculum.stages:
        rounds[plan.stage] += plan.rounds
    assert set(rounds) <= set(STAGES)
    assert sum(count for stage, count in rounds.items() if stage not in ("calibrate", "pseudo_label")) == 12
    assert config.curriculum.stages[-1].stage == "calibrate"


@pytest.mark.parametrize(
    ("twelfths", "rounds", "expected"),
    [
        ([12], 7, [7]),
        ([6, 6], 4, [2, 2]),
        ([7, 3, 1, 1], 4, [1, 1, 1, 1]),
        ([1, 5, 2, 2, 1, 1], 24, [2, 10, 4, 4, 2, 2]),
    ],
)
def test_rounds_are_shared_by_twelfths(twelfths: list[int], rounds: int, expected: list[int]) -> None:
    assert share_rounds(twelfths, rounds) == expected


def test_too_few_rounds_are_refused() -> None:
    (arm,) = arms_of(["gmmas-20"])
    with pytest.raises(ConfigError, match="at least 6"):
        curriculum_overrides(arm, 5)


def test_the_parts_of_an_arm_cover_every_test_site_once() -> None:
    for arm in ARMS:
        tested = [part.test_site for part in parts_of(arm, ("north", "east", "south"))]
        assert tested == [""] or sorted(tested) == ["east", "north", "south"]


def test_unknown_names_are_answered_with_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="supervised-20"):
        arms_of(["nope"])
    with pytest.raises(ConfigError, match="quick, full"):
        size_of("huge")


def test_cells_share_a_run_only_when_they_train_alike() -> None:
    arms = arms_of(["gmmas-20", "gmmas-20-paper-cleaning", "supervised-20"])
    cells = {cell.arm: cell for cell in plan_cells(ground_of(SIZES["quick"]), arms, 1, ())}
    assert cells["gmmas-20"].run == cells["gmmas-20-paper-cleaning"].run != cells["supervised-20"].run
    assert len({cell.key for cell in cells.values()}) == 3


def test_pooled_cases_take_as_many_steps_as_all_hospitals() -> None:
    (pooled,) = plan_cells(ground_of(SIZES["quick"]), arms_of(["pooled-100"]), 1, ["training.local_steps=10"])
    local = plan_cells(ground_of(SIZES["quick"]), arms_of(["local-100"]), 1, ["training.local_steps=10"])
    assert load_config(pooled.training).training.local_steps == 30
    assert [load_config(cell.training).training.local_steps for cell in local] == [10, 10, 10]
    assert Cell.from_json(pooled.to_json()) == pooled
