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
from gmmas_core.measures import Doubt, measure_case
from gmmas_core.quality import check_images, check_result, worst
from gmmas_core.types import Case, CaseResult


def findings(
    case: Case, result: CaseResult, loaded: LoadedModel, entropy_XYZ: NDArray[np.float32] | None = None
) -> dict[str, Any]:
    """Checks, measures and suggestions of one case.

    Args:
        case: whose images were read; they are opened again, on their own grids.
        result: of reading it.
        loaded: the model.
        entropy_XYZ: of every voxel on the result's grid, over stochastic passes; gives the volumes their intervals.

    Returns:
        "checks", the gravest of them as "verdict", "measures" and "suggested"; see `quality`, `measures`, `diagnosis`.

    Raises:
        DataError: an image that can no longer be read.
    """
    images = {name: load_volume(path, f"case {case.case_id}: {name}") for name, path in case.images.items()}
    checks = (*check_images(images), *check_result(images, Volume(result.seg_XYZ, result.affine_44)))
    calibrated = temperatures_of(loaded.calibration, result.probability)
    return {
        "verdict": worst(checks),
        "checks": [asdict(check) for check in checks],
        "measures": _plain(asdict(measure_case(result, images, Doubt(entropy_XYZ=entropy_XYZ)))),
        "suggested": _suggested(rank_case(result, calibrated=calibrated)),
    }


def _suggested(ranking: Ranking) -> dict[str, Any]:
    """Types by id and in words, most probable first; never a grade."""
    return {
        "types": [
            {"id": each.entity, "name": text(each.entity), "probability": each.probability}
            for each in ranking.candidates
        ],
        "not_assessable": {task: text(reason) for task, reason in ranking.not_assessable},
        "flags": [text(flag) for flag in ranking.flags],
        "uncalibrated": list(ranking.uncalibrated),
    }


def _plain(value: Any) -> Any:
    """numpy's numbers and tuples as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
