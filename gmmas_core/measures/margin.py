"""How thick the enhancing margin around a necrotic or non-enhancing core is.

At every enhancing voxel that touches label 1 with a face: the distance to the nearest voxel outside of the core. For a
flat margin of n voxels that is n voxel edges exactly. A gap in the rim, where label 1 meets the outside, has no
thickness and is not counted as 0; how much of the inner border has a margin at all is stated beside it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gmmas_core.data.grid import Volume, box_of
from gmmas_core.measures.values import Interval, Missing, Quantity
from gmmas_core.types import ENHANCING, NECROSIS

FEWEST_VOXELS = 20
"""Of the margin's inner surface; fewer say nothing about a thickness."""

LEAST_COVERED = 0.1
"""Share of label 1's border; below it a nodule touches the core, nothing surrounds it."""

_FACES = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, kw_only=True)
class Margin:
    """Thickness of an enhancing margin.

    Attributes:
        thickness: median, mm; its interval is the 10th to 90th percentile along the margin, not a doubt.
        covered: share of label 1's border that has an enhancing margin.
    """

    thickness: Quantity
    covered: float


def measure_margin(seg: Volume) -> Margin | Missing:
    """The enhancing margin of a tumour whose core is assessable.

    Args:
        seg: canonical labels, any grid.
    """
    core = np.isin(seg.data, (NECROSIS, ENHANCING))
    if not (seg.data == ENHANCING).any():
        return Missing("no enhancing tumour was found")
    if not (seg.data == NECROSIS).any():
        return Missing("the enhancing tumour is solid: it surrounds no necrotic or non-enhancing part")
    box = box_of(core, 0)
    inside, enhancing = np.pad(core[box], 1), np.pad(seg.data[box] == ENHANCING, 1)
    inner = inside & ~enhancing
    around = ndimage.binary_dilation(inner, _FACES) & ~inner
    surface = around & enhancing
    covered = np.count_nonzero(surface) / np.count_nonzero(around)
    if np.count_nonzero(surface) < FEWEST_VOXELS or covered < LEAST_COVERED:
        return Missing(f"enhancement lines {covered:.0%} of the border of label 1; that is no margin")
    spacing = seg.grid.spacing_mm
    thickness_N = ndimage.distance_transform_edt(inside, sampling=spacing)[surface]
    low, middle, high = (float(mm) for mm in np.percentile(thickness_N, (10, 50, 90)))
    return Margin(
        thickness=Quantity(
            value=middle,
            unit="mm",
            error=float(max(spacing)),
            interval=Interval(low=low, high=high, meaning="10th to 90th percentile along the margin"),
        ),
        covered=float(covered),
    )
