"""The whole reading of a prepared brain as one TorchScript program, for tools that know neither contexts nor windows.

The traced network reads crops of one size; this scripted shell around it makes the context volume, walks the windows
(as `gmmas_core.inference.segment` does with MONAI's sliding window), blends them, finds the tumour and reads the
classes from the crop on it. TorchScript, because it is what MONAI's tools load without our code beside it; a
`torch.export` program has no such walk, and a pickled state would need our classes to be read and could run code.

Of a case's evaluation settings the overlap is built in; mirror images, one-pass reading, stochastic passes and
post-processing are not. Shapes: C sequence, X Y Z brain crop, K class, T task.
"""

import warnings
from typing import cast

import torch
import torch.nn.functional as F
from monai.data.utils import compute_importance_map
from torch import Tensor, nn

from client.exporting.context_volume import context_box, make_context
from client.exporting.patch_network import ContextReader, CropReader, example
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.types import NUM_SEG_CLASSES, DataError

TOLERANCE = 1e-4
"""Between the traced program and the network it was traced from, logits."""


class BrainReader(nn.Module):
    """(1, C, X, Y, Z) float32 z-scores of a brain crop of any size to logits and class probabilities."""

    importance_XYZ: Tensor

    def __init__(self, context: nn.Module, crop: nn.Module, edge: int, context_size: int, overlap: float) -> None:
        super().__init__()
        self.context = context
        self.crop = crop
        self.edge = edge
        self.context_size = context_size
        self.step = max(int(edge * (1 - overlap)), 1)
        self.classes = NUM_SEG_CLASSES
        self.register_buffer("importance_XYZ", compute_importance_map((edge, edge, edge), mode="gaussian"))

    def forward(self, image: Tensor) -> Tensor:
        """Segmentation logits (1, K, X, Y, Z); a sequence of nothing but zeros counts as absent."""
        return self.read(image)[0]

    @torch.jit.export
    def read(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Segmentation logits (1, K, X, Y, Z) and P(class 1) per task (1, T) of the crop on the tumour."""
        with torch.no_grad():
            available = (image != 0).flatten(2).any(2)
            context = self.context(make_context(image, self.context_size), available)
            logits = self.segment(image, available, context)
            start = self.tumour_start(logits)
            crop, box = self.cut(image, start), context_box(image, start, self.edge)
            return logits, self.crop(crop, available, box, context[0], context[1], context[2], context[3])[1]

    def segment(self, image: Tensor, available: Tensor, context: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        """Logits blended from overlapping windows; a brain smaller than a window is centred in it."""
        shape, edge = image.shape[2:], self.edge
        first = [-(max(0, edge - n) // 2) for n in shape]
        padded = [max(n, edge) for n in shape]
        total = image.new_zeros([1, self.classes, padded[0], padded[1], padded[2]])
        weight = image.new_zeros(padded)
        for x in self.starts(padded[0]):
            for y in self.starts(padded[1]):
                for z in self.starts(padded[2]):
                    start = [first[0] + x, first[1] + y, first[2] + z]
                    crop, box = self.cut(image, start), context_box(image, start, edge)
                    read = self.crop(crop, available, box, context[0], context[1], context[2], context[3])[0]
                    total[:, :, x : x + edge, y : y + edge, z : z + edge] += read * self.importance_XYZ
                    weight[x : x + edge, y : y + edge, z : z + edge] += self.importance_XYZ
        blended = total / weight
        i, j, k = -first[0], -first[1], -first[2]
        return blended[:, :, i : i + shape[0], j : j + shape[1], k : k + shape[2]]

    def starts(self, length: int) -> list[int]:
        """First voxels of the windows along an axis of at least a window's length."""
        found = [0]
        while found[-1] + self.edge < length:
            found.append(min(found[-1] + self.step, length - self.edge))
        return found

    def cut(self, image: Tensor, start: list[int]) -> Tensor:
        """A cube of `edge` voxels, zero where it reaches beyond the brain crop."""
        low = [max(0, s) for s in start]
        high = [min(n, s + self.edge) for n, s in zip(image.shape[2:], start)]
        inside = image[:, :, low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        padding = [0, 0, 0, 0, 0, 0]
        for axis in range(3):
            padding[4 - 2 * axis] = low[axis] - start[axis]
            padding[5 - 2 * axis] = start[axis] + self.edge - high[axis]
        return F.pad(inside, padding)

    def tumour_start(self, logits: Tensor) -> list[int]:
        """First voxel of the crop on the tumour, or in the middle of the brain without one: `locate.crop_around`.

        The centre of mass is a fraction, total / (2 mass) - edge / 2 and so on; it is compared in whole numbers.
        """
        tumour = (logits[0].argmax(0) != 0).to(torch.int64)
        mass, start = int(tumour.sum().item()), [0, 0, 0]
        for axis in range(3):
            length = logits.shape[2 + axis]
            profile = tumour.transpose(0, axis).flatten(1).sum(1)
            place = torch.arange(length, device=profile.device)
            total = int((profile * place).sum().item()) if mass > 0 else length - 1
            parts = mass if mass > 0 else 2
            wanted = 2 * total + parts * (1 - self.edge)  # over 2 parts
            if wanted <= parts * (length - self.edge):
                start[axis] = (wanted + parts) // (2 * parts)
            else:
                start[axis] = -((parts - wanted) // (2 * parts))
            if length < self.edge:
                start[axis] = -((self.edge - length) // 2)
            else:
                start[axis] = min(max(start[axis], 0), length - self.edge)
        return start


def brain_reader(loaded: LoadedModel) -> torch.jit.ScriptModule:
    """A model as a TorchScript program, compared with the network before it is given away.

    Raises:
        DataError: the program does not answer as the network does.
    """
    inputs, sizes = example(loaded), loaded.config.model
    whole, part = ContextReader(loaded).eval(), CropReader(loaded).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of constants in a trace; what it answers is compared below
        context = _traced(whole, (inputs["context"], inputs["available"]))
        read = whole(inputs["context"], inputs["available"])
        crop = _traced(part, (inputs["image"], inputs["available"], inputs["box"], *read))
        _require_same(loaded, context, crop)
        reader = BrainReader(context, crop, sizes.crop_size, sizes.context_size, loaded.config.evaluation.overlap)
        return cast(torch.jit.ScriptModule, torch.jit.script(reader.eval()))


def _traced(module: nn.Module, inputs: tuple[Tensor, ...]) -> nn.Module:
    traced: nn.Module = torch.jit.trace(module, inputs, check_trace=False)  # type: ignore[no-untyped-call]
    return traced


def _require_same(loaded: LoadedModel, context: nn.Module, crop: nn.Module) -> None:
    """Other sequences than those that were traced must be answered alike too."""
    other = example(loaded, (False, True, False, True))
    expected = loaded.model(other["image"], other["available"], other["context"], other["box"]).seg_logits_BKXYZ
    read = context(other["context"], other["available"])
    found = crop(other["image"], other["available"], other["box"], *read)[0]
    if not torch.allclose(found, expected, rtol=0, atol=TOLERANCE):
        raise DataError(
            f"export: found a TorchScript program that differs by {float((found - expected).abs().max()):.1e}; "
            f"expected at most {TOLERANCE}; report this, nothing was written"
        )
