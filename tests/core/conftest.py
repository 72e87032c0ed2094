"""Phantom patients and real cases as volumes, for what works on images and labels."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.phantom import HOSPITALS, make_case
from gmmas_core.data.phantom.latent import CLASSES, SIGNS, Latent
from gmmas_core.data.sequences import find_sequences


@pytest.fixture(scope="session")
def phantom() -> Callable[..., tuple[dict[str, Volume], Volume]]:
    """Images and canonical labels of a phantom with the signs asked for; its true midline is X = 0. Read only."""

    @cache
    def draw(seed: int, size: int = 64, **signs: bool) -> tuple[dict[str, Volume], Volume]:
        wanted = {**dict.fromkeys(SIGNS, False), **signs}
        latent = Latent(tumour_class=CLASSES[1], age=50.0, apparent_age=50.0, sex="F", signs=wanted)
        case = make_case(latent, size, np.random.default_rng(seed), HOSPITALS[0])
        affine_44 = np.diag([192 / size] * 3 + [1.0])
        affine_44[:3, 3] = -(size - 1) / 2 * 192 / size
        images = {name: Volume(image, affine_44) for name, image in case.images.items()}
        return images, Volume(case.seg_XYZ, affine_44)

    return draw


@pytest.fixture
def real_case(real_data: Path) -> Callable[[str], tuple[Mapping[str, Volume], Volume]]:
    """Images and canonical labels of one BraTS 2021 case."""

    def read(name: str) -> tuple[Mapping[str, Volume], Volume]:
        files = find_sequences(real_data / "brats2021" / name)
        assert files.mask is not None
        mask = load_volume(files.mask)
        labels = np.where(mask.data == 4, 3, mask.data).astype(np.uint8)
        return {s: load_volume(path) for s, path in files.images.items()}, Volume(labels, mask.affine_44)

    return read
