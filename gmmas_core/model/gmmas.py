"""The assembly: local CNN-Transformer, global U-Net, channel attention between them, segmentation and task heads.

What the crop's network reads of the global branch is resampled to the crop's own place in the brain (the published
code fuses maps of different regions voxel by voxel). Logits leave the network, dropout is off in eval mode,
availability is a mask.

Source: GMMAS (Liu et al., arXiv 2501.17758) and its published network definition.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmmas_core.config import Config, LossConfig, ModelConfig
from gmmas_core.model.channel_attention import ChannelAttention
from gmmas_core.model.contrast import ContrastHeads, build_contrast_heads
from gmmas_core.model.decoder import Decoder
from gmmas_core.model.encoder import Encoder
from gmmas_core.model.fusion import Fusion
from gmmas_core.model.global_unet import ContextFeatures, GlobalUNet
from gmmas_core.model.heads import TaskHeads
from gmmas_core.model.log_variances import LogVariances
from gmmas_core.model.placement import place
from gmmas_core.model.probability import check_tasks
from gmmas_core.model.transformer import TransformerBottleneck
from gmmas_core.types import Prediction, Task


class GMMAS(nn.Module):
    """The whole network; every parameter has a group, nothing but parameters is in its state."""

    def __init__(self, config: ModelConfig, tasks: Sequence[Task], loss: LossConfig) -> None:
        super().__init__()
        channels, wide = config.channels, config.global_channels
        self.fusion = Fusion(channels[0], config.stem_stride, config.stem_dropout)
        self.encoder = Encoder(channels, config.blocks)
        self.transformer = TransformerBottleneck(config)
        self.global_unet = GlobalUNet(config)
        self.attention = nn.ModuleDict(
            {
                "bottleneck": ChannelAttention(config.embed_dim, config.global_embed_dim),
                "level4": ChannelAttention(channels[3], wide[3]),
                "level3": ChannelAttention(channels[2], wide[2]),
                "level2": ChannelAttention(channels[1], wide[1]),
            }
        )
        self.decoder = Decoder(config.embed_dim, channels, config.stem_stride)
        self.heads = TaskHeads(config, tasks)
        self.uncertainty = LogVariances(tasks, loss)
        self.contrast: ContrastHeads | None = None

    def forward(self, image_BCXYZ: Tensor, available_BC: Tensor, context_BCXYZ: Tensor, box_B23: Tensor) -> Prediction:
        """Read crops with their contexts; arguments as in `Batch`."""
        context = self.read_context(context_BCXYZ, available_BC)
        return self.read_crop(image_BCXYZ, available_BC, context, box_B23)

    def read_context(self, context_BCXYZ: Tensor, available_BC: Tensor) -> ContextFeatures:
        """Read the down-sampled whole brain once, for any number of its crops."""
        features: ContextFeatures = self.global_unet(context_BCXYZ, available_BC)
        return features

    def read_crop(
        self, image_BCXYZ: Tensor, available_BC: Tensor, context: ContextFeatures, box_B23: Tensor
    ) -> Prediction:
        """Read crops whose context has been read.

        Args:
            image_BCXYZ: float32; every edge a multiple of 8 x stem_stride, else free.
            available_BC: bool.
            context: of the same batch, or of batch 1: one brain that all crops belong to.
            box_B23: the crops' corners in context coordinates.
        """
        skips = self.encoder(self.fusion(image_BCXYZ, available_BC))
        encoded = skips[-1]
        transformed: Tensor = self.transformer(encoded)

        def attend(where: str, local_BCXYZ: Tensor, whole_BCXYZ: Tensor) -> Tensor:
            fused: Tensor = self.attention[where](local_BCXYZ, place(whole_BCXYZ, box_B23, local_BCXYZ.shape[2:]))
            return fused

        def refine(level: int, local_BCXYZ: Tensor) -> Tensor:
            return attend(f"level{level}", local_BCXYZ, context.decoded[level])

        bottleneck = attend("bottleneck", transformed, context.bottleneck_BCXYZ)
        return Prediction(
            seg_logits_BKXYZ=self.decoder(bottleneck, skips, refine).logits_BKXYZ,
            context_seg_logits_BKXYZ=context.seg_logits_BKXYZ,
            class_logits=self.heads(encoded, bottleneck),
            encoder_BFXYZ=encoded,
            bottleneck_BFXYZ=transformed,
        )


def build_model(config: ModelConfig, tasks: Sequence[Task], *, loss: LossConfig, seed: int) -> GMMAS:
    """A freshly initialised network, the same for the same arguments; the global random state is left as it was.

    Raises:
        ConfigError: codeletion without IDH among the tasks.
    """
    check_tasks(tuple(tasks))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GMMAS(config, tasks, loss)
        model.apply(_initialise)
    _start_undecided(model)
    return model


def build_training_model(config: Config) -> GMMAS:
    """What the federation trains: the network and, where the curriculum has a contrastive stage, its heads.

    The heads come last, so that the network starts from the same values with and without them.
    """
    model = build_model(config.model, config.task_list, loss=config.loss, seed=config.seed)
    if config.has_contrast:
        model.contrast = build_contrast_heads(config.model.embed_dim, config.seed)
    return model


def released(model: GMMAS, config: Config) -> GMMAS:
    """A copy without the heads of the contrastive stage."""
    bare = build_model(config.model, config.task_list, loss=config.loss, seed=config.seed)
    kept = {name: value for name, value in model.state_dict().items() if not name.startswith("contrast.")}
    bare.load_state_dict(kept)
    return bare


def _initialise(module: nn.Module) -> None:
    """He initialisation of convolutions, truncated normal of linears, zero biases."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="leaky_relu")
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


@torch.no_grad()
def _start_undecided(model: GMMAS) -> None:
    """Shrink the last layers, so that every first answer is close to even odds."""
    model.decoder.head.conv.weight.mul_(0.1)
    model.global_unet.decoder.head.conv.weight.mul_(0.1)
    for task in model.heads.tasks:
        model.heads[task].logits.weight.mul_(0.1)
