"""A head without a tumour, which the phantoms of the package do not have."""

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.data.phantom import HOSPITALS
from gmmas_core.data.phantom.anatomy import Push, draw_anatomy, voxel_mm
from gmmas_core.data.phantom.latent import CLASSES, SIGNS, Latent
from gmmas_core.data.phantom.signal import tissue_brightness
from gmmas_core.data.phantom.site_effects import acquire
from gmmas_core.types import SEQUENCES


@pytest.fixture(scope="session")
def healthy() -> dict[str, Volume]:
    """Four sequences of one healthy head. Read only."""
    latent = Latent(tumour_class=CLASSES[0], age=50.0, apparent_age=50.0, sex="F", signs=dict.fromkeys(SIGNS, False))
    rng, size = np.random.default_rng(5), 48
    head = draw_anatomy(latent, size, rng, Push(centre=(0.0, 0.0, 0.0), reach=1.0, strength=0.0))
    affine_44 = np.diag([voxel_mm(size)] * 3 + [1.0])
    affine_44[:3, 3] = -(size - 1) / 2 * voxel_mm(size)
    images = {}
    for sequence in SEQUENCES:
        brightness = tissue_brightness(sequence, 1.0, 1.0)
        drawn = brightness[head.tissue_XYZ] + head.csf_share_XYZ * (brightness[0] - brightness[head.tissue_XYZ])
        images[sequence] = Volume(acquire(drawn, head.brain_XYZ, sequence, HOSPITALS[0], rng), affine_44)
    return images
