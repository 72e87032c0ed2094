"""Closed forms: nothing gained, a constant gained, half of a gap won back, and scikit-learn's ROC on every draw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from gmmas_core.types import DataError
from server.lab.study.statistics import Draws, Estimate, difference, draw, estimate, gap_recovered, verdict
from server.lab.study.tables import MEASURES, ArmTable, arm_table, weighted_auroc, weighted_brier, weighted_nll

RNG = np.random.default_rng(5)
NUM = 40
BASE = RNG.uniform(0.3, 0.6, (3, NUM))
PROB = np.round(RNG.uniform(0.02, 0.98, NUM), 1) * 0.98 + 0.01  # with ties
LABEL = RNG.integers(0, 2, NUM)


def record(case: int, dice: float) -> dict[str, Any]:
    return {
        "case": f"c{case:03d}",
        "patient": f"p{case // 2}",
        "site": "north",
        "age": 50.0,
        "sex": "F",
        "label": {"idh": int(LABEL[case])},
        "dice": dict.fromkeys(("wt", "tc", "et"), dice),
        "probability": {"idh": float(PROB[case])},
    }


def table(dice_SN: np.ndarray) -> ArmTable:
    results = [{"seed": seed, "cases": [record(n, d) for n, d in enumerate(row)]} for seed, row in enumerate(dice_SN)]
    return arm_table(results)


def wt(dice_SN: np.ndarray) -> Estimate:
    arm = table(dice_SN)
    return estimate(arm, MEASURES["dice_wt"], draw(arm, 400))


def test_identical_arms_differ_by_nothing_and_resolve_nothing() -> None:
    found = difference(wt(BASE), wt(BASE))
    assert (found.value, found.interval) == (0.0, (0.0, 0.0))
    assert verdict(found, MEASURES["dice_wt"]) == "unresolved"
    assert verdict(found, MEASURES["dice_wt"], equivalence=0.01) == "equivalent"


def test_a_constant_shift_is_found_exactly_whatever_is_drawn() -> None:
    found = difference(wt(BASE + 0.05), wt(BASE))
    assert found.value == pytest.approx(0.05)
    assert found.interval == pytest.approx((0.05, 0.05))
    assert verdict(found, MEASURES["dice_wt"]) == "better"
    assert verdict(difference(wt(BASE), wt(BASE + 0.05)), MEASURES["dice_wt"]) == "worse"
    assert verdict(found, MEASURES["nll_idh"]) == "worse"  # of a loss, less is better


def test_noise_without_a_shift_stays_unresolved() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, BASE.shape)
    assert verdict(difference(wt(BASE + noise - noise.mean()), wt(BASE)), MEASURES["dice_wt"]) == "unresolved"


def test_the_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    """One seed, one case per patient: the spread of the draws is the standard error of the mean."""
    dice = np.random.default_rng(1).normal(0.5, 0.2, (1, 200))
    results = [
        {"seed": 0, "cases": [record(0, d) | {"case": f"{n:03d}", "patient": str(n)} for n, d in enumerate(dice[0])]}
    ]
    arm = arm_table(results)
    found = estimate(arm, MEASURES["dice_wt"], draw(arm, 4000))
    assert float(found.drawn_B.std()) == pytest.approx(float(dice.std()) / np.sqrt(200), rel=0.05)


def test_half_of_a_gap_is_half() -> None:
    found = gap_recovered(wt(BASE + 0.1), wt(BASE), wt(BASE + 0.2))
    assert found.value == pytest.approx(0.5)
    assert found.interval == pytest.approx((0.5, 0.5))


def test_a_gap_that_is_not_there_is_not_shared() -> None:
    found = gap_recovered(wt(BASE + 0.1), wt(BASE), wt(BASE))
    assert (found.value, found.interval) == (None, None)


def test_patients_are_drawn_with_all_their_cases() -> None:
    weights_BN = draw(table(BASE), 50).weights_BN
    assert np.array_equal(weights_BN[:, ::2], weights_BN[:, 1::2])
    assert set(weights_BN.sum(1)) == {NUM}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(weighted_auroc, roc_auc_score), (weighted_brier, brier_score_loss), (weighted_nll, log_loss)],
)
def test_scores_of_weighted_cases_are_scikit_learns(ours: Any, theirs: Any) -> None:
    weights_BN = np.random.default_rng(3).multinomial(NUM, np.full(NUM, 1 / NUM), size=20).astype(np.int64)
    expected = [theirs(LABEL, PROB, sample_weight=weights) for weights in weights_BN]
    assert ours(PROB, LABEL, weights_BN) == pytest.approx(expected)


def test_a_draw_of_one_class_has_no_ranking() -> None:
    assert np.isnan(weighted_auroc(PROB, np.zeros(NUM, np.int64), np.ones((1, NUM), np.int64))).all()


def test_parts_of_a_seed_are_put_together_in_the_order_of_the_cases() -> None:
    late, early = record(3, 0.3), record(1, 0.1)
    arm = arm_table([{"seed": 0, "cases": [late]}, {"seed": 0, "cases": [early]}])
    assert arm.cases == ("c001", "c003")
    assert arm.values_SN["dice_wt"].tolist() == [[0.1, 0.3]]


def test_seeds_with_other_cases_are_refused() -> None:
    with pytest.raises(DataError, match="seed 1"):
        arm_table([{"seed": 0, "cases": [record(0, 0.1)]}, {"seed": 1, "cases": [record(1, 0.1)]}])


def test_missing_subsets_are_passed_over() -> None:
    subset: Mapping[str, Any] = {"subsets": {"t1": {"dice": dict.fromkeys(("wt", "tc", "et"), 0.25)}}}
    arm = arm_table([{"seed": 0, "cases": [record(0, 0.9) | subset, record(2, 0.9)]}])
    once = Draws(np.zeros((1, 1), np.int64), np.ones((1, 2), np.int64))
    assert estimate(arm, MEASURES["subset_wt"], once).value == 0.25
