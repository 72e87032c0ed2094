"""Lesion-wise scores against hand-worked cases and a plain re-telling of the challenge's rules."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.metrics import overlap
from gmmas_core.metrics.lesion_wise import LesionRules, lesion_wise

ISOTROPIC = (1.0, 1.0, 1.0)
SHAPE = (60, 30, 30)

Mask = NDArray[np.bool_]


def _cubes(*corners_and_edges: tuple[int, int]) -> Mask:
    """Cubes along x: (first x, edge)."""
    mask = np.zeros(SHAPE, dtype=bool)
    for x, edge in corners_and_edges:
        mask[x : x + edge, 10 : 10 + edge, 10 : 10 + edge] = True
    return mask


def test_a_missed_lesion_costs_zero_and_374() -> None:
    score = lesion_wise(_cubes((2, 6)), _cubes((2, 6), (40, 6)), ISOTROPIC)
    assert (score.num_lesions, score.num_missed, score.num_false_positives) == (2, 1, 0)
    assert score.dice == pytest.approx(0.5)
    assert score.hd95_mm == pytest.approx(374 / 2)


def test_a_false_positive_of_any_size_costs_the_same() -> None:
    score = lesion_wise(_cubes((2, 6), (40, 1)), _cubes((2, 6)), ISOTROPIC)
    assert (score.num_lesions, score.num_missed, score.num_false_positives) == (1, 0, 1)
    assert score.dice == pytest.approx(0.5)
    assert score.hd95_mm == pytest.approx(374 / 2)


def test_empty_conventions() -> None:
    empty, lesion = np.zeros(SHAPE, dtype=bool), _cubes((2, 6))
    both, missed, invented = (
        lesion_wise(*pair, ISOTROPIC) for pair in ((empty, empty), (empty, lesion), (lesion, empty))
    )
    assert (both.dice, both.hd95_mm) == (1.0, 0.0)
    assert (missed.dice, missed.hd95_mm) == (0.0, 374.0)
    assert (invented.dice, invented.hd95_mm) == (0.0, 374.0)


def test_lesions_of_fifty_voxels_are_not_scored_and_of_fifty_one_are() -> None:
    small = np.zeros(SHAPE, dtype=bool)
    small[5:10, 5:10, 5:7] = True  # 50 voxels
    large = small.copy()
    large[10, 5, 5] = True  # 51
    nothing = np.zeros(SHAPE, dtype=bool)
    assert lesion_wise(nothing, small, ISOTROPIC).num_lesions == 0
    assert lesion_wise(nothing, small, ISOTROPIC).dice == 1.0
    assert lesion_wise(nothing, large, ISOTROPIC).num_missed == 1
    # The threshold is a volume: on a grid of 2 mm the same 50 voxels are 0.4 mL.
    assert lesion_wise(nothing, small, (2.0, 2.0, 2.0)).num_missed == 1
    assert lesion_wise(nothing, large, ISOTROPIC, LesionRules(min_volume_ml=0.06)).num_lesions == 0


def test_touching_only_a_small_lesion_is_no_false_positive() -> None:
    score = lesion_wise(_cubes((2, 3), (30, 6)), _cubes((2, 3), (30, 6)), ISOTROPIC)
    assert (score.num_lesions, score.num_false_positives, score.dice) == (1, 0, 1.0)


def test_lesions_closer_than_their_growth_count_as_one() -> None:
    assert lesion_wise(_cubes((2, 6)), _cubes((2, 6), (13, 6)), ISOTROPIC).num_lesions == 1
    assert lesion_wise(_cubes((2, 6)), _cubes((2, 6), (16, 6)), ISOTROPIC).num_lesions == 2


def test_growth_follows_the_grid() -> None:
    rules = LesionRules()
    assert [rules.iterations((edge,) * 3) for edge in (0.5, 1.0, 1.5, 2.0, 4.0)] == [6, 3, 2, 2, 1]
    assert rules.iterations((1.0, 1.0, 1.0)) == 3


def _retold(pred: Mask, ref: Mask, iterations: int, smallest: int) -> tuple[float, float]:
    """The rules once more, one lesion at a time on whole volumes, as the challenge's own program works."""
    around, growth = np.ones((3, 3, 3)), ndimage.generate_binary_structure(3, 2)
    pieces, num_pieces = ndimage.label(pred, around)
    grown, num_grown = ndimage.label(ndimage.binary_dilation(ref, growth, iterations=iterations), around)
    dices, distances, hit = [], [], set()
    for lesion in range(1, num_grown + 1):
        wanted = ref & (grown == lesion)
        near = set(np.unique(pieces[ndimage.binary_dilation(wanted, growth, iterations=iterations)])) - {0}
        hit |= near
        if wanted.sum() <= smallest:
            continue
        found = np.isin(pieces, sorted(near))
        dices.append(overlap.dice(found, wanted) if near else 0.0)
        distances.append(overlap.surface_hd95(found, wanted, ISOTROPIC) if near else 374.0)
    invented = num_pieces - len(hit)
    scored = len(dices) + invented
    if not scored:
        return 1.0, 0.0
    return sum(dices) / scored, (sum(distances) + 374 * invented) / scored


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_rules_retold_on_random_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = [ndimage.gaussian_filter(rng.normal(size=(50, 40, 30)), 2.2) for _ in range(2)]
    ref = smooth[0] > np.quantile(smooth[0], 0.97)
    mixed = smooth[0] + 0.7 * smooth[1]
    pred = mixed > np.quantile(mixed, 0.97)
    score = lesion_wise(pred, ref, ISOTROPIC)
    assert (score.dice, score.hd95_mm) == pytest.approx(_retold(pred, ref, 3, 50))
    assert score.num_lesions > 1
