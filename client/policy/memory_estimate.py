"""How much memory a training step takes at least, from the configuration alone, before a network is built.

Kept for the backward pass: about 19 float32 maps per residual block, counted on the three shipped networks on a CPU
(38 MB to 3.8 GB, the estimate within a tenth), and what the transformer keeps per token. With bfloat16 about half of it
is kept. Parameters count four times: value, gradient and AdamW's two moments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmmas_core.config import Config, ModelConfig

MAPS_PER_BLOCK = 19
FLOAT_BYTES = 4
TWO_VIEWS = ("distill", "contrast", "finetune")
"""Stages that show every crop twice."""

_counted: dict[str, int] = {}
"""Configuration, as text -> parameters: drawing up a network takes 80 ms, and every message of a run asks again."""


def step_bytes(config: Config) -> int:
    """Bytes of one training step in float32, of the most demanding stage of the curriculum.

    The network is drawn up for its number of parameters, without memory of its own.
    """
    model = config.model
    kept = MAPS_PER_BLOCK * _map_voxels(model) + model.transformer_layers * _tokens(model) * _token_width(model)
    return round(FLOAT_BYTES * _views(config) * kept + 4 * FLOAT_BYTES * _parameters(config))


def attention_bytes(config: Config) -> int:
    """Bytes of every token's look at every other, kept beside the rest on a CPU; a card's kernels keep none."""
    model = config.model
    return FLOAT_BYTES * _views(config) * model.transformer_layers * model.transformer_heads * _tokens(model) ** 2


def _views(config: Config) -> int:
    """Crops that are shown in one step."""
    return config.training.batch_size * (
        2 if any(entry.stage in TWO_VIEWS for entry in config.curriculum.stages) else 1
    )


def _map_voxels(model: ModelConfig) -> float:
    """Voxels times channels times blocks, over the levels of the crop's branch and of the whole brain's."""
    levels = enumerate(zip(model.channels, model.blocks, strict=True))
    crop, context = model.crop_size / model.stem_stride, model.context_size / model.global_stem_stride
    local = sum(width * blocks * (crop * 0.5**level) ** 3 for level, (width, blocks) in levels)
    whole = sum(width * (context * 0.5**level) ** 3 for level, width in enumerate(model.global_channels))
    return local + whole


def _tokens(model: ModelConfig) -> int:
    return (model.crop_size // (8 * model.stem_stride)) ** 3


def _token_width(model: ModelConfig) -> int:
    """Numbers that a layer of the transformer keeps per token: around both norms, query, key, value, and inside."""
    return 10 * model.embed_dim + 2 * model.mlp_dim


def _parameters(config: Config) -> int:
    from torch import device

    from gmmas_core.model.gmmas import build_training_model

    asked = repr(config)
    if asked not in _counted:
        with device("meta"):
            _counted[asked] = sum(value.numel() for value in build_training_model(config).parameters())
    return _counted[asked]
