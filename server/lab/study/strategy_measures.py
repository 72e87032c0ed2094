"""What the strategy study measures: of all test cases, of each hospital's, and of the worst hospital."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import REGIONS
from server.lab.study.hard_sites import SITE_NAMES
from server.lab.study.tables import MEASURES, ArmTable, Counts, Floats, Measure, weighted_mean

PRIMARY = ("dice_mean", "worst_dice", "auroc_idh", "brier_idh")
"""What decides whether the default changes."""


def mean_dice(table: ArmTable, seed: int) -> Floats:
    """Mean of the three regions' Dice per case."""
    return np.asarray(np.mean([table.values_SN[f"dice_{region}"][seed] for region in REGIONS], axis=0))


def site_dice(table: ArmTable, seed: int, weights_BN: Counts) -> NDArray[np.float64]:
    """(B, hospitals) mean Dice of each hospital's cases, in the order of SITE_NAMES; NaN where none was drawn."""
    value_N = mean_dice(table, seed)
    site_N = np.array([record["site"] for record in table.records])
    return np.stack([weighted_mean(value_N, weights_BN * (site_N == name)) for name in SITE_NAMES], axis=1)


def _mean(table: ArmTable, seed: int, weights_BN: Counts) -> Floats:
    return weighted_mean(mean_dice(table, seed), weights_BN)


def _worst(table: ArmTable, seed: int, weights_BN: Counts) -> Floats:
    return np.asarray(np.fmin.reduce(site_dice(table, seed, weights_BN), axis=1))  # over those that were drawn


def _at(place: int) -> Callable[[ArmTable, int, Counts], Floats]:
    return lambda table, seed, weights_BN: site_dice(table, seed, weights_BN)[:, place]


STRATEGY_MEASURES: Mapping[str, Measure] = {
    "dice_mean": Measure("mean Dice (WT, TC, ET)", True, _mean, "dice_wt"),
    "worst_dice": Measure("mean Dice of the worst hospital", True, _worst, "dice_wt"),
    **{name: MEASURES[name] for name in ("dice_wt", "dice_tc", "dice_et", "auroc_idh", "brier_idh")},
    **{
        f"at_{name}": Measure(f"mean Dice at {name}", True, _at(place), "dice_wt")
        for place, name in enumerate(SITE_NAMES)
    },
}
"""Name -> measure; the order of every table."""
