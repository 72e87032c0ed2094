"""One case's logits as they are before any temperature: what a calibration is fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.assessability import not_assessable, present
from gmmas_core.inference.classify import class_logits
from gmmas_core.inference.locate import locate
from gmmas_core.inference.reading import read_prepared
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class CaseLogits:
    """Read in the mode that is deployed.

    Attributes:
        class_margin: logit of class 1 less that of class 0 per task; for codeletion given mutant.
        seg_KXYZ: float32 log-probabilities of the labels on the brain crop, on the CPU.
        not_assessable: findings that the sequences do not allow.
    """

    class_margin: Mapping[Task, float]
    seg_KXYZ: Tensor
    not_assessable: Mapping[str, str]


def read_logits(prepared: Prepared, model: GMMAS, config: Config, *, device: str) -> CaseLogits:
    """Segmentation and image-level logits of one case, the latter from the crop that `predict_case` reads.

    Args:
        prepared: with at least one sequence.
        model: on the device, in eval mode.
        config: its `evaluation` says how a brain is read.
        device: "cpu", "cuda" or "cuda:N".
    """
    settings, edge = config.evaluation, config.model.crop_size
    with torch.inference_mode():
        reading = read_prepared(prepared, device)
        found = locate(model, reading, config, spacing_mm=prepared.spacing_mm)
        logits = class_logits(model, reading, found.start, edge, settings)
    margins = {task: float(value[0, 1] - value[0, 0]) for task, value in logits.items()}
    smallest = torch.finfo(torch.float32).tiny
    used, _ = present(prepared.available_C)
    return CaseLogits(
        class_margin=margins,
        seg_KXYZ=found.probability_KXYZ.clamp_min(smallest).log().cpu(),
        not_assessable=not_assessable(used),
    )
