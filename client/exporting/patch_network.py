"""The network as other tools call it: tensors in, tensors out, probabilities calibrated, the order of everything fixed.

Shapes: B batch, C sequence, X Y Z crop, N context, K class, T task.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gmmas_core.calibration import temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.inference.classify import probabilities
from gmmas_core.model.global_unet import ContextFeatures
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import SEQUENCES, Prediction, Task

INPUTS = ("image", "available", "context", "box")
OUTPUTS = ("segmentation_logits", "class_probability")


class PatchNetwork(nn.Module):
    """A crop, the whole brain around it and its place in it -> segmentation logits and class probabilities."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.model = frozen(loaded)
        self.answer = Answer(loaded)

    def forward(
        self, image_BCXYZ: Tensor, available_BC: Tensor, context_BCNNN: Tensor, box_B23: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Arguments as in `Batch`; returns (B, K, X, Y, Z) logits and (B, T) probabilities of class 1."""
        answer: tuple[Tensor, Tensor] = self.answer(self.model(image_BCXYZ, available_BC, context_BCNNN, box_B23))
        return answer


class ContextReader(nn.Module):
    """The whole brain, read once for all crops of it."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.global_unet = frozen(loaded).global_unet

    def forward(self, context_BCNNN: Tensor, available_BC: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `CropReader` wants of it: the bottleneck and the decoder's levels 4, 3 and 2."""
        read: ContextFeatures = self.global_unet(context_BCNNN, available_BC)
        return read.bottleneck_BCXYZ, read.decoded[4], read.decoded[3], read.decoded[2]


class CropReader(nn.Module):
    """A crop of a brain whose context has been read."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.model = frozen(loaded)
        del self.model.global_unet  # its weights are in the other half
        self.answer = Answer(loaded)

    def forward(
        self,
        image_BCXYZ: Tensor,
        available_BC: Tensor,
        box_B23: Tensor,
        bottleneck_BCXYZ: Tensor,
        level4_BCXYZ: Tensor,
        level3_BCXYZ: Tensor,
        level2_BCXYZ: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As `PatchNetwork`."""
        decoded = {4: level4_BCXYZ, 3: level3_BCXYZ, 2: level2_BCXYZ}
        context = ContextFeatures(bottleneck_BCXYZ, bottleneck_BCXYZ, decoded)  # its own segmentation is not read here
        answer: tuple[Tensor, Tensor] = self.answer(self.model.read_crop(image_BCXYZ, available_BC, context, box_B23))
        return answer


class Answer(nn.Module):
    """A prediction as two tensors, each head's logits divided by its temperature."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.tasks = loaded.config.task_list
        self.temperatures: Mapping[Task, float] = temperatures_of(loaded.calibration, self.tasks)

    def forward(self, prediction: Prediction) -> tuple[Tensor, Tensor]:
        """Logits and, in the order of the tasks, P(class 1); of codeletion the marginal."""
        seg = prediction.seg_logits_BKXYZ
        answers = probabilities(prediction.class_logits, self.temperatures)
        listed = [answers[task] for task in self.tasks]
        return seg, torch.stack(listed, dim=1) if listed else seg.new_zeros((seg.shape[0], 0))


def frozen(loaded: LoadedModel) -> GMMAS:
    """A copy of the network that nobody trains."""
    model = copy.deepcopy(loaded.model).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def example(loaded: LoadedModel, available: tuple[bool, ...] = (True,) * len(SEQUENCES)) -> dict[str, Tensor]:
    """Inputs of the right shapes, by name, the same for the same model; noise, of nobody."""
    random = torch.Generator().manual_seed(0)
    edge, context, channels = loaded.config.model.crop_size, loaded.config.model.context_size, len(SEQUENCES)
    corners = torch.tensor([[[-0.4, -0.6, -0.5], [0.5, 0.2, 0.7]]])
    return {
        "image": torch.randn((1, channels, edge, edge, edge), generator=random),
        "available": torch.tensor([available]),
        "context": torch.randn((1, channels, context, context, context), generator=random),
        "box": corners,
    }
