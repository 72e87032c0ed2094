"""From prepared cases to training batches, deterministic by seed.

An epoch visits every case once, in a shuffled order; epochs follow one another without end and a batch may span two.
A sample is a patch of crop_size³. With probability `tumour_share` it is placed on the tumour: centred on a stored
tumour voxel (drawn evenly over the labels present) plus a uniform offset of up to a quarter of the patch; otherwise
anywhere. A patch never leaves the brain crop along an axis that is long enough, and is centred and zero-padded along
one that is not. Every draw comes from one generator, in a fixed order.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmmas_core.config import DataConfig, ModelConfig
from gmmas_core.data import augment
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.types import SEQUENCES, UNKNOWN, Batch, Case, ConfigError, DataError, Task


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One augmented patch; the fields of Batch without the batch axis."""

    image_CXYZ: Tensor
    available_C: Tensor
    context_CXYZ: Tensor
    box_23: Tensor
    seg_XYZ: Tensor
    has_seg: bool


class BatchStream:
    """Endless training batches of a set of cases; iterating again starts the same sequence again."""

    def __init__(
        self,
        cases: Sequence[Case],
        cache: PreparedCache,
        *,
        model: ModelConfig,
        data: DataConfig,
        tasks: Sequence[Task],
        batch_size: int,
        seed: int,
    ) -> None:
        """Open every case behind memory maps; those not in the cache are prepared now.

        Args:
            cases: training cases.
            cache: prepared with the model's context size.
            model: crop_size and context_size are used.
            data: tumour_share, flip, intensity_scale and sequence_drop are used.
            tasks: order of the T axis of targets.
            batch_size: samples per batch.
            seed: of everything random here.

        Raises:
            ConfigError: the cache was made for another context size.
            DataError: there is no case, or one cannot be prepared.
        """
        if cache.settings.context_size != model.context_size:
            raise ConfigError(
                f"model.context_size: found {model.context_size}; expected {cache.settings.context_size}, which the "
                "cache was prepared for; open the cache with the model's context size"
            )
        if not cases:
            raise DataError("training cases: found none; expected at least one; check the split column and the cases")
        self._cases = tuple(cases)
        self._opened = [cache.open(case) for case in cases]
        self._size: Triple = (model.crop_size, model.crop_size, model.crop_size)
        self._data = data
        self._tasks = tuple(tasks)
        self._batch_size = batch_size
        self._seed = seed

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self._seed)
        order = _shuffled_epochs(rng, len(self._cases))
        while True:
            picks = list(itertools.islice(order, self._batch_size))
            yield self._collate(picks, [draw_sample(self._opened[k], self._size, self._data, rng) for k in picks])

    def batches(self, num: int) -> Iterator[Batch]:
        """The first `num` batches."""
        return itertools.islice(iter(self), num)

    def _collate(self, picks: Sequence[int], samples: Sequence[Sample]) -> Batch:
        cases = [self._cases[k] for k in picks]
        targets = [class_targets(case, self._tasks) for case in cases]
        known_BT = torch.stack([known for _, known in targets])
        return Batch(
            image_BCXYZ=torch.stack([sample.image_CXYZ for sample in samples]),
            available_BC=torch.stack([sample.available_C for sample in samples]),
            context_BCXYZ=torch.stack([sample.context_CXYZ for sample in samples]),
            box_B23=torch.stack([sample.box_23 for sample in samples]),
            seg_BXYZ=torch.stack([sample.seg_XYZ for sample in samples]),
            has_seg_B=torch.tensor([sample.has_seg for sample in samples]),
            target_BTK=torch.stack([target for target, _ in targets]),
            known_BT=known_BT,
            weight_BT=torch.ones(known_BT.shape),
            case_ids=tuple(case.case_id for case in cases),
        )


def class_targets(case: Case, tasks: Sequence[Task]) -> tuple[Tensor, Tensor]:
    """A case's labels as probabilities.

    Returns:
        target_TK float32, one-hot, rows of zeros where unknown; known_T bool.
    """
    target_TK = torch.zeros(len(tasks), 2)
    known_T = torch.zeros(len(tasks), dtype=torch.bool)
    for index, task in enumerate(tasks):
        label = case.labels[task]
        if label != UNKNOWN:
            target_TK[index, label] = 1.0
            known_T[index] = True
    return target_TK, known_T


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
    flips = augment.sample_flips(rng)
    flips = flips if data.flip else (False, False, False)
    gain_C, offset_C = augment.sample_intensity(rng, data.intensity_scale, len(SEQUENCES))
    kept_C = augment.sample_kept(rng, case.available_C, data.sequence_drop)
    channels = np.flatnonzero(kept_C).tolist()
    image_CXYZ = torch.zeros(len(SEQUENCES), *size)
    context_CXYZ = torch.zeros(case.context_CXYZ.shape)
    for channel in channels:  # one sequence at a time stays in the processor's cache from reading to intensity
        patch_XYZ = torch.from_numpy(case.channel_patch(channel, start, size))
        image_CXYZ[channel].copy_(augment.flip(patch_XYZ, flips))
        context_CXYZ[channel].copy_(augment.flip(torch.from_numpy(np.array(case.context_CXYZ[channel])), flips))
        augment.change_intensity(image_CXYZ, gain_C, offset_C, [channel])
        augment.change_intensity(context_CXYZ, gain_C, offset_C, [channel])
    seg_XYZ = torch.zeros(size, dtype=torch.int64)
    if case.has_seg:
        seg_XYZ.copy_(augment.flip(torch.from_numpy(case.seg_patch(start, size)), flips))
    return Sample(
        image_CXYZ=image_CXYZ,
        available_C=torch.from_numpy(kept_C),
        context_CXYZ=context_CXYZ,
        box_23=torch.from_numpy(augment.flip_box(case.box_in_context(start, size), flips)),
        seg_XYZ=seg_XYZ,
        has_seg=case.has_seg,
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


def _shuffled_epochs(rng: np.random.Generator, num: int) -> Iterator[int]:
    while True:
        yield from rng.permutation(num).tolist()
