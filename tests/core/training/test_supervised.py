"""The supervised stage on phantoms, from the site's files to trained weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom.write import write_federation
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.losses import part_names
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.training.loop import GRAD_NORM
from gmmas_core.training.seen import seen_counts
from gmmas_core.training.stages import STAGES, StageInput
from gmmas_core.types import UNKNOWN, Case, FederationError, RoundPlan, Sum, Task

STEPS = 2


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, ...]:
    """Three phantoms of one hospital, all used for training, with four sequences, masks and some labels."""
    (folder,) = write_federation(tmp_path_factory.mktemp("phantom") / "sites", sites=1, cases=3, size=32, seed=0)
    return read_cases(folder, "north", holdout_share=0.0, validation_share=0.0)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the tests: a case is prepared once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def given(tiny_config: Config, cases: tuple[Case, ...], cache_folder: Path, model: GMMAS) -> StageInput:
    """Two steps of round 1; small crops, so that a step is quick."""
    tiny_config.model.crop_size = 16
    settings = PrepareSettings(
        spacing_mm=6.0, context_size=tiny_config.model.context_size, label_convention="brats2021"
    )
    plan = RoundPlan(
        run_id="run",
        round=1,
        seed=0,
        weights_hash="",
        stage="supervised",
        local_steps=STEPS,
        lr=1e-3,
        tasks=tiny_config.task_list,
        deadline_s=60.0,
        config_hash="",
        core_fingerprint="",
    )
    return StageInput(
        model=model,
        cases=cases,
        cache=PreparedCache(cache_folder, settings),
        config=tiny_config,
        plan=plan,
        site_name="north",
        validation=(),
        state=cache_folder,
    )


def relabelled(cases: Sequence[Case], *, has_mask: bool, tasks: Sequence[Task]) -> tuple[Case, ...]:
    """The same cases with fewer labels."""
    return tuple(
        replace(
            case,
            mask=case.mask if has_mask else None,
            labels={task: case.labels[task] if task in tasks else UNKNOWN for task in Task},
        )
        for case in cases
    )


def train(given: StageInput, start: dict[str, Tensor], **changes: object) -> tuple[dict[str, Sum], dict[str, Tensor]]:
    """Metrics and weights after the stage, from the same weights every time."""
    given.model.load_state_dict(start)
    output = STAGES["supervised"](replace(given, **changes))
    return output.metrics, copy_of(given.model)


def copy_of(model: GMMAS) -> dict[str, Tensor]:
    """Its weights now."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two sets of weights agree bit by bit."""
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_trains_reports_and_repeats_itself(given: StageInput) -> None:
    start, steps = copy_of(given.model), []
    given.on_step = lambda step, loss: steps.append((step, loss))
    metrics, trained = train(given, start)
    torch.rand(7)  # what ran before must not matter
    again, trained_again = train(given, start)
    assert [step for step, _ in steps] == [1, 2, 1, 2]
    assert set(metrics) == {*part_names(given.config.task_list), GRAD_NORM}
    assert metrics["train-loss.total"].count == STEPS
    assert metrics["train-loss.segmentation"].count == STEPS * given.config.training.batch_size
    assert metrics == again
    assert same(trained, trained_again)
    assert not same(trained, start)
    assert not given.model.training


def test_another_round_or_site_draws_other_crops(given: StageInput) -> None:
    start = copy_of(given.model)
    weights = [
        train(given, start, plan=given.plan, site_name="north")[1],
        train(given, start, plan=replace(given.plan, round=2), site_name="north")[1],
        train(given, start, plan=given.plan, site_name="south")[1],
    ]
    assert not same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_what_nobody_labelled_is_not_trained(given: StageInput) -> None:
    given.config.training.weight_decay = 0.0
    start = copy_of(given.model)
    cases = relabelled(given.cases, has_mask=False, tasks=(Task.HISTOLOGY,))
    metrics, trained = train(given, start, cases=cases)
    assert metrics["train-loss.histology"].count == STEPS * given.config.training.batch_size
    assert metrics["train-loss.segmentation"] == metrics["train-loss.idh"] == Sum(0.0, 0)
    seen = seen_counts(cases, given.config.task_list)
    for group in ("decoder", "uncertainty.segmentation", "uncertainty.idh"):
        names = [name for name in start if group_of(name) == group]
        assert seen[group] == 0
        assert all(torch.equal(start[name], trained[name]) for name in names), group
    for group in ("trunk", "head.histology", "uncertainty.histology", "stem.flair"):
        names = [name for name in start if group_of(name) == group]
        assert seen[group] == len(cases)
        assert any(not torch.equal(start[name], trained[name]) for name in names), group


def test_a_site_with_nothing_to_learn_from_stays_silent(given: StageInput) -> None:
    start = copy_of(given.model)
    for cases in ((), relabelled(given.cases, has_mask=False, tasks=())):
        metrics, trained = train(given, start, cases=cases)
        assert same(trained, start)
        assert set(metrics) == {*part_names(given.config.task_list), GRAD_NORM}
        assert set(metrics.values()) == {Sum(0.0, 0)}


def test_a_plan_for_other_tasks_is_refused(given: StageInput) -> None:
    with pytest.raises(FederationError, match=r"stage supervised: found a plan for tasks idh; expected histology, idh"):
        STAGES["supervised"](replace(given, plan=replace(given.plan, tasks=(Task.IDH,))))
