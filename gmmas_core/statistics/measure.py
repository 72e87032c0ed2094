"""What is measured in a patient's files for the statistics: volumes of the mask, and how bright each sequence is.

Read from the files as they are, not from the prepared cache: the cache's grid is the coordinator's choice, and an
answer that changed with it could be asked for again and again until its noise averages out. One number per patient and
sequence, not its voxels: a histogram of voxels would show the tail of a single brain.
"""

from dataclasses import dataclass

import numpy as np

from gmmas_core.data.labels import to_canonical
from gmmas_core.data.nifti import load_volume, require_signal
from gmmas_core.types import REGIONS, SEQUENCES, Case, DataError


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of one study.

    Attributes:
        volume_ml: region -> volume of the given mask; empty without one.
        bright: sequence -> 95th percentile of its z-scores over its own non-zero voxels.
        raw: sequence -> median of those voxels in the file's units.
    """

    volume_ml: dict[str, float]
    bright: dict[str, float]
    raw: dict[str, float]


def measure(case: Case, label_convention: str) -> Measured:
    """Open every file of a study once.

    Raises:
        DataError: a file that cannot be read, holds no signal, or a mask value outside the convention.
    """
    bright, raw = {}, {}
    for sequence in SEQUENCES:
        if sequence in case.images:
            where = f"case {case.case_id}: {sequence}"
            volume = load_volume(case.images[sequence], where)
            require_signal(volume, where)
            tissue = volume.data[volume.data != 0].astype(np.float64)
            upper, raw[sequence] = (float(value) for value in np.percentile(tissue, (95, 50)))
            deviation = float(tissue.std())
            bright[sequence] = (upper - float(tissue.mean())) / deviation if deviation else 0.0
    return Measured(volume_ml=_volumes_ml(case, label_convention), bright=bright, raw=raw)


def _volumes_ml(case: Case, label_convention: str) -> dict[str, float]:
    if case.mask is None:
        return {}
    mask = load_volume(case.mask, f"case {case.case_id}: mask")
    try:
        labels_XYZ = to_canonical(mask.data, label_convention)
    except DataError as error:
        raise DataError(f"case {case.case_id}: {error}") from None
    voxel_ml = abs(float(np.linalg.det(mask.affine_44[:3, :3]))) / 1000
    voxels = np.bincount(np.asarray(labels_XYZ).ravel(), minlength=4)
    return {region: float(voxels[list(labels)].sum()) * voxel_ml for region, labels in REGIONS.items()}
