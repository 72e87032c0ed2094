"""Channel attention that lets the whole-brain branch re-weight the crop's features.

    u = concat(local, global);  s = sigmoid(W [mlp(GAP u), mlp(GMP u)]);  out = conv1(s * u) + local

The descriptors are vectors, so the published 1 x 1 x 1 convolutions on them are written as nn.Linear. Average and
maximum pass through the shared perceptron as two rows of one call. The published form needs as many global as local
channels; here the two may differ, so the global branch can be small.

Source: GMMAS, channel-attention fusion of the local and the global branch.
"""

import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Fuses a global feature map into a local one on the same grid."""

    def __init__(self, local_channels: int, global_channels: int) -> None:
        super().__init__()
        both = local_channels + global_channels
        self.mlp = nn.Sequential(nn.Linear(both, both // 8, bias=False), nn.ReLU(), nn.Linear(both // 8, both))
        self.gate = nn.Linear(2 * both, both)
        self.project = nn.Conv3d(both, local_channels, 1)

    def forward(self, local_BCXYZ: Tensor, global_BCXYZ: Tensor) -> Tensor:
        """(B, CL, X, Y, Z) and (B, CG, X, Y, Z) -> (B, CL, X, Y, Z), residual on the local map."""
        both_BCXYZ = torch.cat([local_BCXYZ, global_BCXYZ], dim=1)
        voxels = (2, 3, 4)
        descriptor_B2C = torch.stack([both_BCXYZ.mean(dim=voxels), both_BCXYZ.amax(dim=voxels)], dim=1)
        gate_BC = torch.sigmoid(self.gate(self.mlp(descriptor_B2C).flatten(1)))
        fused: Tensor = local_BCXYZ + self.project(both_BCXYZ * gate_BC[:, :, None, None, None])
        return fused
