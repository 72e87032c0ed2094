"""A sequence seen from afar: every few voxels, standardised; enough for checks that look at the whole brain.

All numbers are robust standard deviations: (value - median) / (1.4826 MAD) over what is not 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume

STEP_MM = 2.0
DEEP_MM = 10.0
"""Below the brain's surface, where neither a loose brain mask nor misregistration mixes in."""

FEWEST_VOXELS = 300
"""Of a sketch; in fewer, percentiles at 2 % say nothing."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """One sequence, coarsely.

    Attributes:
        value_XYZ: float32, standardised.
        inside_XYZ: where the image is not 0.
        median, spread: of the original values inside; spread is 1.4826 MAD.
        spacing_mm: of the sketch.
    """

    value_XYZ: NDArray[np.float32]
    inside_XYZ: NDArray[np.bool_]
    median: float
    spread: float
    spacing_mm: tuple[float, float, float]


def every(volume: Volume) -> tuple[slice, slice, slice]:
    """The voxels of a sketch of this grid."""
    x, y, z = (slice(None, None, max(1, round(STEP_MM / mm))) for mm in volume.grid.spacing_mm)
    return x, y, z


def sketch(volume: Volume) -> Sketch:
    """Look at a volume from afar."""
    chosen = every(volume)
    value = volume.data[chosen].astype(np.float32)
    inside = value != 0
    content = value[inside] if inside.any() else np.zeros(1, dtype=np.float32)
    median = float(np.median(content))
    spread = 1.4826 * float(np.median(np.abs(content - median)))
    x, y, z = (mm * (side.step or 1) for mm, side in zip(volume.grid.spacing_mm, chosen, strict=True))
    return Sketch((value - median) / max(spread, 1e-9), inside, median, spread, (x, y, z))


def common_brain(sketches: Mapping[str, Sketch]) -> NDArray[np.bool_]:
    """Where every sequence has signal; all on one grid."""
    return np.asarray(np.logical_and.reduce([one.inside_XYZ for one in sketches.values()]))


def deep_brain(sketches: Mapping[str, Sketch]) -> NDArray[np.bool_]:
    """The common brain without its outer DEEP_MM."""
    spacing = next(iter(sketches.values())).spacing_mm
    brain = np.pad(common_brain(sketches), 1)
    depth = ndimage.distance_transform_edt(brain, sampling=spacing)
    return np.asarray((depth > DEEP_MM)[1:-1, 1:-1, 1:-1])


def correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
