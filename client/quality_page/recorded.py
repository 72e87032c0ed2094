"""What was written beside a case's images: a brain mask of its own, and what its registration left over."""

from collections.abc import Mapping
from pathlib import Path

from gmmas_core.data.geometry import load_volume
from gmmas_core.data.grid import Volume
from gmmas_core.onboarding.record import FILE, RawSequence, read_raw_record
from gmmas_core.quality import Prepared
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
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


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
    record = None if path is None else read_raw_record(path.parent)
    if record is None:
        return {}
    return {name: _prepared(each) for name, each in record.sequences.items() if name in case.images}


def _prepared(sequence: RawSequence) -> Prepared:
    return Prepared(
        confidence=sequence.confidence,
        residual_mm=sequence.residual_mm,
        native_mm=sequence.native.spacing_mm,
    )
