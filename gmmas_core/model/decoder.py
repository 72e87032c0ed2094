"""The segmentation decoder of both branches: from the bottleneck through three merges to logits on the input's grid.

With stem stride 2 the last features lie on half the grid; a convolution then predicts the eight voxels of every cell
at once and a shuffle puts them in place, so that nothing but the logits ever exists at full resolution.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from gmmas_core.model.blocks import ActivatedConv, ResidualBlock, UpMerge, conv3, shuffle_to_voxels
from gmmas_core.types import NUM_SEG_CLASSES

Refine = Callable[[int, Tensor], Tensor]
"""(level, features) -> features; level 4 is the coarsest, 2 the finest that is refined."""


@dataclass(frozen=True)
class Decoded:
    """Logits on the input's grid and the refined features by level (4, 3, 2)."""

    logits_BKXYZ: Tensor
    features: dict[int, Tensor]


class SegmentationHead(nn.Module):
    """Finest features to class logits, `stride` times finer."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        cells = NUM_SEG_CLASSES * stride**3
        self.conv = nn.Conv3d(channels, cells, 1) if stride == 1 else conv3(channels, cells)

    def forward(self, x_BCXYZ: Tensor) -> Tensor:
        logits: Tensor = self.conv(x_BCXYZ)
        return logits if self.stride == 1 else shuffle_to_voxels(logits, self.stride)


class Decoder(nn.Module):
    """Bottleneck and skips to segmentation logits."""

    def __init__(self, bottleneck_channels: int, channels: Sequence[int], stride: int) -> None:
        super().__init__()
        finest, fine, coarse, coarsest = channels
        self.shrink = nn.Sequential(ActivatedConv(bottleneck_channels, coarsest), ActivatedConv(coarsest, coarsest))
        self.deepest = ResidualBlock(coarsest)
        self.ups = nn.ModuleList([UpMerge(coarsest, coarse), UpMerge(coarse, fine), UpMerge(fine, finest)])
        self.levels = nn.ModuleList([ResidualBlock(coarse), ResidualBlock(fine), ResidualBlock(finest)])
        self.head = SegmentationHead(finest, stride)

    def forward(self, bottleneck_BCXYZ: Tensor, skips: Sequence[Tensor], refine: Refine) -> Decoded:
        """Decode.

        Args:
            bottleneck_BCXYZ: on the grid of the coarsest encoder level.
            skips: the encoder's features, finest first.
            refine: applied to the features of levels 4, 3 and 2 before they go on.
        """
        x: Tensor = refine(4, self.deepest(self.shrink(bottleneck_BCXYZ)))
        features = {4: x}
        for level, up, block, skip in zip((3, 2, 1), self.ups, self.levels, reversed(skips[:-1])):
            x = block(up(x, skip))
            if level > 1:
                x = refine(level, x)
                features[level] = x
        return Decoded(self.head(x), features)
