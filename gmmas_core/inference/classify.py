"""Image-level answers from one crop on the tumour, with their uncertainty from dropout kept on.

The crop has the size the network was trained with and is centred on the predicted whole tumour, because the heads
have never seen a crop of another size. Flips are averaged as logits, before temperature and probability.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gmmas_core.config import EvaluationConfig
from gmmas_core.inference.reading import FLIPS, Reading, Triple
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.probability import class_probabilities
from gmmas_core.types import BACKGROUND, Task
from gmmas_core.uncertainty import TaskDoubt, decompose_tasks

ClassLogits = Mapping[Task, Tensor]


def tumour_centre(labels_XYZ: Tensor) -> Triple | None:
    """Voxel nearest the centre of mass of everything but background; None when there is none."""
    tumour = labels_XYZ != BACKGROUND
    mass = int(tumour.sum())
    if mass == 0:
        return None
    centre = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        profile = tumour.sum(dim=others).double()
        places = torch.arange(len(profile), dtype=torch.float64, device=profile.device)
        centre.append(int(torch.round((profile * places).sum() / mass)))
    return centre[0], centre[1], centre[2]


def crop_around(centre: Sequence[int], shape: Sequence[int], edge: int) -> Triple:
    """First voxel of a crop with this centre, moved inside the brain crop; a smaller brain is centred in it."""
    starts = []
    for middle, extent in zip(centre, shape, strict=True):
        start = middle - edge // 2
        starts.append(-((edge - extent) // 2) if extent < edge else min(max(start, 0), extent - edge))
    return starts[0], starts[1], starts[2]


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


def probabilities(logits: ClassLogits, temperatures: Mapping[Task, float]) -> dict[Task, float]:
    """P(class 1) per task, after dividing each head's logits by its temperature; CODEL is the marginal."""
    scaled = {task: value.double() / temperatures.get(task, 1.0) for task, value in logits.items()}
    return {task: float(value[0]) for task, value in class_probabilities(scaled).items()}


def doubt_by_task(
    model: GMMAS,
    reading: Reading,
    start: Triple,
    edge: int,
    settings: EvaluationConfig,
    *,
    temperatures: Mapping[Task, float],
    seed: int,
) -> dict[Task, TaskDoubt]:
    """Split of the predictive entropy over `settings.mc_passes` passes with dropout; empty for 0 passes.

    Passes are not flipped: a mirror image is no draw from the posterior.
    """
    if settings.mc_passes == 0:
        return {}
    size = (edge, edge, edge)
    image, box = reading.crop(start, size), reading.boxes([start], size)
    draws: dict[Task, list[float]] = {}
    with _seeded(seed, image.device), _dropout_on(model):
        for _ in range(settings.mc_passes):
            context = model.read_context(reading.context_1CXYZ, reading.available_1C)
            logits = model.read_crop(image, reading.available_1C, context, box).class_logits
            for task, value in probabilities(logits, temperatures).items():
                draws.setdefault(task, []).append(value)
    return decompose_tasks({task: torch.tensor(values, dtype=torch.float64) for task, values in draws.items()})


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from torch's own generator; it is seeded here and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _dropout_on(model: nn.Module) -> Iterator[None]:
    """Only dropout layers in training mode, everything else stays as it is."""
    layers = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.train(was)
