"""From scores to the numbers people read: merged and local agree, and nothing is invented where nothing was scored."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from gmmas_core.metrics import evaluation
from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.types import UNKNOWN, FederationError, Task

TASKS = (Task.IDH, Task.CODEL)


def _cohort(num_cases: int, seed: int) -> list[CaseScore]:
    """A site whose IDH scores and ages carry signal, whose ET is sometimes not assessable, without 1p/19q labels."""
    rng = np.random.default_rng(seed)
    scores = []
    for index in range(num_cases):
        mutant = int(rng.random() < 0.4)
        measured = RegionScore(
            dice=rng.beta(8, 2), hd95_mm=rng.gamma(2, 3), lesion_dice=rng.beta(6, 3), lesion_hd95_mm=rng.gamma(2, 9)
        )
        scores.append(
            CaseScore(
                case_id=f"c{index}",
                patient_id=f"p{index}",
                has_reference=True,
                regions={"wt": measured, "tc": measured, "et": measured if index % 4 else None},
                not_assessable=frozenset(() if index % 4 else ("et",)),
                probability={Task.IDH: 1 / (1 + np.exp(-rng.normal(3 * mutant - 1.5, 2))), Task.CODEL: 0.1},
                label={Task.IDH: mutant if index % 10 else UNKNOWN, Task.CODEL: UNKNOWN},
                abstained=frozenset(),
                age=float(np.round(rng.normal(60 - 18 * mutant, 12))) if index % 7 else None,
            )
        )
    return scores


def _numbers(tree: Any, path: str = "") -> dict[str, Any]:
    if isinstance(tree, dict):
        return {key: value for name in tree for key, value in _numbers(tree[name], f"{path}/{name}").items()}
    return {path: tree}


def test_merged_and_local_agree_and_have_one_shape() -> None:
    scores = _cohort(120, 0)
    merged = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)
    local = evaluation.local_summary(scores, TASKS, 300, 0)
    assert _numbers(merged).keys() == _numbers(local).keys()
    for region in ("wt", "tc", "et"):
        for measure, near in (("dice", 0.01), ("hd95_mm", 0.5), ("lesion_dice", 0.01), ("lesion_hd95_mm", 1.5)):
            left, right = merged["segmentation"][region][measure], local["segmentation"][region][measure]
            assert left["mean"] == right["mean"]
            assert left["quartiles"] == pytest.approx(right["quartiles"], abs=near)
            assert left["interval"] == pytest.approx(right["interval"], abs=2 * near)
    left, right = merged["classification"]["idh"], local["classification"]["idh"]
    for name in ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "brier", "nll"):
        assert left[name]["value"] == pytest.approx(right[name]["value"], abs=0.001), name
        assert left[name]["interval"] == pytest.approx(right[name]["interval"], abs=0.04), name
        low, high = right[name]["interval"]
        assert low < right[name]["value"] < high


def test_local_values_are_exact() -> None:
    scores = _cohort(80, 1)
    known = [score for score in scores if score.label[Task.IDH] != UNKNOWN]
    label, prob = [s.label[Task.IDH] for s in known], [s.probability[Task.IDH] for s in known]
    idh = evaluation.local_summary(scores, TASKS, 0, 0)["classification"]["idh"]
    assert idh["auroc"] == {"value": pytest.approx(roc_auc_score(label, prob)), "interval": None}
    assert idh["auprc"]["value"] == pytest.approx(average_precision_score(label, prob))
    aged = [score for score in known if score.age is not None]
    expected = roc_auc_score([s.label[Task.IDH] for s in aged], [-s.age for s in aged if s.age is not None])
    assert idh["age_only"]["auroc"]["value"] == pytest.approx(expected)
    merged = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)["classification"]["idh"]["age_only"]
    assert merged["auroc"]["value"] == pytest.approx(expected)  # whole years lose nothing in yearly bins
    assert merged["n"] == len(aged)


def test_counts_stand_beside_every_number() -> None:
    scores = _cohort(40, 2)
    summary = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)
    assert summary["cases"] == {"n": 40, "reference_masks": 40}
    assert (summary["segmentation"]["wt"]["n"], summary["segmentation"]["et"]["n"]) == (40, 30)
    assert summary["segmentation"]["et"]["not_assessable"] == 10
    idh = summary["classification"]["idh"]
    assert idh["n"] == idh["positives"] + idh["negatives"] == 36
    assert sum(entry["n"] for entry in idh["reliability"]) == 36
    assert "10 bins" in idh["ece"]["binning"]


@pytest.mark.parametrize("num_cases", [0, 1, 3])
def test_nothing_to_score_is_none_and_json(num_cases: int) -> None:
    scores = _cohort(num_cases, 3)
    for summary in (
        evaluation.summarise(evaluation.merge(scores, TASKS), TASKS),
        evaluation.local_summary(scores, TASKS, 50, 0),
    ):
        json.dumps(summary, allow_nan=False)
        codel = summary["classification"]["codel_1p19q"]
        assert codel["n"] == 0
        assert codel["auroc"] == {"value": None, "interval": None}
        assert codel["ece"]["value"] is None
        assert "age_only" not in codel
        assert summary["segmentation"]["wt"]["dice"]["interval"] is None
        if not num_cases:
            assert summary["segmentation"]["wt"]["dice"] == dict.fromkeys(("mean", "sd", "quartiles", "interval"))


def test_summaries_repeat_themselves() -> None:
    scores = _cohort(30, 4)
    metrics = evaluation.merge(scores, TASKS)
    assert evaluation.summarise(metrics, TASKS) == evaluation.summarise(metrics, TASKS)
    assert evaluation.local_summary(scores, TASKS, 100, 5) == evaluation.local_summary(scores, TASKS, 100, 5)
    assert evaluation.local_summary(scores, TASKS, 100, 5) != evaluation.local_summary(scores, TASKS, 100, 6)


def test_a_missing_task_is_named() -> None:
    with pytest.raises(FederationError, match="codel_1p19q"):
        evaluation.summarise(evaluation.merge([], [Task.IDH]), TASKS)


def test_pooled_value_and_worst_site() -> None:
    sites = {"north": _cohort(30, 5), "south": _cohort(50, 6), "west": []}
    metrics = {name: evaluation.merge(scores, TASKS) for name, scores in sites.items()}
    for name, choose in (
        ("dice.wt", min),
        ("hd95-mm.et", max),
        ("auroc.idh", min),
        ("auprc.idh", min),
        ("ece.idh", max),
    ):
        values = {site: evaluation.value_of(metrics[site], name) for site in ("north", "south")}
        worst = choose(values, key=lambda site: values[site] or 0.0)
        assert evaluation.worst_site(metrics, name) == (worst, values[worst]), name
    assert evaluation.value_of(metrics["west"], "dice.wt") is None
    assert evaluation.worst_site({"west": metrics["west"]}, "dice.wt") is None
    pooled = evaluation.pool(list(metrics.values()), TASKS)
    whole = evaluation.merge(sites["north"] + sites["south"], TASKS)
    assert evaluation.value_of(pooled, "auroc.idh") == evaluation.value_of(whole, "auroc.idh")
    assert evaluation.value_of(pooled, "dice.wt") == pytest.approx(evaluation.value_of(whole, "dice.wt"))
    with pytest.raises(FederationError, match=r"'dice\.brain'"):
        evaluation.value_of(pooled, "dice.brain")
