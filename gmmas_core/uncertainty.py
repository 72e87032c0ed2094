"""What several stochastic passes over one case say about how sure the network is.

Total doubt (predictive entropy of the mean) splits into doubt that the passes share (expected entropy, aleatoric) and
doubt about the model itself (mutual information, epistemic). All in nats. Passes are added one at a time, so the
memory needed for a whole brain does not grow with their number.

Shapes: M passes, K classes, X Y Z voxels.
Source: Gal & Ghahramani 2016 (arXiv 1506.02142) and Depeweg et al. 2018 (arXiv 1710.07283).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmmas_core.types import Task


def entropy(prob_K: Tensor, dim: int = 0) -> Tensor:
    """Shannon entropy over the class axis, in nats; 0 log 0 is 0.

    Args:
        prob_K: class probabilities along `dim`, any other axes.
        dim: the class axis, which disappears.
    """
    return torch.sum(torch.special.entr(prob_K), dim)


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Three entropies of one shape, in nats: `predictive = expected + mutual_information`.

    Attributes:
        mean_K: mean probability over the passes, with its class axis.
        predictive: entropy of the mean.
        expected: mean entropy of the passes (aleatoric).
        mutual_information: what the passes disagree about (epistemic), never negative.
    """

    mean_K: Tensor
    predictive: Tensor
    expected: Tensor
    mutual_information: Tensor


class Passes:
    """A running sum over stochastic passes; the class axis is the first.

    Sums are kept in float32 at least, whatever the passes' precision.
    """

    def __init__(self) -> None:
        self.count = 0
        self._prob_K = torch.zeros(())
        self._entropy = torch.zeros(())

    def add(self, prob_K: Tensor) -> None:
        """Count one pass.

        Args:
            prob_K: class probabilities (K, ...) that sum to 1 over the first axis; the same shape in every pass.

        Raises:
            ValueError: if the shape differs from the first pass.
        """
        if self.count and prob_K.shape != self._prob_K.shape:
            raise ValueError(
                f"pass {self.count + 1}: found shape {tuple(prob_K.shape)}; expected {tuple(self._prob_K.shape)}"
            )
        prob_K = prob_K.to(torch.promote_types(prob_K.dtype, torch.float32))
        self._prob_K = prob_K + self._prob_K.to(prob_K.device)
        self._entropy = entropy(prob_K) + self._entropy.to(prob_K.device)
        self.count += 1

    def doubt(self) -> Doubt:
        """The decomposition over all passes so far.

        Raises:
            ValueError: before the first pass.
        """
        if not self.count:
            raise ValueError("no pass was added; expected at least one")
        mean_K, expected = self._prob_K / self.count, self._entropy / self.count
        predictive = entropy(mean_K)
        # Jensen's inequality holds exactly; rounding may leave -1e-8 where all passes agree.
        information = (predictive - expected).clamp_min(0)
        return Doubt(mean_K=mean_K, predictive=predictive, expected=expected, mutual_information=information)


def decompose(prob_MK: Sequence[Tensor] | Tensor) -> Doubt:
    """The decomposition of passes that are all at hand, each (K, ...)."""
    passes = Passes()
    for prob_K in prob_MK:
        passes.add(prob_K)
    return passes.doubt()


@dataclass(frozen=True, kw_only=True)
class TaskDoubt:
    """The same three entropies of one image-level question, as numbers in nats."""

    predictive: float
    aleatoric: float
    epistemic: float


def decompose_tasks(prob_M: Mapping[Task, Tensor]) -> dict[Task, TaskDoubt]:
    """Doubt per image-level task.

    Args:
        prob_M: P(class 1) of every pass, (M,), per task.

    Returns:
        One entry per task given.
    """
    found: dict[Task, TaskDoubt] = {}
    for task, positive_M in prob_M.items():
        positive_M = positive_M.double()
        doubt = decompose(torch.stack([1 - positive_M, positive_M], dim=1))
        found[task] = TaskDoubt(
            predictive=doubt.predictive.item(),
            aleatoric=doubt.expected.item(),
            epistemic=doubt.mutual_information.item(),
        )
    return found


def mean_inside(value_XYZ: Tensor, mask_XYZ: Tensor) -> float | None:
    """Mean of a voxel map inside a boolean mask; None when the mask is empty."""
    return value_XYZ[mask_XYZ].double().mean().item() if mask_XYZ.any() else None
