"""Several readings of one case with dropout left on: what the spread of the answers says about the network's doubt.

Only dropout layers are switched on. Image-level passes are read in batches; a voxel pass reads the whole brain in the
configured mode, with one draw for its context and one per window.

Source: Gal & Ghahramani 2016 (arXiv 1506.02142).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.calibration import region_temperatures_of, temperatures_of
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.classify import probabilities, repeated_logits
from gmmas_core.inference.locate import labels_in, locate
from gmmas_core.inference.modes import dropout_on, reading_mode, seeded
from gmmas_core.inference.reading import Reading, Triple, read_prepared
from gmmas_core.inference.regions import VoxelDoubt, VoxelPasses
from gmmas_core.inference.segment import BATCH_VOXELS, segment
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import NUM_SEG_CLASSES, Task
from gmmas_core.uncertainty import Doubt

OnPass = Callable[[], None]
"""Told after every reading of the whole brain."""


def nobody() -> None:
    """Nobody wants to know how far a reading is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """What M passes answered.

    Attributes:
        prob_M: P(class 1) per task, (M,) float64.
        voxels: entropies.
        label_voxels_MK: int64, voxels of every label in every pass, after post-processing, on the grid inside.
    """

    prob_M: Mapping[Task, NDArray[np.float64]]
    voxels: VoxelDoubt
    label_voxels_MK: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StochasticReading:
    """One case, read several times.

    Attributes:
        prob_M: P(class 1) of each pass per task, (M,), calibrated; CODEL is the marginal.
        mean_KXYZ: float32, mean class probabilities of the passes on the brain crop; no temperature is applied.
        doubt: entropies of the four classes of every voxel of the brain crop, in nats.
        start: first voxel of the crop that the image-level answers were read from.
    """

    prob_M: Mapping[Task, NDArray[np.float64]]
    mean_KXYZ: Tensor
    doubt: Doubt
    start: Triple


def read_stochastic(
    prepared: Prepared,
    model: GMMAS,
    config: Config,
    *,
    passes: int,
    device: str,
    calibration: Mapping[str, Any],
    seed: int,
) -> StochasticReading:
    """Read a case `passes` times with dropout on, at the place that `predict_case` reads.

    Args:
        prepared: from `prepare_case` with the model's spacing and context size.
        model: is moved to the device; its training mode is put back afterwards.
        config: model, tasks, and `evaluation` for mode, overlap and post-processing; flips serve only to find the
            crop.
        passes: M, at least 1.
        device: "cpu", "cuda" or "cuda:N".
        calibration: content of calibration.json; {} when not calibrated.
        seed: of the dropout; torch's own random state is put back afterwards.

    Raises:
        DataError: a calibration that does not fit the tasks.
    """
    temperatures_of(calibration, config.task_list)  # refuse a bad one before minutes of work
    model.to(device)
    with reading_mode(model):
        reading = read_prepared(prepared, device)
        start = locate(model, reading, config, spacing_mm=prepared.spacing_mm).start
        draws = draw(
            model,
            reading,
            start,
            config,
            passes=passes,
            calibration=calibration,
            seed=seed,
            spacing_mm=prepared.spacing_mm,
        )
    doubt = draws.voxels.classes
    return StochasticReading(prob_M=draws.prob_M, mean_KXYZ=doubt.mean_K, doubt=doubt, start=start)


def draw(
    model: GMMAS,
    reading: Reading,
    start: Triple,
    config: Config,
    *,
    passes: int,
    calibration: Mapping[str, Any],
    seed: int,
    spacing_mm: float,
    on_pass: OnPass = nobody,
) -> Draws:
    """All passes over a case whose crop is known; the model is in evaluation mode."""
    edge, settings = config.model.crop_size, replace(config.evaluation, flips=False)
    batch = max(1, BATCH_VOXELS // (edge**3 + reading.context_1CXYZ[0, 0].numel()))
    voxels = VoxelPasses(region_temperatures_of(calibration))
    with seeded(seed, reading.image_1CXYZ.device), dropout_on(model):
        logits = repeated_logits(model, reading, start, edge, passes=passes, batch=batch)
        counts = []
        for _ in range(passes):
            probability_KXYZ = segment(model, reading, config.model, settings)
            voxels.add(probability_KXYZ)
            labels_XYZ = labels_in(probability_KXYZ, config, spacing_mm=spacing_mm)
            counts.append(np.bincount(labels_XYZ.reshape(-1), minlength=NUM_SEG_CLASSES))
            on_pass()
    answers = probabilities(logits, temperatures_of(calibration, config.task_list))
    prob_M = {task: value_M.double().cpu().numpy() for task, value_M in answers.items()}
    return Draws(prob_M=prob_M, voxels=voxels.doubt(), label_voxels_MK=np.asarray(counts, dtype=np.int64))
