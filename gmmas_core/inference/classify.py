"""Image-level answers from one crop on the tumour.

The crop has the size the network was trained with, because the heads have never seen a crop of another size. Flips are
averaged as logits, before temperature and probability.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmmas_core.config import EvaluationConfig
from gmmas_core.inference.reading import FLIPS, Reading, Triple
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.probability import class_probabilities
from gmmas_core.types import Task

ClassLogits = Mapping[Task, Tensor]


def class_logits(model: GMMAS, reading: Reading, start: Triple, edge: int, settings: EvaluationConfig) -> ClassLogits:
    """Logits (1, 2) per task of one crop, the mean over mirror images when `settings.flips`."""
    flips = FLIPS if settings.flips else FLIPS[:1]
    size = (edge, edge, edge)
    total: dict[Task, Tensor] = {}
    for axes in flips:
        mirrored = reading.flipped(axes)
        at = [n - s - edge if a in axes else s for a, (n, s) in enumerate(zip(reading.shape, start, strict=True))]
        place: Triple = (at[0], at[1], at[2])
        context = model.read_context(mirrored.context_1CXYZ, mirrored.available_1C)
        box = mirrored.boxes([place], size)
        found = model.read_crop(mirrored.crop(place, size), mirrored.available_1C, context, box).class_logits
        total = {task: logits.float() + total.get(task, 0.0) for task, logits in found.items()}
    return {task: logits / len(flips) for task, logits in total.items()}


def repeated_logits(
    model: GMMAS, reading: Reading, start: Triple, edge: int, *, passes: int, batch: int
) -> ClassLogits:
    """Logits (M, 2) per task of the same crop and context, read `passes` times, `batch` at once.

    Every repetition goes through both branches by itself, so dropout that is on differs between all of them. Nothing
    is flipped: a mirror image is no draw from the posterior.
    """
    size = (edge, edge, edge)
    image, box = reading.crop(start, size), reading.boxes([start], size)
    found: dict[Task, list[Tensor]] = {}
    for done in range(0, passes, batch):
        count = min(batch, passes - done)
        available_BC = reading.available_1C.expand(count, -1)
        context = model.read_context(reading.context_1CXYZ.expand(count, -1, -1, -1, -1), available_BC)
        crops_BCXYZ, boxes_B23 = image.expand(count, -1, -1, -1, -1), box.expand(count, -1, -1)
        for task, logits in model.read_crop(crops_BCXYZ, available_BC, context, boxes_B23).class_logits.items():
            found.setdefault(task, []).append(logits.float())
    return {task: torch.cat(logits) for task, logits in found.items()}


def probabilities(logits: ClassLogits, temperatures: Mapping[Task, float]) -> dict[Task, Tensor]:
    """P(class 1) per task, (B,), after dividing each head's logits by its temperature; CODEL is the marginal."""
    return class_probabilities({task: value / temperatures.get(task, 1.0) for task, value in logits.items()})
