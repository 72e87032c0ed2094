"""A site's training cases behind memory maps, with what each is taught to be; samples and batches are made of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch

from gmmas_core.config import DataConfig, ModelConfig
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.cache_entry import with_mask
from gmmas_core.data.crops import Sample, draw_sample
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.targets import Targets, targets_of
from gmmas_core.types import Batch, Case, ConfigError, Task

NO_PSEUDO: Mapping[str, PseudoCase] = MappingProxyType({})
"""No case was labelled by a model."""


class OpenedCases:
    """Cases by their place in a list: any number of them, none included."""

    def __init__(
        self,
        cases: Sequence[Case],
        cache: PreparedCache,
        *,
        model: ModelConfig,
        data: DataConfig,
        tasks: Sequence[Task],
        pseudo: Mapping[str, PseudoCase] = NO_PSEUDO,
        pseudo_weight: float = 1.0,
    ) -> None:
        """Open every case behind memory maps; those not in the cache are prepared now.

        Args:
            cases: training cases.
            cache: prepared with the model's context size.
            model: crop_size and context_size are used.
            data: tumour_share, flip, intensity_scale and sequence_drop are used.
            tasks: order of the T axis of targets.
            pseudo: by case id, what a model said; used only where the case itself says nothing.
            pseudo_weight: weight of a pseudo-label and of a pseudo-mask.

        Raises:
            ConfigError: the cache was made for another context size.
            DataError: a case cannot be prepared, or a pseudo-mask is not on its case's prepared crop.
        """
        if cache.settings.context_size != model.context_size:
            raise ConfigError(
                f"model.context_size: found {model.context_size}; expected {cache.settings.context_size}, which the "
                "cache was prepared for; open the cache with the model's context size"
            )
        self.cases = tuple(cases)
        self.opened = [_open(cache, case, pseudo.get(case.case_id)) for case in cases]
        self.targets = [targets_of(case, tasks, pseudo.get(case.case_id), pseudo_weight) for case in cases]
        self.size: Triple = (model.crop_size, model.crop_size, model.crop_size)
        self._data = data

    def draw(self, pick: int, rng: np.random.Generator) -> tuple[Sample, Targets]:
        """One augmented patch of a case, and its targets."""
        return draw_sample(self.opened[pick], self.size, self._data, rng), self.targets[pick]

    def collate(self, picks: Sequence[int], drawn: Sequence[tuple[Sample, Targets]]) -> Batch:
        """Samples as one batch; a composite is named after its host."""
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
            case_ids=tuple(self.cases[k].case_id for k in picks),
        )


def _open(cache: PreparedCache, case: Case, pseudo: PseudoCase | None) -> PreparedCase:
    """The prepared case, with the pseudo-mask where it has none of its own."""
    opened = cache.open(case)
    if opened.has_seg or pseudo is None or pseudo.mask_XYZ is None:
        return opened
    return with_mask(opened, pseudo.mask_XYZ)
