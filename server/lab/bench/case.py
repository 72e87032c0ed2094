"""The case that data benchmarks read: a random brain of 240x240x155 voxels in four sequences, as compressed NIfTI."""

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from gmmas_core.data.sequences import find_sequences
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

SHAPE = (240, 240, 155)


def write_case(folder: Path, rng: np.random.Generator) -> Case:
    """A brain-like case: smooth tissue with noise in an ellipsoid, a nested tumour, LPS axes as in BraTS."""
    folder.mkdir(parents=True)
    brain, seg = _anatomy()
    affine_44 = np.diag([-1.0, -1.0, 1.0, 1.0])
    for sequence in SEQUENCES:
        smooth = zoom(rng.normal(size=(12, 12, 8)), [n / k for n, k in zip(SHAPE, (12, 12, 8))], order=1)
        tissue = 400 + 120 * smooth + 200 * (seg > 0) + rng.normal(0, 25, SHAPE)
        values = np.where(brain, tissue.clip(1), 0).astype(np.int16)
        nib.save(nib.Nifti1Image(values, affine_44), folder / f"case_{sequence}.nii.gz")
    nib.save(nib.Nifti1Image(seg, affine_44), folder / "case_seg.nii.gz")
    return case_in(folder)


def case_in(folder: Path) -> Case:
    """The case that `write_case` wrote there."""
    files = find_sequences(folder)
    return Case(
        case_id="case",
        patient_id="case",
        site="bench",
        images=files.images,
        mask=files.mask,
        labels=dict.fromkeys(Task, UNKNOWN),
        label_source={},
        split="train",
    )


def _anatomy() -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """An ellipsoid of a brain's size (1.4 million voxels) and a nested tumour in it."""
    grid = np.ogrid[tuple(slice(0, n) for n in SHAPE)]

    def distance(centre: tuple[int, int, int], radii: tuple[int, int, int]) -> NDArray[np.float64]:
        return np.sqrt(sum((((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)), np.zeros(SHAPE)))

    tumour = distance((150, 130, 85), (28, 24, 20))
    seg = np.select([tumour < 0.4, tumour < 0.6, tumour < 1.0], [1, 3, 2], 0).astype(np.uint8)
    return distance((120, 118, 75), (68, 84, 60)) < 1, seg
