"""What decays and what does not."""

import torch

from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.optimizer import build_optimizer


def test_only_matrices_and_kernels_decay(model: GMMAS) -> None:
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = build_optimizer(model, lr=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        factor = 1 - 0.1 * 0.5 if parameter.ndim >= 2 else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * factor, msg=name)


def test_every_parameter_once(model: GMMAS) -> None:
    optimizer = build_optimizer(model, lr=1e-3, weight_decay=0.0)
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


def test_frozen_parameters_are_left_out(model: GMMAS) -> None:
    model.requires_grad_(False)
    model.uncertainty.requires_grad_(True)
    optimizer = build_optimizer(model, lr=1e-3, weight_decay=0.1)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4
