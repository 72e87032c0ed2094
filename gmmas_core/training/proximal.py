"""FedProx: a pull of the local weights towards those that the round began with.

    loss + mu / 2 |theta - theta_0|^2

over all trained parameters. theta_0 is what the model holds when the stage begins: the received weights and, of groups
that stay at the site, the site's own. Sites that differ much then drift apart less in the same number of steps.

Source: Li et al. 2020 (arXiv 1812.06127).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gmmas_core.losses import LossReport
from gmmas_core.training.loop import LossFunction
from gmmas_core.types import Batch, Prediction, Sum

PROXIMAL = "train-loss.proximal"


def proximal(loss: LossFunction, model: nn.Module, mu: float) -> LossFunction:
    """A stage's loss with the pull added to its total; the weights of now are the anchor.

    Args:
        loss: of the stage.
        model: whose parameters are trained.
        mu: weight of the pull, above 0.
    """
    trained = _anchored(model)

    def pulled(prediction: Prediction, batch: Batch) -> LossReport:
        report = loss(prediction, batch)
        distances = [(parameter - anchor).square().sum() for parameter, anchor in trained]
        pull: Tensor = mu / 2 * torch.stack(distances).sum()
        total = report.total + pull
        parts = {"train-loss.total": Sum(float(total.detach()), 1), PROXIMAL: Sum(float(pull.detach()), 1)}
        return LossReport(total=total, parts={**report.parts, **parts})

    return pulled


def pull(model: nn.Module, mu: float) -> Callable[[], None]:
    """The pull's gradient by itself; the weights of now are the anchor.

    It depends on nothing but the weights, so where gradients carry noise it is added after the noise.

    Args:
        model: whose parameters are trained.
        mu: weight of the pull, 0 for none.

    Returns:
        Adds mu (theta - theta_0) to the gradients that the parameters hold when it is called.
    """
    trained = _anchored(model) if mu else []

    def add() -> None:
        for parameter, anchor in trained:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - anchor, alpha=mu)

    return add


def _anchored(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(parameter, parameter.detach().clone()) for parameter in model.parameters() if parameter.requires_grad]
