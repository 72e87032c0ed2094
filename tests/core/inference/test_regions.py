"""Doubt inside regions: the four-class entropy, or that of the calibrated question, against hand-worked values."""

import math

import pytest
import torch

from gmmas_core.inference.regions import VoxelPasses, region_means, region_odds
from gmmas_core.types import REGIONS
from gmmas_core.uncertainty import entropy


def binary(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def voxels(*probabilities: tuple[float, ...]) -> torch.Tensor:
    """(4, N, 1, 1) out of one distribution per voxel."""
    return torch.tensor(probabilities).T[:, :, None, None]


def test_odds_by_hand() -> None:
    prob = voxels((0.1, 0.2, 0.3, 0.4))
    for region, p in (("wt", 0.9), ("tc", 0.6), ("et", 0.4)):
        assert region_odds(prob, region, 1.0)[:, 0, 0, 0].tolist() == pytest.approx([1 - p, p])
        cooled = 1 / (1 + math.exp(-math.log(p / (1 - p)) / 2.5))
        assert region_odds(prob, region, 2.5)[:, 0, 0, 0].tolist() == pytest.approx([1 - cooled, cooled])


def test_certainty_stays_finite() -> None:
    odds = region_odds(voxels((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)), "et", 3.0)
    assert bool(odds.isfinite().all())
    torch.testing.assert_close(odds.sum(0), torch.ones(2, 1, 1))
    assert float(odds[1, 0]) < 1e-6 < 1 - 1e-6 < float(odds[1, 1])


def test_only_calibrated_regions_change_their_question() -> None:
    prob = voxels((0.1, 0.2, 0.3, 0.4), (0.7, 0.1, 0.1, 0.1))
    passes = VoxelPasses({"et": 2.0})
    passes.add(prob)
    found = passes.doubt()
    torch.testing.assert_close(found.regions["wt"].predictive, entropy(prob))
    torch.testing.assert_close(found.classes.predictive, entropy(prob))
    for voxel, p in enumerate((0.4, 0.1)):
        cooled = 1 / (1 + math.exp(-math.log(p / (1 - p)) / 2))
        assert float(found.regions["et"].predictive[voxel]) == pytest.approx(binary(cooled), abs=1e-6)


def test_each_pass_is_calibrated_and_the_parts_add_up() -> None:
    passes = VoxelPasses({"wt": 0.5})
    for prob in (voxels((0.4, 0.2, 0.2, 0.2)), voxels((0.2, 0.6, 0.1, 0.1))):
        passes.add(prob)
    doubt = passes.doubt().regions["wt"]
    first, second = 0.6**2 / (0.6**2 + 0.4**2), 0.8**2 / (0.8**2 + 0.2**2)  # T = 1/2 squares the odds
    assert float(doubt.expected) == pytest.approx((binary(first) + binary(second)) / 2, abs=1e-6)
    assert float(doubt.predictive) == pytest.approx(binary((first + second) / 2), abs=1e-6)
    assert float(doubt.mutual_information) == pytest.approx(float(doubt.predictive - doubt.expected), abs=1e-6)


def test_means_are_taken_inside_each_region() -> None:
    labels = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).reshape(4, 1, 1)
    maps = dict.fromkeys(REGIONS, torch.tensor([100.0, 1.0, 2.0, 6.0]).reshape(4, 1, 1))
    assert region_means(maps, labels, ("wt", "tc", "et")) == {"wt": 3.0, "tc": 3.5, "et": 6.0}
    assert region_means(maps, labels, ("wt",)) == {"wt": 3.0, "tc": None, "et": None}
    assert region_means(maps, torch.zeros_like(labels), ("wt", "tc")) == dict.fromkeys(REGIONS, None)
