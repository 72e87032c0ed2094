"""How sure the segmentation is inside each region, as CaseResult states it.

`region_uncertainty` is the mean over a region's voxels of the predictive entropy, in nats; `region_aleatoric` and
`region_epistemic` are the means of its two parts, so that the two add up to it. Which question the entropy is about:

- a region without a temperature: which of the four classes a voxel belongs to (at most ln 4);
- a region with a temperature T: whether a voxel belongs to this region, p = sigmoid(logit(p_region) / T) in every
  pass (at most ln 2). Temperatures are fitted on that question and would mean nothing for four classes.

Temperatures never change a label. Without stochastic passes the one segmentation counts as the only pass; its two
parts are then not known and not stated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmmas_core.types import REGIONS
from gmmas_core.uncertainty import Doubt, Passes, mean_inside


def region_odds(prob_KXYZ: Tensor, region: str, temperature: float) -> Tensor:
    """Calibrated probabilities (2, X, Y, Z) of lying outside and inside a region; float32, they sum to 1."""
    inside = list(REGIONS[region])
    outside = [k for k in range(len(prob_KXYZ)) if k not in inside]
    # Both sums, and not 1 - p: that loses everything near 1.
    least = torch.finfo(torch.float32).tiny
    log_in, log_out = (prob_KXYZ[k].float().sum(0).clamp_min(least).log() for k in (inside, outside))
    logit_XYZ = (log_in - log_out) / temperature
    return torch.stack([torch.sigmoid(-logit_XYZ), torch.sigmoid(logit_XYZ)])


@dataclass(frozen=True, kw_only=True, eq=False)
class VoxelDoubt:
    """Entropies on the brain crop: of the four classes, and per region of the question its temperature is for."""

    classes: Doubt
    regions: Mapping[str, Doubt]


class VoxelPasses:
    """A running sum over segmentations of one brain."""

    def __init__(self, temperatures: Mapping[str, float]) -> None:
        self._temperatures = temperatures
        self._classes = Passes()
        self._calibrated = {region: Passes() for region in temperatures}

    def add(self, prob_KXYZ: Tensor) -> None:
        """Count one segmentation's class probabilities."""
        self._classes.add(prob_KXYZ)
        for region, passes in self._calibrated.items():
            passes.add(region_odds(prob_KXYZ, region, self._temperatures[region]))

    def doubt(self) -> VoxelDoubt:
        """All entropies so far; a region without a temperature shares those of the four classes."""
        classes = self._classes.doubt()
        calibrated = {region: passes.doubt() for region, passes in self._calibrated.items()}
        return VoxelDoubt(classes=classes, regions={region: calibrated.get(region, classes) for region in REGIONS})


def region_means(
    maps: Mapping[str, Tensor], labels_XYZ: Tensor, open_regions: Sequence[str]
) -> dict[str, float | None]:
    """Mean of each region's own map inside that region.

    Args:
        maps: region -> (X, Y, Z).
        labels_XYZ: canonical labels on the same grid and device.
        open_regions: those that are assessable.

    Returns:
        Every region; None where it is not assessable or empty.
    """
    means: dict[str, float | None] = {}
    for region, labels in REGIONS.items():
        inside = torch.isin(labels_XYZ, torch.tensor(labels, dtype=labels_XYZ.dtype, device=labels_XYZ.device))
        means[region] = mean_inside(maps[region], inside) if region in open_regions else None
    return means
