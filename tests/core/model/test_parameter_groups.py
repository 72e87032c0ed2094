"""Every parameter of every preset belongs to one group, and to the right one."""

import pytest
import torch

from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_model
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import SEQUENCES, FederationError, Task

PRESETS = ("tiny", "base", "paper")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("tasks", [tuple(Task), (Task.HISTOLOGY, Task.IDH, Task.CODEL), (Task.IDH,), ()])
def test_groups_partition_the_state(preset: str, tasks: tuple[Task, ...]) -> None:
    config = load_config([f"model={preset}"])
    with torch.device("meta"):
        model = build_model(config.model, tasks, loss=config.loss, seed=0)
    state = model.state_dict()
    found = {group_of(name) for name in state}
    assert found == set(GROUPS(tasks)) - {"contrast"}
    assert len(set(GROUPS(tasks))) == len(GROUPS(tasks))
    assert set(state) == {name for name, _ in model.named_parameters()}
    assert not list(model.buffers())
    assert {value.dtype for value in state.values()} == {torch.float32}
    assert all(value.ndim > 0 for value in state.values())


def test_norms_are_a_group_of_their_own_and_only_norms() -> None:
    config = load_config(["model=tiny"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=0)
    norms = {
        f"{path}.{name}"
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.GroupNorm | torch.nn.LayerNorm)
        for name, _ in module.named_parameters()
    }
    assert {name for name in model.state_dict() if group_of(name) == "norm"} == norms


def test_a_sequence_owns_its_kernel_and_its_weight() -> None:
    for sequence in SEQUENCES:
        assert group_of(f"fusion.stem.weight_{sequence}") == f"stem.{sequence}"
        assert group_of(f"fusion.weights.v_{sequence}") == f"stem.{sequence}"
        assert group_of(f"global_unet.fusion.stem.weight_{sequence}") == f"global.stem.{sequence}"


def test_a_foreign_name_is_refused() -> None:
    for name in ("fusion.stem.weight_dwi", "backbone.conv.weight", "head.idh", "encoderlevels.0"):
        with pytest.raises(FederationError, match="belongs to no group"):
            group_of(name)
