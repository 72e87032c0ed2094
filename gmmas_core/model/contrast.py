"""Projector and predictor of the contrastive stage: beside the network while it trains, never in a released model.

LayerNorm without parameters stands where SimSiam has BatchNorm: a batch is two crops, statistics over it would be
noise and are illegal under differential privacy.

Shapes: B batch, E embedding.
Source: Chen & He 2021, SimSiam (arXiv 2011.10566); GMMAS, second stage of the adaptation module.
"""

import torch
from torch import Tensor, nn


class ContrastHeads(nn.Module):
    """Features of one crop to its projection and to the guess of the other view's projection."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        narrow = max(8, embed_dim // 4)
        self.projector = nn.Sequential(
            *_linear_norm_relu(embed_dim, embed_dim),
            *_linear_norm_relu(embed_dim, embed_dim),
            nn.Linear(embed_dim, embed_dim),
            nn.LayerNorm(embed_dim, elementwise_affine=False),
        )
        self.predictor = nn.Sequential(*_linear_norm_relu(embed_dim, narrow), nn.Linear(narrow, embed_dim))

    def forward(self, bottleneck_BEXYZ: Tensor) -> tuple[Tensor, Tensor]:
        """Projection z and prediction p of each sample, (B, E) both, from the bottleneck's average over voxels."""
        z_BE: Tensor = self.projector(bottleneck_BEXYZ.float().mean(dim=(2, 3, 4)))
        p_BE: Tensor = self.predictor(z_BE)
        return z_BE, p_BE


def _linear_norm_relu(width_in: int, width_out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(width_in, width_out), nn.LayerNorm(width_out, elementwise_affine=False), nn.ReLU()


def build_contrast_heads(embed_dim: int, seed: int) -> ContrastHeads:
    """Freshly initialised heads, the same for the same arguments; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ContrastHeads(embed_dim)
