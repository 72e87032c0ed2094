"""The CNN encoder: four levels of residual blocks, a strided convolution between them.

The published code runs four identical strided convolutions on the same fused map and averages them; a mean of linear
maps is one linear map, so there is one.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from gmmas_core.model.blocks import ResidualBlock, conv3


class Encoder(nn.Module):
    """Fused map to the features of four levels, finest first."""

    def __init__(self, channels: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(count))) for width, count in zip(channels, blocks)
        )
        self.downs = nn.ModuleList(conv3(fine, coarse, stride=2) for fine, coarse in pairwise(channels))

    def forward(self, fused_BCXYZ: Tensor) -> list[Tensor]:
        """(B, C1, X, Y, Z) -> [(B, C1, X, Y, Z), (B, C2, X/2, ...), (B, C3, X/4, ...), (B, C4, X/8, ...)]."""
        features = [self.levels[0](fused_BCXYZ)]
        for down, level in zip(self.downs, self.levels[1:]):
            features.append(level(down(features[-1])))
        return features
