"""What was written beside a case's images: a brain mask of its own, and what its registration left over."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gmmas_core.data.geometry import load_volume
from gmmas_core.data.grid import Volume
from gmmas_core.quality import Prepared
from gmmas_core.types import Case, DataError


def brain_file(case: Case) -> Path | None:
    """`CASE_brain.nii.gz` in the case's folder, or None."""
    for folder in sorted({path.parent for path in case.images.values()}):
        for name in (case.case_id, folder.name):
            if (folder / f"{name}_brain.nii.gz").is_file():
                return folder / f"{name}_brain.nii.gz"
    return None


def record_file(case: Case) -> Path | None:
    """`raw.json` in the case's folder, or None."""
    folders = sorted({path.parent for path in case.images.values()})
    return next((folder / "raw.json" for folder in folders if (folder / "raw.json").is_file()), None)


def read_brain(case: Case) -> Volume | None:
    """The brain mask, or None where there is none.

    Raises:
        DataError: a file that cannot be read.
    """
    path = brain_file(case)
    return None if path is None else load_volume(path, f"case {case.case_id}: brain mask")


def read_prepared(case: Case) -> Mapping[str, Prepared]:
    """Sequence -> what preparing it from raw images recorded; empty where nothing was.

    Raises:
        DataError: a raw.json that is damaged.
    """
    path = record_file(case)
    if path is None:
        return {}
    try:
        sequences = json.loads(path.read_text(encoding="utf-8"))["sequences"]
        if not isinstance(sequences, dict):
            raise TypeError("no sequences by name")
        return {name: _prepared(sequences[name]) for name in case.images if name in sequences}
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"case {case.case_id}: found a raw.json that is damaged; expected the one that prepare --raw wrote; "
            "prepare the case again"
        ) from None


def _prepared(content: Mapping[str, Any]) -> Prepared:
    residual = content["residual_mm"]
    affine_44 = np.array(content["native_grid"]["affine"], dtype=np.float64).reshape(4, 4)
    x, y, z = (float(mm) for mm in np.linalg.norm(affine_44[:3, :3], axis=0))
    return Prepared(
        label=str(content["label"])[:80],
        confidence=float(content["confidence"]),
        residual_mm=None if residual is None else float(residual),
        native_mm=(x, y, z),
    )
