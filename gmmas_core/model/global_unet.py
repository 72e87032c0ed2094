"""The global branch: a U-Net on the down-sampled whole brain, with stems, weights and a segmentation of its own.

It tells the crop's network what lies around the crop. A case's context is read once and serves all its windows.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from gmmas_core.config import ModelConfig
from gmmas_core.model.blocks import ActivatedConv
from gmmas_core.model.decoder import Decoder
from gmmas_core.model.encoder import Encoder
from gmmas_core.model.fusion import Fusion


@dataclass(frozen=True)
class ContextFeatures:
    """What the global branch knows of one brain (or a batch of them).

    Attributes:
        seg_logits_BKXYZ: its own segmentation, on the context's grid.
        bottleneck_BCXYZ: coarsest features (g4 in the paper).
        decoded: decoder features by level 4, 3, 2 (h4, h3, h2).
    """

    seg_logits_BKXYZ: Tensor
    bottleneck_BCXYZ: Tensor
    decoded: dict[int, Tensor]


class GlobalUNet(nn.Module):
    """Context volume to ContextFeatures."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = config.global_channels
        deepest = channels[-1]
        self.fusion = Fusion(channels[0], config.global_stem_stride, config.stem_dropout)
        self.encoder = Encoder(channels, config.blocks)
        middle = min(2 * deepest, config.global_embed_dim)
        self.middle = nn.Sequential(ActivatedConv(deepest, middle), ActivatedConv(middle, config.global_embed_dim))
        self.decoder = Decoder(config.global_embed_dim, channels, config.global_stem_stride)

    def forward(self, context_BCXYZ: Tensor, available_BC: Tensor) -> ContextFeatures:
        skips = self.encoder(self.fusion(context_BCXYZ, available_BC))
        bottleneck: Tensor = self.middle(skips[-1])
        decoded = self.decoder(bottleneck, skips, _as_it_is)
        return ContextFeatures(decoded.logits_BKXYZ, bottleneck, decoded.features)


def _as_it_is(_level: int, features_BCXYZ: Tensor) -> Tensor:
    return features_BCXYZ
