"""A model's own results: by hand, with an interval where there is one and a reason where there is no number."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from client.models.holdout_results import results
from gmmas_core.metrics.evaluation import CaseScore, RegionScore
from gmmas_core.types import REGIONS, UNKNOWN, Task


def case(
    name: str,
    dice: float | None = None,
    probability: float | None = None,
    label: int = UNKNOWN,
    *,
    has_reference: bool | None = None,
) -> CaseScore:
    region = None if dice is None else RegionScore(dice=dice, hd95_mm=1.0, lesion_dice=dice, lesion_hd95_mm=1.0)
    return CaseScore(
        case_id=name,
        patient_id=name,
        has_reference=dice is not None if has_reference is None else has_reference,
        regions=dict.fromkeys(REGIONS, region),
        not_assessable=frozenset(),
        probability={} if probability is None else {Task.IDH: probability},
        label={Task.IDH: label},
        abstained=frozenset(),
        age=None,
    )


def by_measure(scores: Sequence[CaseScore], resamples: int = 300) -> Mapping[str, Mapping[str, Any]]:
    return {row["measure"]: row for row in results(scores, (Task.IDH,), resamples, 0)}


def test_every_measure_has_its_value_its_n_and_its_interval() -> None:
    rng = np.random.default_rng(1)
    dice, probability, label = rng.uniform(0.2, 0.9, 40), rng.uniform(0, 1, 40), rng.integers(0, 2, 40)
    rows = by_measure([case(f"c{k}", dice[k], probability[k], int(label[k])) for k in range(40)])
    assert list(rows) == [
        "Dice, whole tumour",
        "Dice, tumour core",
        "Dice, enhancing tumour",
        "AUROC, IDH",
        "Brier score, IDH",
    ]
    expected = {
        "Dice, whole tumour": dice.mean(),
        "AUROC, IDH": roc_auc_score(label, probability),
        "Brier score, IDH": brier_score_loss(label, probability),
    }
    for measure, value in expected.items():
        row = rows[measure]
        assert (row["n"], row["value"], row["reason"]) == (40, pytest.approx(value), None)
        assert row["interval"][0] < value < row["interval"][1]
    low, high = rows["Dice, whole tumour"]["interval"]
    error = dice.std() / np.sqrt(40)
    assert (low, high) == pytest.approx((dice.mean() - 1.96 * error, dice.mean() + 1.96 * error), abs=0.03)


def test_few_patients_and_a_faultless_ranking_have_no_interval() -> None:
    four = by_measure([case(f"c{k}", 0.1 * k, 0.2 * k, k % 2) for k in range(4)])
    assert {row["interval"] for row in four.values()} == {None}
    assert four["Dice, whole tumour"]["value"] == pytest.approx(0.15)
    faultless = by_measure([case(f"c{k}", 0.1 * k, 0.1 + 0.08 * k, int(k >= 5)) for k in range(10)])
    assert (faultless["AUROC, IDH"]["value"], faultless["AUROC, IDH"]["interval"]) == (1.0, None)
    assert faultless["Brier score, IDH"]["interval"] is not None


@pytest.mark.parametrize(
    ("scores", "dice", "auroc"),
    [
        ([], "there is no holdout case", "there is no holdout case"),
        ([case("a", probability=0.5)], "no holdout case has a mask", "no holdout case has a label"),
        (
            [case("a", label=1, has_reference=True)],
            "no holdout case with a mask has the sequences for it",
            "no holdout case with a label has the sequences for it",
        ),
        (
            [case("a", 0.5, 0.5, 0), case("b", 0.5, 0.2, 0)],
            None,
            "it needs both classes, and every labelled holdout case is wildtype",
        ),
    ],
)
def test_where_there_is_no_number_there_is_the_reason(
    scores: Sequence[CaseScore], dice: str | None, auroc: str
) -> None:
    rows = by_measure(scores)
    assert rows["Dice, tumour core"]["reason"] == dice
    assert rows["AUROC, IDH"]["reason"] == auroc
    assert rows["AUROC, IDH"]["value"] is None
    assert all((row["value"] is None) == bool(row["reason"]) for row in rows.values())
