"""What else can be said of a case that was read: checks, measures and suggested diagnoses, as JSON-able values."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.calibration import temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.diagnosis import Ranking, rank_case, text
from gmmas_core.diagnosis.ranking import MIN_PASSES, PERCENTILES
from gmmas_core.inference import CaseReading
from gmmas_core.measures import Doubt, measure_case
from gmmas_core.quality import Check, check_images, check_result, worst
from gmmas_core.types import Case, CaseResult


def findings(
    case: Case, read: CaseReading, loaded: LoadedModel, entropy_XYZ: NDArray[np.float32] | None = None
) -> dict[str, Any]:
    """Checks, measures and suggestions of one case.

    Args:
        case: whose images were read; they are opened again, on their own grids.
        read: of reading it.
        loaded: the model.
        entropy_XYZ: of every voxel on the result's grid, over stochastic passes; gives the volumes their intervals
            where there are too few passes for percentiles.

    Returns:
        "checks", the gravest of them as "verdict", "measures", "intervals" and "suggested"; see `quality`, `measures`,
        `diagnosis`.

    Raises:
        DataError: an image that can no longer be read.
    """
    calibrated = temperatures_of(loaded.calibration, read.result.probability)
    draws = read.prob_M if all(len(value_M) >= MIN_PASSES for value_M in read.prob_M.values()) else {}
    return {
        **seen(case, read.result, Doubt(passes_ml=read.passes_ml, entropy_XYZ=entropy_XYZ), read.unlike),
        "intervals": {task.value: _interval(value_M) for task, value_M in draws.items()},
        "suggested": suggestions(rank_case(read.result, draws=draws, calibrated=calibrated)),
    }


def seen(case: Case, result: CaseResult, doubt: Doubt, unlike: Check | None = None) -> dict[str, Any]:
    """What images and outline alone tell: "checks", "verdict" and "measures".

    Args:
        case: its images are opened.
        result: with the outline.
        doubt: of the outline.
        unlike: the check against the training sites' images, where it was made; an outline does not change it.

    Raises:
        DataError: an image that can no longer be read.
    """
    images = {name: load_volume(path, f"case {case.case_id}: {name}") for name, path in case.images.items()}
    checks = (
        *check_images(images),
        *([unlike] if unlike else []),
        *check_result(images, Volume(result.seg_XYZ, result.affine_44)),
    )
    return {
        "verdict": worst(checks),
        "checks": [asdict(check) for check in checks],
        "measures": _plain(asdict(measure_case(result, images, doubt))),
    }


def _interval(value_M: NDArray[np.float64]) -> dict[str, float | int]:
    low, high = (float(q) for q in np.percentile(value_M, PERCENTILES))
    return {"low": low, "high": high, "num_passes": len(value_M)}


def suggestions(ranking: Ranking) -> dict[str, Any]:
    """Types by id and in words, most probable first; never a grade."""
    return {
        "types": [
            {
                "id": each.entity,
                "name": text(each.entity),
                "probability": each.probability,
                "interval": None if each.interval is None else asdict(each.interval),
            }
            for each in ranking.candidates
        ],
        "histology": None if ranking.histology is None else _plain(asdict(ranking.histology)),
        "not_assessable": {task: {"id": reason, "text": text(reason)} for task, reason in ranking.not_assessable},
        "flags": [{"id": flag, "text": text(flag)} for flag in ranking.flags],
        "uncalibrated": list(ranking.uncalibrated),
    }


def _plain(value: Any) -> Any:
    """numpy's numbers and tuples as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
