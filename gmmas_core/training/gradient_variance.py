"""How much the stochastic gradient varies from step to step: what a precision-weighted mean weighs a site by.

Welford's algorithm per parameter over the steps of a round, on the gradient before it is clipped. What the gradient
changes because the weights move counts as variance too; over the few steps of a round there is no telling the two
apart. A parameter that a step gives no gradient counts as 0 in that step.

Source: Welford 1962; FIVA (arXiv 2508.09196) weighs by the inverse of this variance.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import Metric, Sum, Task


class GradientVariance:
    """Watches the gradients of one round; twice the parameters' memory."""

    def __init__(self) -> None:
        self.steps = 0
        self._mean: dict[str, Tensor] = {}
        self._squares: dict[str, Tensor] = {}
        self._moved: set[str] = set()

    @torch.no_grad()
    def watch(self, model: nn.Module) -> None:
        """Count the gradients that the model's parameters hold now."""
        self.steps += 1
        for name, parameter in model.named_parameters():
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.float()
            if name not in self._mean:
                self._mean[name], self._squares[name] = torch.zeros_like(gradient), torch.zeros_like(gradient)
            if bool(gradient.any()):
                self._moved.add(group_of(name))
            deviation = gradient - self._mean[name]
            self._mean[name] += deviation / self.steps
            self._squares[name] += deviation * (gradient - self._mean[name])

    def metrics(self, tasks: Sequence[Task]) -> dict[str, Metric]:
        """`signal.gradient_variance.<group>`: the unbiased variance, mean over the group's parameters, over steps.

        Args:
            tasks: image-level tasks; with them the keys are the same at every site.

        Returns:
            Sum(variance times steps, steps) per group; count 0 after fewer than two steps and for a group that never
            had a gradient, of which nothing is known.
        """
        total, size = dict.fromkeys(GROUPS(tasks), 0.0), dict.fromkeys(GROUPS(tasks), 0)
        for name, squares in self._squares.items():
            total[group_of(name)] += float(squares.double().sum())
            size[group_of(name)] += squares.numel()
        known = self._moved if self.steps >= 2 else set()
        return {
            f"signal.gradient_variance.{group}": (
                Sum(total[group] / (self.steps - 1) / size[group] * self.steps, self.steps)
                if group in known
                else Sum(0.0, 0)
            )
            for group in GROUPS(tasks)
        }
