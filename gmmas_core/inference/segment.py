"""Segmentation of a whole brain crop: in blended windows, or in one pass where memory allows.

The two modes see different fields of view and are not equal; validate in the mode that is deployed. Both read the
whole brain's context once and reuse it. Memory beyond the network's own: the accumulator of 4 float32 logits per
voxel of the brain crop (57 MB for 140 x 175 x 145) and, in windows, one float32 weight per voxel; with flips one more
set of 4.
"""

from collections.abc import Callable, Mapping
from typing import cast

from monai.inferers import sliding_window_inference
from torch import Tensor
from torch.nn import functional as F

from gmmas_core.config import EvaluationConfig, ModelConfig
from gmmas_core.inference.reading import FLIPS, Reading, Triple
from gmmas_core.model.gmmas import GMMAS

BATCH_VOXELS = 4 * 64**3
"""Windows read together hold at most this many voxels; more only cost memory."""

SegmentationMode = Callable[[GMMAS, Reading, ModelConfig, EvaluationConfig], Tensor]


def logits_by_window(model: GMMAS, reading: Reading, sizes: ModelConfig, settings: EvaluationConfig) -> Tensor:
    """Logits (K, X, Y, Z) blended from overlapping windows with Gaussian weights.

    Every window is told where it lies in the context. A brain smaller than a window is centred in it.
    """
    edge = sizes.crop_size
    context = model.read_context(reading.context_1CXYZ, reading.available_1C)
    shape = [max(n, edge) for n in reading.shape]
    first = reading.centred(shape)

    def read(windows_BCXYZ: Tensor, places: list[list[slice]]) -> Tensor:
        starts = [(first[0] + x.start, first[1] + y.start, first[2] + z.start) for _, _, x, y, z in places]
        available_BC = reading.available_1C.expand(len(starts), -1)
        boxes_B23 = reading.boxes(starts, (edge, edge, edge))
        return model.read_crop(windows_BCXYZ, available_BC, context, boxes_B23).seg_logits_BKXYZ

    blended = sliding_window_inference(
        reading.crop(first, shape),
        roi_size=(edge, edge, edge),
        sw_batch_size=max(1, BATCH_VOXELS // edge**3),
        predictor=read,
        overlap=settings.overlap,
        mode="gaussian",
        with_coord=True,
    )
    return _without_padding(cast(Tensor, blended)[0], reading, first)


def logits_in_one_pass(model: GMMAS, reading: Reading, sizes: ModelConfig, settings: EvaluationConfig) -> Tensor:
    """Logits (K, X, Y, Z) of the whole brain crop at once, padded to what the network's levels divide.

    Falls back to windows above `settings.max_one_pass_voxels`.
    """
    factor = 8 * sizes.stem_stride
    x, y, z = (-(-n // factor) * factor for n in reading.shape)
    if x * y * z > settings.max_one_pass_voxels:
        return logits_by_window(model, reading, sizes, settings)
    context = model.read_context(reading.context_1CXYZ, reading.available_1C)
    first = reading.centred((x, y, z))
    image, box = reading.crop(first, (x, y, z)), reading.boxes([first], (x, y, z))
    logits = model.read_crop(image, reading.available_1C, context, box).seg_logits_BKXYZ
    return _without_padding(logits[0], reading, first)


def _without_padding(logits_KXYZ: Tensor, reading: Reading, first: Triple) -> Tensor:
    (x, y, z), (i, j, k) = reading.shape, first
    return logits_KXYZ[:, -i : x - i, -j : y - j, -k : z - k]


SEGMENTATION: Mapping[str, SegmentationMode] = {"window": logits_by_window, "one_pass": logits_in_one_pass}
"""Name in evaluation.inference -> how a brain is read."""


def segment(model: GMMAS, reading: Reading, sizes: ModelConfig, settings: EvaluationConfig) -> Tensor:
    """Class probabilities of every voxel of the brain crop.

    With `settings.flips`, the mean of the probabilities over the eight mirror images; image, context and the places
    of the windows are mirrored together.

    Returns:
        (K, X, Y, Z) float32 on the reading's device, sums to 1 over K.
    """
    mode = SEGMENTATION[settings.inference]
    probability_KXYZ: Tensor = F.softmax(mode(model, reading, sizes, settings), dim=0)
    if not settings.flips:
        return probability_KXYZ
    for axes in FLIPS[1:]:
        logits_KXYZ = mode(model, reading.flipped(axes), sizes, settings)
        probability_KXYZ += F.softmax(logits_KXYZ, dim=0).flip([1 + axis for axis in axes])
    return probability_KXYZ / len(FLIPS)
