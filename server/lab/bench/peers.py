"""The networks ours is measured against, as their own project builds them for four sequences and four labels."""

from collections.abc import Callable, Mapping

from monai.networks.nets import DynUNet, SegResNet, SwinUNETR
from torch import nn

from gmmas_core.types import NUM_SEG_CLASSES, SEQUENCES

_IN, _OUT = len(SEQUENCES), NUM_SEG_CLASSES


def segresnet() -> nn.Module:
    """MONAI SegResNet with 16 filters, as in MONAI's BraTS bundle."""
    network: nn.Module = SegResNet(init_filters=16, in_channels=_IN, out_channels=_OUT)
    return network


def dynunet() -> nn.Module:
    """MONAI DynUNet in nnU-Net's shape for a 64-voxel crop: five levels, 32 to 320 filters."""
    network: nn.Module = DynUNet(
        spatial_dims=3,
        in_channels=_IN,
        out_channels=_OUT,
        kernel_size=[3] * 5,
        strides=[1, 2, 2, 2, 2],
        upsample_kernel_size=[2] * 4,
        filters=[32, 64, 128, 256, 320],
    )
    return network


def swinunetr() -> nn.Module:
    """MONAI SwinUNETR with feature size 24."""
    network: nn.Module = SwinUNETR(in_channels=_IN, out_channels=_OUT, feature_size=24)
    return network


PEERS: Mapping[str, Callable[[], nn.Module]] = {"SegResNet": segresnet, "DynUNet": dynunet, "SwinUNETR": swinunetr}
