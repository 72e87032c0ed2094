"""How much memory a training step takes at least, from the configuration alone, before a network is built.

Kept for the backward pass: about 19 float32 maps per residual block, counted on the three shipped networks on a CPU
(38 MB to 3.8 GB, the estimate within a tenth). With bfloat16 about half of it is kept. Parameters count four times:
value, gradient and AdamW's two moments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmmas_core.config import Config, ModelConfig

MAPS_PER_BLOCK = 19
FLOAT_BYTES = 4
TWO_VIEWS = ("distill", "contrast", "finetune")
"""Stages that show every crop twice."""


def step_bytes(config: Config) -> int:
    """Bytes of one training step in float32, of the most demanding stage of the curriculum."""
    views = 2 if any(entry.stage in TWO_VIEWS for entry in config.curriculum.stages) else 1
    maps = FLOAT_BYTES * MAPS_PER_BLOCK * config.training.batch_size * views * _map_voxels(config.model)
    return round(maps + 4 * FLOAT_BYTES * _parameters(config.model))


def _map_voxels(model: ModelConfig) -> float:
    """Voxels times channels times blocks, over the levels of the crop's branch and of the whole brain's."""
    levels = enumerate(zip(model.channels, model.blocks, strict=True))
    crop, context = model.crop_size / model.stem_stride, model.context_size / model.global_stem_stride
    local = sum(width * blocks * (crop * 0.5**level) ** 3 for level, (width, blocks) in levels)
    whole = sum(width * (context * 0.5**level) ** 3 for level, width in enumerate(model.global_channels))
    return local + whole


def _parameters(model: ModelConfig) -> int:
    """Of the convolutions (two of 3 x 3 x 3 per block) and of the transformer, which are nearly all."""
    convolutions = sum(54 * blocks * width**2 for width, blocks in zip(model.channels, model.blocks, strict=True))
    width = model.embed_dim
    transformer = model.transformer_layers * (4 * width**2 + 2 * width * model.mlp_dim)
    return convolutions + sum(54 * width**2 for width in model.global_channels) + transformer
