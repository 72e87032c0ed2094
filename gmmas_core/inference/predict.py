"""One prepared case in, one CaseResult out: segmentation, image-level answers, and what may not be answered.

Deterministic on one machine with one number of threads: no sampling but dropout, and that from a seed of the run and
the case.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.calibration import region_temperatures_of, temperatures_of
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.assessability import assessable_regions, not_assessable, present
from gmmas_core.inference.classify import class_logits, probabilities
from gmmas_core.inference.locate import Located, locate
from gmmas_core.inference.modes import reading_mode
from gmmas_core.inference.native import labels_on_native, volume_ml
from gmmas_core.inference.reading import Reading, read_prepared
from gmmas_core.inference.regions import VoxelPasses, region_means
from gmmas_core.inference.stochastic import Draws, OnPass, draw, nobody
from gmmas_core.measures.volumes import LABELS
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.quality.check import Check
from gmmas_core.types import NUM_SEG_CLASSES, REGIONS, CaseResult, DataError, Task
from gmmas_core.uncertainty import TaskDoubt, decompose_tasks

NO_TUMOUR = "no tumour found"


def predict_case(
    prepared: Prepared,
    model: GMMAS,
    config: Config,
    *,
    model_id: str,
    device: str = "cpu",
    calibration: Mapping[str, Any] | None = None,
    generator: torch.Generator | None = None,
) -> CaseResult:
    """Read one case. The segmentation holds every label all the same: `not_assessable` says what not to read in it.

    Args:
        prepared: from `prepare_case` with the model's spacing and context size.
        model: is moved to the device; its training mode is put back afterwards.
        config: model, tasks, and `evaluation` for mode, overlap, flips, post-processing and stochastic passes.
        model_id: stated in the result.
        device: "cpu", "cuda" or "cuda:N".
        calibration: content of calibration.json; None or {} when not calibrated. Temperatures of regions change how
            doubt inside a region is stated (see `regions`), never a label.
        generator: source of the dropout seed; without it the seed follows from config.seed and the pseudonym.

    Returns:
        The result; `created_at` stays empty.

    Raises:
        DataError: no sequence is there, or a calibration that does not fit the tasks.
    """
    return predict_with_doubt(
        prepared, model, config, model_id=model_id, device=device, calibration=calibration, generator=generator
    ).result


@dataclass(frozen=True, kw_only=True, eq=False)
class CaseReading:
    """A result with what its stochastic passes, M of them, said one by one.

    Attributes:
        result: as `predict_case` gives it.
        entropy_XYZ: predictive entropy of the four classes in every voxel of the brain crop, in nats: of the mean of
            the passes, or of the only segmentation when none was asked for; no temperature is applied to it.
            `values_on_native` brings it to the scanner's grid.
        prob_M: P(class 1) of each pass per task; empty without passes. CODEL is the marginal.
        passes_ml: region or label -> its volume in each pass, in mL on the grid inside; empty without passes.
        unlike: whether the images are like those of the training sites; None where nobody compared them.
    """

    result: CaseResult
    entropy_XYZ: Tensor
    prob_M: Mapping[Task, NDArray[np.float64]]
    passes_ml: Mapping[str, tuple[float, ...]]
    unlike: Check | None = None


def predict_with_doubt(
    prepared: Prepared,
    model: GMMAS,
    config: Config,
    *,
    model_id: str,
    device: str = "cpu",
    calibration: Mapping[str, Any] | None = None,
    generator: torch.Generator | None = None,
    on_pass: OnPass = nobody,
) -> CaseReading:
    """`predict_case` with everything that its passes said; `on_pass` is told after each reading of the whole brain.

    There are 1 + `config.evaluation.mc_passes` such readings.
    """
    used, missing = present(prepared.available_C)
    if not used:
        raise DataError(f"case {prepared.case_id}: found no sequence; expected at least one; add an image")
    calibration = calibration or {}
    temperatures = temperatures_of(calibration, config.task_list)
    seed = _seed(config.seed, prepared.case_id, generator)
    model.to(device)
    with reading_mode(model):
        reading = read_prepared(prepared, device)
        found = locate(model, reading, config, spacing_mm=prepared.spacing_mm)
        on_pass()
        logits = class_logits(model, reading, found.start, config.model.crop_size, config.evaluation)
        draws = _draws(model, reading, found, config, calibration, seed, prepared.spacing_mm, on_pass)
        native = labels_on_native(found.probability_KXYZ, found.labels_XYZ, prepared)
    blocked, doubt = not_assessable(used), _task_doubt(draws)
    open_regions = assessable_regions(blocked)
    region_doubt = _region_doubt(draws, found.labels_XYZ, open_regions)
    result = CaseResult(
        case_id=prepared.case_id,
        seg_XYZ=native,
        affine_44=np.asarray(prepared.native.affine_44, dtype=np.float64),
        volume_ml=_volumes(native, prepared.native.affine_44, open_regions),
        probability={task: float(value_1) for task, value_1 in probabilities(logits, temperatures).items()},
        epistemic={task: parts.epistemic for task, parts in doubt.items()},
        aleatoric={task: parts.aleatoric for task, parts in doubt.items()},
        region_uncertainty=region_doubt["predictive"],
        region_epistemic=region_doubt.get("mutual_information", {}),
        region_aleatoric=region_doubt.get("expected", {}),
        sequences_used=used,
        sequences_missing=missing,
        not_assessable=blocked,
        abstained={} if found.has_tumour else {"segmentation": NO_TUMOUR},
        model_id=model_id,
    )
    return CaseReading(
        result=result,
        entropy_XYZ=draws.voxels.classes.predictive,
        prob_M=draws.prob_M,
        passes_ml=_passes_ml(draws.label_voxels_MK, prepared.spacing_mm),
    )


def _draws(
    model: GMMAS,
    reading: Reading,
    found: Located,
    config: Config,
    calibration: Mapping[str, Any],
    seed: int,
    spacing_mm: float,
    on_pass: OnPass,
) -> Draws:
    """The stochastic passes or, where none was asked for, the one segmentation and no answer of a pass."""
    passes = config.evaluation.mc_passes
    if passes:
        return draw(
            model,
            reading,
            found.start,
            config,
            passes=passes,
            calibration=calibration,
            seed=seed,
            spacing_mm=spacing_mm,
            on_pass=on_pass,
        )
    only = VoxelPasses(region_temperatures_of(calibration))
    only.add(found.probability_KXYZ)
    return Draws(prob_M={}, voxels=only.doubt(), label_voxels_MK=np.zeros((0, NUM_SEG_CLASSES), dtype=np.int64))


def _passes_ml(label_voxels_MK: NDArray[np.int64], spacing_mm: float) -> dict[str, tuple[float, ...]]:
    """Volumes of regions and single labels in each pass; empty without passes."""
    if not len(label_voxels_MK):
        return {}
    return {
        name: tuple(float(v) * spacing_mm**3 / 1000 for v in label_voxels_MK[:, list(labels)].sum(1))
        for name, labels in LABELS.items()
    }


def _task_doubt(draws: Draws) -> dict[Task, TaskDoubt]:
    return decompose_tasks({task: torch.from_numpy(values_M) for task, values_M in draws.prob_M.items()})


def _region_doubt(
    draws: Draws, labels_XYZ: Tensor, open_regions: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """Entropy by its name in `Doubt` -> region -> mean inside; only the predictive one without stochastic passes."""
    kinds = ("predictive", "expected", "mutual_information") if draws.prob_M else ("predictive",)
    maps = {kind: {region: getattr(doubt, kind) for region, doubt in draws.voxels.regions.items()} for kind in kinds}
    return {kind: region_means(maps[kind], labels_XYZ, open_regions) for kind in kinds}


def _volumes(
    seg_XYZ: NDArray[np.uint8], affine_44: NDArray[np.float64], open_regions: tuple[str, ...]
) -> dict[str, float | None]:
    counts = np.bincount(seg_XYZ.reshape(-1), minlength=256)
    return {
        region: volume_ml(int(counts[list(labels)].sum()), affine_44) if region in open_regions else None
        for region, labels in REGIONS.items()
    }


def _seed(run_seed: int, case_id: str, generator: torch.Generator | None) -> int:
    """Independent of the order in which cases are read, unless a generator is given."""
    if generator is not None:
        return int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{case_id}".encode()).digest()[:4], "little")
