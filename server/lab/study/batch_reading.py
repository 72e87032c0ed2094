"""Many small brains in one forward pass: what `predict_case` answers, several times faster.

A brain that fits into one window is read by `predict_case` twice from the same centred crop, once for the segmentation
and once for the image-level answers. Here both come from one pass, and brains share it. All other brains, mirrored or
stochastic readings go through `predict_case` itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gmmas_core.calibration import temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference import predict_case
from gmmas_core.inference.classify import probabilities
from gmmas_core.inference.locate import locate_in
from gmmas_core.inference.modes import reading_mode
from gmmas_core.inference.native import labels_on_native
from gmmas_core.inference.reading import read_prepared
from gmmas_core.types import Task

BATCH = 15


class Answer(NamedTuple):
    """What a study scores of one reading: labels on the native grid, P(class 1) per task."""

    seg_XYZ: NDArray[np.uint8]
    probability: dict[Task, float]


def read_all(prepared: Sequence[Prepared], loaded: LoadedModel, config: Config, device: str) -> list[Answer]:
    """Answers in the order given."""
    loaded.model.to(device)
    answers: dict[int, Answer] = {}
    together = [place for place, case in enumerate(prepared) if fits_one_window(case, config)]
    for first in range(0, len(together), BATCH):
        places = together[first : first + BATCH]
        batch = _read_batch([prepared[place] for place in places], loaded, config, device)
        answers |= dict(zip(places, batch, strict=True))
    for place, case in enumerate(prepared):
        if place not in answers:
            answers[place] = _read_alone(case, loaded, config, device)
    return [answers[place] for place in range(len(prepared))]


def fits_one_window(prepared: Prepared, config: Config) -> bool:
    """Whether one pass over one centred crop is all that `predict_case` looks at."""
    settings, edge = config.evaluation, config.model.crop_size
    plain = settings.inference == "window" and not settings.flips and not settings.mc_passes
    return plain and max(prepared.image_CXYZ.shape[1:]) <= edge


def _read_batch(prepared: Sequence[Prepared], loaded: LoadedModel, config: Config, device: str) -> list[Answer]:
    edge = config.model.crop_size
    size = (edge, edge, edge)
    temperatures = temperatures_of(loaded.calibration, config.task_list)
    with reading_mode(loaded.model):
        readings = [read_prepared(case, device) for case in prepared]
        starts = [reading.centred(size) for reading in readings]
        found = loaded.model(
            torch.cat([reading.crop(start, size) for reading, start in zip(readings, starts)]),
            torch.cat([reading.available_1C for reading in readings]),
            torch.cat([reading.context_1CXYZ for reading in readings]),
            torch.cat([reading.boxes([start], size) for reading, start in zip(readings, starts)]),
        )
        seg_BKXYZ = found.seg_logits_BKXYZ.softmax(1)
        said = probabilities({task: logits.float() for task, logits in found.class_logits.items()}, temperatures)
        answers = []
        for place, (case, reading, (i, j, k)) in enumerate(zip(prepared, readings, starts)):
            x, y, z = reading.shape
            inside_KXYZ = seg_BKXYZ[place, :, -i : x - i, -j : y - j, -k : z - k]
            labels_XYZ = locate_in(inside_KXYZ, config, spacing_mm=case.spacing_mm).labels_XYZ
            native_XYZ = labels_on_native(inside_KXYZ, labels_XYZ, case)
            answers.append(Answer(native_XYZ, {task: float(value_B[place]) for task, value_B in said.items()}))
    return answers


def _read_alone(prepared: Prepared, loaded: LoadedModel, config: Config, device: str) -> Answer:
    result = predict_case(
        prepared,
        loaded.model,
        config,
        model_id=loaded.model_id,
        device=device,
        calibration=loaded.calibration,
    )
    return Answer(result.seg_XYZ, dict(result.probability))
