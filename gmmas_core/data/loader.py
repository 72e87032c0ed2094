"""From prepared cases to training batches, deterministic by seed.

An epoch visits every case once, in a shuffled order; epochs follow one another without end and a batch may span two.
A sample is a patch of crop_size³. With probability `tumour_share` it is placed on the tumour: centred on a stored
tumour voxel (drawn evenly over the labels present) plus a uniform offset of up to a quarter of the patch; otherwise
anywhere. A patch never leaves the brain crop along an axis that is long enough, and is centred and zero-padded along
one that is not. Every draw comes from one generator, in a fixed order.

With data.tumor_cutmix, a share of the samples become composites of their case (the host) and another one of the stream
(see tumor_cutmix); where the two make none, the plain sample is taken. Sequences are dropped, and intensities and axes
changed, after that. A model's pseudo-labels fill in where a case has no label or no mask of its own.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.config import DataConfig, ModelConfig
from gmmas_core.data import augment
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.cache_entry import with_mask
from gmmas_core.data.composite import Composite
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.targets import Targets, targets_of
from gmmas_core.data.tumor_cutmix import FORMS, choose_donor, draw_composite
from gmmas_core.types import SEQUENCES, UNKNOWN, Batch, Case, ConfigError, DataError, Task

NO_PSEUDO: Mapping[str, PseudoCase] = MappingProxyType({})
"""No case was labelled by a model."""


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
        pseudo: Mapping[str, PseudoCase] = NO_PSEUDO,
        pseudo_weight: float = 1.0,
    ) -> None:
        """Open every case behind memory maps; those not in the cache are prepared now.

        Args:
            cases: training cases.
            cache: prepared with the model's context size.
            model: crop_size and context_size are used.
            data: tumour_share, flip, intensity_scale, sequence_drop, tumor_cutmix and cutmix_share are used.
            tasks: order of the T axis of targets.
            batch_size: samples per batch.
            seed: of everything random here.
            pseudo: by case id, what a model said; used only where the case itself says nothing.
            pseudo_weight: weight of a pseudo-label and of a pseudo-mask.

        Raises:
            ConfigError: the cache was made for another context size.
            DataError: there is no case, one cannot be prepared, a pseudo-mask is not on its case's prepared crop, or
                composites are asked for and a case is not in the training split.
        """
        if cache.settings.context_size != model.context_size:
            raise ConfigError(
                f"model.context_size: found {model.context_size}; expected {cache.settings.context_size}, which the "
                "cache was prepared for; open the cache with the model's context size"
            )
        if not cases:
            raise DataError("training cases: found none; expected at least one; check the split column and the cases")
        if data.tumor_cutmix != "none":
            _require_training(cases)
        self._cases = tuple(cases)
        self._opened = [_open(cache, case, pseudo.get(case.case_id)) for case in cases]
        self._targets = [targets_of(case, tasks, pseudo.get(case.case_id), pseudo_weight) for case in cases]
        self._size: Triple = (model.crop_size, model.crop_size, model.crop_size)
        self._data = data
        self._batch_size = batch_size
        self._seed = seed
        self._has_tumour_N = np.array([len(case.tumour_N3) > 0 for case in self._opened])
        self._available_NC = np.stack([case.available_C for case in self._opened])
        self._labels_NT = np.stack([_classes(target) for target in self._targets])

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self._seed)
        order = _shuffled_epochs(rng, len(self._cases))
        draw = self._draw_plain if self._data.tumor_cutmix == "none" else self._draw_mixed
        while True:
            picks = list(itertools.islice(order, self._batch_size))
            yield self._collate(picks, [draw(k, rng) for k in picks])

    def batches(self, num: int) -> Iterator[Batch]:
        """The first `num` batches."""
        return itertools.islice(iter(self), num)

    def _draw_plain(self, pick: int, rng: np.random.Generator) -> tuple[Sample, Targets]:
        return draw_sample(self._opened[pick], self._size, self._data, rng), self._targets[pick]

    def _draw_mixed(self, pick: int, rng: np.random.Generator) -> tuple[Sample, Targets]:
        """A composite with probability cutmix_share, where one can be made."""
        name = self._data.tumor_cutmix
        if rng.random() >= self._data.cutmix_share:
            return self._draw_plain(pick, rng)
        donor = choose_donor(
            name,
            pick,
            has_tumour_N=self._has_tumour_N,
            available_NC=self._available_NC,
            labels_NT=self._labels_NT,
            rng=rng,
        )
        if donor is None:
            return self._draw_plain(pick, rng)
        host = self._opened[pick]
        start = draw_start(host, self._size, max(self._data.tumour_share, FORMS[name].least_tumour_share), rng)
        composite = draw_composite(name, host, self._opened[donor], start=start, size=self._size, rng=rng)
        if composite is None:
            return self._draw_plain(pick, rng)
        targets = FORMS[name].targets(self._targets[pick], self._targets[donor], composite.lam)
        box_23 = host.box_in_context(start, self._size)
        return _augmented(_raw_composite(composite, box_23), self._size, self._data, rng), targets

    def _collate(self, picks: Sequence[int], drawn: Sequence[tuple[Sample, Targets]]) -> Batch:
        samples = [sample for sample, _ in drawn]
        targets = [target for _, target in drawn]
        return Batch(
            image_BCXYZ=torch.stack([sample.image_CXYZ for sample in samples]),
            available_BC=torch.stack([sample.available_C for sample in samples]),
            context_BCXYZ=torch.stack([sample.context_CXYZ for sample in samples]),
            box_B23=torch.stack([sample.box_23 for sample in samples]),
            seg_BXYZ=torch.stack([sample.seg_XYZ for sample in samples]),
            has_seg_B=torch.tensor([sample.has_seg for sample in samples]),
            target_BTK=torch.stack([target.target_TK for target in targets]),
            known_BT=torch.stack([target.known_T for target in targets]),
            weight_BT=torch.stack([target.weight_T for target in targets]),
            seg_weight_B=torch.tensor([target.seg_weight for target in targets]),
            case_ids=tuple(self._cases[k].case_id for k in picks),
        )


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


def _raw_composite(composite: Composite, box_23: NDArray[np.float32]) -> _Raw:
    return _Raw(
        available_C=composite.available_C,
        image=lambda channel: composite.image_CXYZ[channel],
        context=lambda channel: composite.context_CXYZ[channel],
        context_shape=composite.context_CXYZ.shape,
        seg_XYZ=composite.seg_XYZ,
        box_23=box_23,
    )


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


def _shuffled_epochs(rng: np.random.Generator, num: int) -> Iterator[int]:
    while True:
        yield from rng.permutation(num).tolist()


def _open(cache: PreparedCache, case: Case, pseudo: PseudoCase | None) -> PreparedCase:
    """The prepared case, with the pseudo-mask where it has none of its own."""
    opened = cache.open(case)
    if opened.has_seg or pseudo is None or pseudo.mask_XYZ is None:
        return opened
    return with_mask(opened, pseudo.mask_XYZ)


def _classes(targets: Targets) -> NDArray[np.int64]:
    """Known class per task, UNKNOWN elsewhere."""
    return np.where(targets.known_T.numpy(), targets.target_TK.argmax(dim=1).numpy(), UNKNOWN)


def _require_training(cases: Sequence[Case]) -> None:
    others = sorted({case.split for case in cases} - {"train"})
    if others:
        raise DataError(
            f"data.tumor_cutmix: found cases of the split {', '.join(others)}; expected training cases alone, or a "
            "composite would carry a case across splits; give the stream training cases or set data.tumor_cutmix=none"
        )
