"""Uncertainty weighting: both regularisers, the limit, and where the optimum lies."""

import math

import torch

from gmmas_core.config import LossConfig
from gmmas_core.model.log_variances import LogVariances
from gmmas_core.types import Task


def _log_variances(regulariser: str) -> LogVariances:
    loss = LossConfig(regulariser=regulariser, log_variance_limit=4.0, context_weight=1.0, class_weighting="none")
    return LogVariances((Task.IDH,), loss)


def test_weighted_losses_worked_by_hand() -> None:
    losses = torch.tensor([[2.0, 4.0], [0.0, 1.0]])
    for regulariser, scale in (("half_s", 0.5), ("s", 1.0)):
        module = _log_variances(regulariser)
        with torch.no_grad():
            module.log_variance_idh.fill_(math.log(2.0))
        expected = torch.tensor([[1.0, 1.0], [0.0, 0.25]]) + torch.tensor([0.0, scale * math.log(2.0)])
        torch.testing.assert_close(module(losses), expected)


def test_the_optimum_of_the_half_form_is_the_logarithm_of_the_loss() -> None:
    module = _log_variances("half_s")
    with torch.no_grad():
        module.log_variance_segmentation.fill_(math.log(0.3))
    module(torch.tensor([[0.3, 1.0]])).sum().backward()
    assert abs(module.log_variance_segmentation.grad.item()) < 1e-6
    assert module.log_variance_idh.grad.abs().item() < 1e-6


def test_limit_holds_and_projection_lets_the_gradient_back() -> None:
    module = _log_variances("half_s")
    with torch.no_grad():
        module.log_variance_segmentation.fill_(-9.0)
    weighted = module(torch.tensor([[5.0, 1.0]]))
    torch.testing.assert_close(weighted[0, 0], torch.tensor(0.5 * math.exp(4.0) * 5.0 - 2.0))
    assert module.values() == {"segmentation": -4.0, "idh": 0.0}
    module.project()
    module(torch.tensor([[5.0, 1.0]])).sum().backward()
    assert module.log_variance_segmentation.item() == -4.0
    assert module.log_variance_segmentation.grad.item() < 0
