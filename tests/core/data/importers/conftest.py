"""Miniature trees of public data sets: real names, tiny brains that pass `gmmas-site check`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

Draw = Callable[..., None]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """`draw(folder, {"t1": name, ...}, mask=name, labels=(1, 2, 4))`: write images, all different, and a mask."""
    rng = np.random.default_rng(5)

    def write(folder: Path, images: Mapping[str, str], mask: str = "", labels: tuple[int, ...] = (1, 2, 4)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in images.values():
            data = np.zeros((8, 8, 8), np.int16)
            data[1:7, 1:7, 1:7] = rng.integers(1, 900, (6, 6, 6))
            nib.save(nib.Nifti1Image(data, np.diag([-1.0, -1, 1, 1])), folder / name)
        if mask:
            seg = np.zeros((8, 8, 8), np.uint8)
            for place, label in enumerate(labels):
                seg[2 + place, 3:5, 3:5] = label
            nib.save(nib.Nifti1Image(seg, np.diag([-1.0, -1, 1, 1])), folder / mask)

    return write


@pytest.fixture(scope="session")
def brats(draw: Draw) -> Draw:
    """`brats(folder_of_cases, case, has_mask=True, labels=...)`: a case folder in the names of BraTS 2020 and 2021."""

    def write(
        parent: Path, case: str, *, ending: str = ".nii.gz", mask: str = "seg", labels: tuple[int, ...] = (1, 2, 4)
    ) -> None:
        names = {name: f"{case}_{name}{ending}" for name in ("t1", "t1ce", "t2", "flair")}
        draw(parent / case, names, mask and f"{case}_{mask}{ending}", labels)

    return write
