"""One prepared case in, one CaseResult out: segmentation, image-level answers, and what may not be answered.

Deterministic on one machine with one number of threads: no sampling but dropout, and that from a seed of the run and
the case.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.checkpoint import temperatures_of
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.assessability import assessable_regions, not_assessable, present
from gmmas_core.inference.classify import class_logits, crop_around, doubt_by_task, probabilities, tumour_centre
from gmmas_core.inference.native import labels_on_native, volume_ml
from gmmas_core.inference.reading import read_prepared
from gmmas_core.inference.segment import segment
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import REGIONS, CaseResult, DataError
from gmmas_core.uncertainty import entropy, mean_inside

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
        config: model, tasks, and `evaluation` for mode, overlap, flips and stochastic passes.
        model_id: stated in the result.
        device: "cpu", "cuda" or "cuda:N".
        calibration: {"temperature": {task: T}}; None or {} when not calibrated.
        generator: source of the dropout seed; without it the seed follows from config.seed and the pseudonym.

    Returns:
        The result; `created_at` stays empty.

    Raises:
        DataError: no sequence is there, or a calibration that does not fit the tasks.
    """
    used, missing = present(prepared.available_C)
    if not used:
        raise DataError(f"case {prepared.case_id}: found no sequence; expected at least one; add an image")
    temperatures = temperatures_of(calibration or {}, config.task_list)
    settings, edge = config.evaluation, config.model.crop_size
    model.to(device)
    with torch.inference_mode(), _eval_mode(model), _same_kernels():
        reading = read_prepared(prepared, device)
        probability = segment(model, reading, config.model, settings)
        labels = probability.argmax(0)
        centre = tumour_centre(labels)
        start = crop_around(centre or [n // 2 for n in reading.shape], reading.shape, edge)
        answers = probabilities(class_logits(model, reading, start, edge, settings), temperatures)
        seed = _seed(config.seed, prepared.case_id, generator)
        doubt = doubt_by_task(model, reading, start, edge, settings, temperatures=temperatures, seed=seed)
        open_regions = assessable_regions(not_assessable(used))
        region_doubt = _region_means(entropy(probability), labels, open_regions)
        native = labels_on_native(probability, labels, prepared)
    return CaseResult(
        case_id=prepared.case_id,
        seg_XYZ=native,
        affine_44=np.asarray(prepared.native.affine_44, dtype=np.float64),
        volume_ml=_volumes(native, prepared.native.affine_44, open_regions),
        probability=answers,
        epistemic={task: found.epistemic for task, found in doubt.items()},
        aleatoric={task: found.aleatoric for task, found in doubt.items()},
        region_uncertainty=region_doubt,
        sequences_used=used,
        sequences_missing=missing,
        not_assessable=not_assessable(used),
        abstained={} if centre else {"segmentation": NO_TUMOUR},
        model_id=model_id,
    )


def _volumes(
    seg_XYZ: NDArray[np.uint8], affine_44: NDArray[np.float64], open_regions: tuple[str, ...]
) -> dict[str, float | None]:
    counts = np.bincount(seg_XYZ.reshape(-1), minlength=256)
    return {
        region: volume_ml(int(counts[list(labels)].sum()), affine_44) if region in open_regions else None
        for region, labels in REGIONS.items()
    }


def _region_means(entropy_XYZ: Tensor, labels_XYZ: Tensor, open_regions: tuple[str, ...]) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for region, labels in REGIONS.items():
        inside = torch.isin(labels_XYZ, torch.tensor(labels, device=labels_XYZ.device))
        means[region] = mean_inside(entropy_XYZ, inside) if region in open_regions else None
    return means


def _seed(run_seed: int, case_id: str, generator: torch.Generator | None) -> int:
    """Independent of the order in which cases are read, unless a generator is given."""
    if generator is not None:
        return int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{case_id}".encode()).digest()[:4], "little")


@contextmanager
def _eval_mode(model: GMMAS) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def _same_kernels() -> Iterator[None]:
    """Let cuDNN neither time its kernels nor pick one that adds in varying order."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield
