"""From any subset of sequences to one feature map: a stem per sequence and a learned, availability-aware weighted mean.

The published fusion is F = sum_m a_m w_m conv_m(x_m) / sum_m a_m w_m with w_m = exp(v_m - 1) and a_m the
availability. The stems are linear, so F equals one dense convolution of the coefficient-scaled image with the stems'
kernels side by side: the same number, without four full-resolution feature maps. For that reason the stems have no
bias (a weighted mean of biases would be one more coefficient per subset; the following GroupNorm makes it
superfluous). Each sequence's kernel stays its own Parameter, because a site without a sequence must not speak for its
stem.

An absent sequence is replaced by zeros before any arithmetic, so nothing that its channel holds, NaN included, can
reach the output. With no sequence at all the fused map is zero and everything downstream stays finite.

Source: GMMAS, modality-weighted fusion.
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from gmmas_core.types import SEQUENCES


class SequenceWeights(nn.Module):
    """One learned weight per sequence; the coefficients of those available sum to one."""

    def __init__(self) -> None:
        super().__init__()
        for sequence in SEQUENCES:
            self.register_parameter(f"v_{sequence}", nn.Parameter(torch.ones(1)))

    def forward(self, available_BC: Tensor) -> Tensor:
        """Float availability (0 or 1) to coefficients (B, C); all zero where nothing is available."""
        v_C = torch.cat([getattr(self, f"v_{sequence}") for sequence in SEQUENCES])
        weight_BC = available_BC * torch.exp(v_C - 1.0)
        total_B1 = weight_BC.sum(dim=1, keepdim=True)
        nothing_B1 = (available_BC.sum(dim=1, keepdim=True) == 0).to(weight_BC.dtype)
        return weight_BC / (total_B1 + nothing_B1)


def learned_weights(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, dict[str, float]]:
    """How loudly each sequence speaks in the local and in the global branch when all four are there.

    The weights scale the images before the stems, whose kernels may undo it: a large one is a hint, not a proof, of a
    sequence's worth.

    Args:
        weights: of the network, by parameter name.

    Returns:
        "local" and "global" -> sequence -> share, which sum to 1 per branch.
    """
    shares = {}
    for branch, prefix in (("local", ""), ("global", "global_unet.")):
        v_C = np.array([float(weights[f"{prefix}fusion.weights.v_{sequence}"].item()) for sequence in SEQUENCES])
        weight_C = np.exp(v_C - v_C.max())
        shares[branch] = dict(zip(SEQUENCES, (weight_C / weight_C.sum()).tolist(), strict=True))
    return shares


class SequenceStems(nn.Module):
    """The four stems' 3 x 3 x 3 kernels, applied to all sequences in one dense convolution."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        for sequence in SEQUENCES:
            kernel = nn.init.kaiming_normal_(torch.empty(channels, 1, 3, 3, 3), nonlinearity="linear")
            self.register_parameter(f"weight_{sequence}", nn.Parameter(kernel))

    def forward(self, scaled_BCXYZ: Tensor) -> Tensor:
        kernel = torch.cat([getattr(self, f"weight_{sequence}") for sequence in SEQUENCES], dim=1)
        return F.conv3d(scaled_BCXYZ, kernel, stride=self.stride, padding=1)


class Fusion(nn.Module):
    """Image and availability to the fused feature map."""

    def __init__(self, channels: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.weights = SequenceWeights()
        self.stem = SequenceStems(channels, stride)
        self.dropout = nn.Dropout3d(dropout)

    def forward(self, image_BCXYZ: Tensor, available_BC: Tensor) -> Tensor:
        """Fuse the available sequences.

        Args:
            image_BCXYZ: float32, sequences in SEQUENCES' order; absent ones may hold anything.
            available_BC: bool.

        Returns:
            (B, channels, X / stride, Y / stride, Z / stride).
        """
        seen_BCXYZ = available_BC[:, :, None, None, None]
        clean_BCXYZ = torch.where(seen_BCXYZ, image_BCXYZ, 0.0)
        coefficient_BC: Tensor = self.weights(available_BC.to(image_BCXYZ.dtype))
        fused: Tensor = self.dropout(self.stem(clean_BCXYZ * coefficient_BC[:, :, None, None, None]))
        return fused
