"""Homoscedastic uncertainty: one learned log-variance per task decides how loudly its loss speaks.

    weighted = exp(-s) / 2 * loss + s / 2        (Kendall et al. 2018, regression form)
    weighted = exp(-s) / 2 * loss + s            (the published ancestor's regulariser)

Dice is not a likelihood: as it nears zero s would run to minus infinity, hence the limit. The parameters sit in a
module with a single tensor input, so that per-sample gradients exist for them too.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmmas_core.config import LossConfig
from gmmas_core.types import Task

SEGMENTATION = "segmentation"
REGULARISER_SCALE = {"half_s": 0.5, "s": 1.0}


class LogVariances(nn.Module):
    """Learned log-variances of segmentation and of every task, in this order."""

    def __init__(self, tasks: Sequence[Task], config: LossConfig) -> None:
        super().__init__()
        self.names = (SEGMENTATION, *(task.value for task in tasks))
        self.limit = config.log_variance_limit
        self.scale = REGULARISER_SCALE[config.regulariser]
        for name in self.names:
            self.register_parameter(f"log_variance_{name}", nn.Parameter(torch.zeros(1)))

    def forward(self, losses_BT1: Tensor) -> Tensor:
        """Weigh the losses of a batch.

        Args:
            losses_BT1: loss per sample, segmentation first, then the tasks.

        Returns:
            Weighted losses of the same shape, regulariser included; the caller masks what a sample has no label for.
        """
        s_T1 = torch.cat([getattr(self, f"log_variance_{name}") for name in self.names])
        s_T1 = s_T1.clamp(-self.limit, self.limit)
        return 0.5 * torch.exp(-s_T1) * losses_BT1 + self.scale * s_T1

    @torch.no_grad()
    def project(self) -> None:
        """Bring every log-variance back to the limit it has stepped over, from where its gradient can lead it back."""
        for parameter in self.parameters():
            parameter.clamp_(-self.limit, self.limit)

    def values(self) -> dict[str, float]:
        """Log-variance per task ("segmentation" is one), as it is used."""
        limit = self.limit
        return {
            name: min(max(float(self.get_parameter(f"log_variance_{name}").detach()), -limit), limit)
            for name in self.names
        }
