"""The convolutional bricks that the local and the global branch are both built of.

GroupNorm stands where the published code has BatchNorm: batches are small, sites drift, and batch statistics are
illegal under differential privacy. Nothing works in place and no module keeps a buffer, so that per-sample gradients
exist for every parameter and nothing but trained weights travels between sites.

Shapes: B batch, C channel, X Y Z right-anterior-superior.
"""

import math

import torch
from torch import Tensor, nn

LEAK = 0.01
"""Slope of every LeakyReLU, as published."""


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm of at most 8 groups with at least 2 channels each."""
    return nn.GroupNorm(math.gcd(8, max(channels // 2, 1)), channels)


def conv3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv3d:
    """3 x 3 x 3 convolution that keeps the grid (or halves it, stride 2, on even edges)."""
    return nn.Conv3d(channels_in, channels_out, 3, stride=stride, padding=1)


class ActivatedConv(nn.Module):
    """GroupNorm, LeakyReLU, 3 x 3 x 3 convolution: the pre-activation unit."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm = group_norm(channels_in)
        self.activation = nn.LeakyReLU(LEAK)
        self.conv = conv3(channels_in, channels_out)

    def forward(self, x_BCXYZ: Tensor) -> Tensor:
        out: Tensor = self.conv(self.activation(self.norm(x_BCXYZ)))
        return out


class ResidualBlock(nn.Module):
    """Two pre-activation units and the identity (the published EnBlock, DeBlock and EnBlock2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ActivatedConv(channels, channels)
        self.second = ActivatedConv(channels, channels)

    def forward(self, x_BCXYZ: Tensor) -> Tensor:
        out: Tensor = x_BCXYZ + self.second(self.first(x_BCXYZ))
        return out


class UpMerge(nn.Module):
    """Doubles the grid and merges the encoder's features of that grid (the published DeUp_Cat)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.reduce = nn.Conv3d(channels_in, channels_out, 1)
        self.up = nn.ConvTranspose3d(channels_out, channels_out, 2, stride=2)
        self.merge = nn.Conv3d(2 * channels_out, channels_out, 1)

    def forward(self, x_BCXYZ: Tensor, skip_BCXYZ: Tensor) -> Tensor:
        out: Tensor = self.merge(torch.cat([skip_BCXYZ, self.up(self.reduce(x_BCXYZ))], dim=1))
        return out


def shuffle_to_voxels(x_BCXYZ: Tensor, factor: int) -> Tensor:
    """3-D pixel shuffle: (B, C f^3, X, Y, Z) -> (B, C, f X, f Y, f Z).

    Costs one copy, where a transposed convolution or a trilinear resize at full resolution costs as much as a block.
    """
    batch, channels, *grid = x_BCXYZ.shape
    split = x_BCXYZ.reshape(batch, channels // factor**3, factor, factor, factor, *grid)
    voxels = split.permute(0, 1, 5, 2, 6, 3, 7, 4)
    return voxels.reshape(batch, channels // factor**3, *(factor * edge for edge in grid))
