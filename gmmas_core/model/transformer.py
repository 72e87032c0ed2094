"""The Transformer bottleneck: every voxel of the coarsest grid is a token that sees all the others.

Attention is written out on nn.Linear and scaled_dot_product_attention, because nn.MultiheadAttention has no per-
sample gradients. The positional table is a small learned volume that is resampled to the grid at hand, so that one
set of weights reads crops and whole brains alike.

Shapes: B batch, N token, E embedding, H head, X Y Z.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gmmas_core.config import ModelConfig
from gmmas_core.model.blocks import ActivatedConv
from gmmas_core.model.placement import resize


class PositionalTable(nn.Module):
    """Adds a learned position, resampled from a cube of `grid` samples per edge."""

    def __init__(self, embed_dim: int, grid: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, embed_dim, grid, grid, grid))

    def forward(self, x_BEXYZ: Tensor) -> Tensor:
        return x_BEXYZ + resize(self.table[0], x_BEXYZ.shape[2:])


class Attention(nn.Module):
    """Multi-head self-attention; its weights are dropped only while the dropout module is in training mode."""

    def __init__(self, embed_dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False)
        self.project = nn.Linear(embed_dim, embed_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BNE: Tensor) -> Tensor:
        """Every token, float (B, tokens, embed_dim), becomes a mixture of all of its case; the same shape."""
        batch, tokens, embed = x_BNE.shape
        qkv: Tensor = self.qkv(x_BNE)
        q, k, v = qkv.reshape(batch, tokens, 3, self.heads, embed // self.heads).permute(2, 0, 3, 1, 4)
        drop = self.dropout.p if self.dropout.training else 0.0
        mixed_BHNE = F.scaled_dot_product_attention(q, k, v, dropout_p=drop)
        out: Tensor = self.dropout(self.project(mixed_BHNE.transpose(1, 2).reshape(batch, tokens, embed)))
        return out


class TransformerLayer(nn.Module):
    """Pre-norm attention and a two-layer perceptron, each with its residual."""

    def __init__(self, embed_dim: int, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(embed_dim)
        self.attention = Attention(embed_dim, heads, dropout)
        self.norm_mlp = nn.LayerNorm(embed_dim)
        self.mlp = nn.Sequential(
            nn.Linear(embed_dim, mlp_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(mlp_dim, embed_dim),
            nn.Dropout(dropout),
        )

    def forward(self, x_BNE: Tensor) -> Tensor:
        attended: Tensor = x_BNE + self.attention(self.norm_attention(x_BNE))
        out: Tensor = attended + self.mlp(self.norm_mlp(attended))
        return out


class TransformerBottleneck(nn.Module):
    """Encoder features to Transformer features on the same grid."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed = ActivatedConv(config.channels[-1], config.embed_dim)
        self.position = PositionalTable(config.embed_dim, config.token_grid)
        self.dropout = nn.Dropout(config.transformer_dropout)
        self.layers = nn.Sequential(
            *(
                TransformerLayer(config.embed_dim, config.transformer_heads, config.mlp_dim, config.transformer_dropout)
                for _ in range(config.transformer_layers)
            )
        )
        self.norm = nn.LayerNorm(config.embed_dim)

    def forward(self, encoded_BCXYZ: Tensor) -> Tensor:
        """(B, C4, X, Y, Z) -> (B, embed_dim, X, Y, Z)."""
        embedded: Tensor = self.position(self.embed(encoded_BCXYZ))
        tokens_BNE = embedded.flatten(2).transpose(1, 2)
        read_BNE: Tensor = self.norm(self.layers(self.dropout(tokens_BNE)))
        return read_BNE.transpose(1, 2).reshape(embedded.shape)
