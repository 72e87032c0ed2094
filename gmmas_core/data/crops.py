"""One augmented patch of a case or of a composite: where it lies, what is read of it, and how it is changed.

A sample is a patch of crop_size³. With probability `tumour_share` it is placed on the tumour: centred on a stored
tumour voxel (drawn evenly over the labels present) plus a uniform offset of up to a quarter of the patch; otherwise
anywhere. A patch never leaves the brain crop along an axis that is long enough, and is centred and zero-padded along
one that is not. Every draw comes from one generator, in a fixed order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.config import DataConfig
from gmmas_core.data import augment
from gmmas_core.data.composite import Composite
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.types import SEQUENCES


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One augmented patch; the fields of Batch without the batch axis."""

    image_CXYZ: Tensor
    available_C: Tensor
    context_CXYZ: Tensor
    box_23: Tensor
    seg_XYZ: Tensor
    has_seg: bool


def draw_sample(case: PreparedCase, size: Triple, data: DataConfig, rng: np.random.Generator) -> Sample:
    """One augmented patch of a case.

    Args:
        case: opened from the cache.
        size: voxels of the patch.
        data: augmentation settings.
        rng: the only source of randomness.

    Returns:
        float32 image and context, int64 labels (0 without a mask).
    """
    start = draw_start(case, size, data.tumour_share, rng)
    raw = _Raw(
        available_C=case.available_C,
        image=partial(case.channel_patch, start=start, size=size),
        context=lambda channel: np.array(case.context_CXYZ[channel]),
        context_shape=case.context_CXYZ.shape,
        seg_XYZ=case.seg_patch(start, size) if case.has_seg else None,
        box_23=case.box_in_context(start, size),
    )
    return _augmented(raw, size, data, rng)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Raw:
    """A patch before augmentation; its sequences are asked for one by one."""

    available_C: NDArray[np.bool_]
    image: Callable[[int], NDArray[Any]]
    context: Callable[[int], NDArray[Any]]
    context_shape: tuple[int, ...]
    seg_XYZ: NDArray[np.uint8] | None
    box_23: NDArray[np.float32]


def composite_sample(
    composite: Composite, box_23: NDArray[np.float32], size: Triple, data: DataConfig, rng: np.random.Generator
) -> Sample:
    """The same of a composite, which has been drawn already; box_23 is the patch's place in the context."""
    raw = _Raw(
        available_C=composite.available_C,
        image=lambda channel: composite.image_CXYZ[channel],
        context=lambda channel: composite.context_CXYZ[channel],
        context_shape=composite.context_CXYZ.shape,
        seg_XYZ=composite.seg_XYZ,
        box_23=box_23,
    )
    return _augmented(raw, size, data, rng)


def _augmented(raw: _Raw, size: Triple, data: DataConfig, rng: np.random.Generator) -> Sample:
    flips = augment.sample_flips(rng)
    flips = flips if data.flip else (False, False, False)
    gain_C, offset_C = augment.sample_intensity(rng, data.intensity_scale, len(SEQUENCES))
    kept_C = augment.sample_kept(rng, raw.available_C, data.sequence_drop)
    channels = np.flatnonzero(kept_C).tolist()
    image_CXYZ = torch.zeros(len(SEQUENCES), *size)
    context_CXYZ = torch.zeros(raw.context_shape)
    for channel in channels:  # one sequence at a time stays in the processor's cache from reading to intensity
        image_CXYZ[channel].copy_(augment.flip(torch.from_numpy(raw.image(channel)), flips))
        context_CXYZ[channel].copy_(augment.flip(torch.from_numpy(raw.context(channel)), flips))
        augment.change_intensity(image_CXYZ, gain_C, offset_C, [channel])
        augment.change_intensity(context_CXYZ, gain_C, offset_C, [channel])
    seg_XYZ = torch.zeros(size, dtype=torch.int64)
    if raw.seg_XYZ is not None:
        seg_XYZ.copy_(augment.flip(torch.from_numpy(raw.seg_XYZ), flips))
    return Sample(
        image_CXYZ=image_CXYZ,
        available_C=torch.from_numpy(kept_C),
        context_CXYZ=context_CXYZ,
        box_23=torch.from_numpy(augment.flip_box(raw.box_23, flips)),
        seg_XYZ=seg_XYZ,
        has_seg=raw.seg_XYZ is not None,
    )


def draw_start(case: PreparedCase, size: Triple, tumour_share: float, rng: np.random.Generator) -> Triple:
    """First voxel of a patch, see the module's text; negative along axes shorter than the patch."""
    on_tumour = rng.random() < tumour_share and len(case.tumour_N3) > 0
    where_3, jitter_3, pick = rng.random(3), rng.uniform(-0.25, 0.25, 3), rng.random()
    start = []
    for axis in range(3):
        room = case.shape[axis] - size[axis]
        if room < 0:
            start.append(-((-room) // 2))
        elif on_tumour:
            centre = int(case.tumour_N3[int(pick * len(case.tumour_N3)), axis]) + jitter_3[axis] * size[axis]
            start.append(int(np.clip(round(centre - size[axis] / 2), 0, room)))
        else:
            start.append(min(int(where_3[axis] * (room + 1)), room))
    return start[0], start[1], start[2]
