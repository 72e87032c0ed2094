"""Volumes in millilitres and what is open about them.

Two things are open, and they are kept apart. The grid: a border between two voxel centres may lie anywhere between
them, so the error is half a voxel along the whole border, the worst case. The model: the 5th to 95th percentile of
the volumes of stochastic passes or, where only a map of doubt is at hand, the volume without and with the voxels in
doubt. Neither is a confidence interval: passes share the model's blind spots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.data.grid import Volume
from gmmas_core.measures.values import NO_DOUBT_GIVEN, Interval, Missing, Quantity
from gmmas_core.types import EDEMA, NECROSIS, REGIONS

LABELS: Mapping[str, tuple[int, ...]] = {**REGIONS, "necrosis": (NECROSIS,), "edema": (EDEMA,)}
"""What is measured -> canonical labels; "necrosis" is necrotic and non-enhancing core, which label 1 does not part."""

FEWEST_PASSES = 5
"""Fewer passes have no 5th and 95th percentile worth the name."""

IN_DOUBT_NATS = 0.325
"""Entropy of a voxel whose likeliest class has 90 % against one other; above it the voxel is in doubt."""

_FACES = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubt:
    """What is known of the model's doubt about one case.

    Attributes:
        passes_ml: region -> volume of every stochastic pass in mL; keys out of LABELS.
        entropy_XYZ: predictive entropy of every voxel in nats on the result's grid, or None.
    """

    passes_ml: Mapping[str, Sequence[float]] = field(default_factory=dict)
    entropy_XYZ: NDArray[np.floating] | None = None


def voxel_ml(affine_44: NDArray[np.float64]) -> float:
    """Volume of one voxel."""
    return float(abs(np.linalg.det(affine_44[:3, :3])) / 1000.0)


def region_of(seg: Volume, name: str) -> Volume:
    """Where a canonical label map lies inside a region of LABELS; bool, on the same grid."""
    return Volume(np.isin(seg.data, LABELS[name]), seg.affine_44)


def measure_volume(region: Volume, passes_ml: Sequence[float], in_doubt_XYZ: NDArray[np.bool_] | None) -> Quantity:
    """Volume of a region with the grid's error and the model's interval.

    Args:
        region: bool voxels.
        passes_ml: volume of the same region in every stochastic pass; used where there are enough.
        in_doubt_XYZ: voxels in doubt on the same grid, or None.
    """
    ml = voxel_ml(region.affine_44)
    value = float(np.count_nonzero(region.data) * ml)
    interval = _interval(value, region, passes_ml, in_doubt_XYZ)
    return Quantity(value=value, unit="mL", error=_border_voxels(region.data) / 2 * ml, interval=interval)


def _border_voxels(mask_XYZ: NDArray[np.bool_]) -> float:
    """Mean number of voxels in the layer inside and in the layer outside of the border."""
    if not mask_XYZ.any():
        return 0.0
    padded = np.pad(mask_XYZ, 1)
    grown = ndimage.binary_dilation(padded, _FACES)
    shrunk = ndimage.binary_erosion(padded, _FACES)
    return float(np.count_nonzero(grown) - np.count_nonzero(shrunk)) / 2


def _interval(
    value: float, region: Volume, passes_ml: Sequence[float], in_doubt_XYZ: NDArray[np.bool_] | None
) -> Interval | Missing:
    if len(passes_ml) >= FEWEST_PASSES:
        low, high = (float(q) for q in np.percentile(passes_ml, (5, 95)))
        meaning = f"5th to 95th percentile of {len(passes_ml)} stochastic passes, stretched to hold the value"
    elif in_doubt_XYZ is not None:
        # All doubt at a place is counted, also that between two labels of one region: too wide rather than too narrow.
        ml = voxel_ml(region.affine_44)
        low = float(np.count_nonzero(region.data & ~in_doubt_XYZ) * ml)
        high = float(np.count_nonzero(region.data | _reached(region.data, in_doubt_XYZ)) * ml)
        meaning = f"without and with the adjoining voxels whose entropy exceeds {IN_DOUBT_NATS} nats"
    elif passes_ml:
        return Missing(f"{len(passes_ml)} stochastic passes; at least {FEWEST_PASSES} are needed")
    else:
        return NO_DOUBT_GIVEN
    return Interval(low=min(low, value), high=max(high, value), meaning=meaning)


def _reached(region_XYZ: NDArray[np.bool_], in_doubt_XYZ: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Doubtful voxels that hang together with the region; all of them where the region is empty."""
    if not region_XYZ.any():
        return in_doubt_XYZ
    return np.asarray(ndimage.binary_propagation(region_XYZ, structure=_FACES, mask=region_XYZ | in_doubt_XYZ))
