"""From scores to the numbers people read: merged and local agree, and nothing is invented where nothing was scored."""

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from gmmas_core.metrics import classification, evaluation
from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.types import UNKNOWN, FederationError, Task

TASKS = (Task.IDH, Task.CODEL)


def _cohort(num_cases: int, seed: int) -> list[CaseScore]:
    """A site whose IDH scores and ages carry signal, whose ET is sometimes not assessable, without 1p/19q labels."""
    rng, doubt = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
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
                epistemic={Task.IDH: float(doubt.beta(1, 5)) * np.log(2)} if index % 3 else {},
                region_uncertainty={"wt": 1.0 - measured.dice, "tc": float(doubt.random()), "et": None},
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
    assert left["withheld"] == 0
    assert left["by_epistemic"] == right["by_epistemic"]
    for name in ("slope", "intercept", "aurc", "excess_aurc", "ece_equal_mass"):
        assert left[name]["value"] == pytest.approx(right[name]["value"], abs=0.01), name
        low, high = right[name]["interval"]
        assert low < high
    assert left["slope"]["interval"] == pytest.approx(right["slope"]["interval"], abs=0.15)
    assert left["decision_curve"]["all"] == right["decision_curve"]["all"]
    assert left["risk_coverage"]["risk"] == pytest.approx(right["risk_coverage"]["risk"], abs=0.02)
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
    assert idh["brier"]["value"] == pytest.approx(brier_score_loss(label, prob))
    assert idh["nll"]["value"] == pytest.approx(log_loss(label, prob))
    aged = [score for score in known if score.age is not None]
    expected = roc_auc_score([s.label[Task.IDH] for s in aged], [-s.age for s in aged if s.age is not None])
    assert idh["age_only"]["auroc"]["value"] == pytest.approx(expected)
    merged = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)["classification"]["idh"]["age_only"]
    assert merged["auroc"]["value"] == pytest.approx(expected)  # whole years lose nothing in yearly bins
    assert merged["n"] == len(aged)


def test_by_epistemic_uncertainty_every_doubted_case_is_counted_once() -> None:
    scores = _cohort(90, 11)
    known = [s for s in scores if s.label[Task.IDH] != UNKNOWN and Task.IDH in s.epistemic]
    bins = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)["classification"]["idh"]["by_epistemic"]
    assert (bins[0]["from"], bins[-1]["to"]) == (0, pytest.approx(np.log(2)))
    assert sum(part["n"] for part in bins) == len(known)
    first = [s for s in known if s.epistemic[Task.IDH] < np.log(2) / 10]
    said = np.mean([max(s.probability[Task.IDH], 1 - s.probability[Task.IDH]) for s in first])
    true = np.mean([(s.probability[Task.IDH] >= 0.5) == s.label[Task.IDH] for s in first])
    assert bins[0] == {
        "from": 0.0,
        "to": pytest.approx(np.log(2) / 10),
        "n": len(first),
        "mean_confidence": pytest.approx(said),
        "share_right": pytest.approx(true),
        "gap": pytest.approx(abs(said - true)),
    }
    empty = bins[-1]
    assert (empty["n"], empty["mean_confidence"], empty["share_right"], empty["gap"]) == (0, None, None, None)


def test_uncertainty_inside_a_region_is_held_against_its_dice_at_the_site_only() -> None:
    scores = _cohort(60, 12)
    merged = evaluation.summarise(evaluation.merge(scores, TASKS), TASKS)["segmentation"]
    local = evaluation.local_summary(scores, TASKS, 100, 0)["segmentation"]
    assert merged["wt"]["selective"]["aurc"] == {"value": None, "interval": None}
    assert local["wt"]["selective"]["n"] == 60
    assert local["wt"]["selective"]["excess_aurc"]["value"] == pytest.approx(0, abs=1e-9)  # uncertainty is 1 - Dice
    assert local["tc"]["selective"]["excess_aurc"]["value"] > 0.01  # uncertainty is noise
    low, high = local["tc"]["selective"]["aurc"]["interval"]
    assert low < local["tc"]["selective"]["aurc"]["value"] < high
    assert local["wt"]["selective"]["risk_coverage"]["risk"][-1] == pytest.approx(
        1 - local["wt"]["dice"]["mean"], abs=1e-6
    )
    assert (local["et"]["selective"]["n"], local["et"]["selective"]["aurc"]["value"]) == (0, None)


def test_a_class_that_a_site_kept_back_leaves_no_shifted_number() -> None:
    scores = _cohort(60, 13)
    metrics = evaluation.merge(scores, TASKS)
    positives = sum(metrics["score.idh.positive"])  # type: ignore[arg-type]
    metrics["score.idh.positive"] = (0,) * len(metrics["score.idh.positive"])  # type: ignore[arg-type]
    idh = evaluation.summarise(metrics, TASKS)["classification"]["idh"]
    assert (idh["withheld"], idh["positives"]) == (positives, 0)
    for name in ("slope", "intercept", "aurc", "excess_aurc", "ece_equal_mass"):
        assert idh[name]["value"] is None, name
    assert idh["decision_curve"]["model"] is None
    assert idh["risk_coverage"]["risk"] is None
    assert idh["ece"]["value"] is not None  # its sums arrived whole


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("column", "score_column", "positive", "auroc"),
    [
        ("IDH_mutated", "Prediction_score_IDH_mutated", ("1",), 0.90),
        ("1p19q_codeleted", "Prediction_score_1p19q_codeleted", ("1",), 0.85),
        ("Grade", "Prediction_score_grade_4", ("4",), None),
    ],
)
def test_published_predictions_of_two_hospitals(
    real_data: Path, column: str, score_column: str, positive: tuple[str, ...], auroc: float | None
) -> None:
    """Merged numbers of real, saturated scores against the exact ones; the AUROC is the paper's, to its two digits."""
    with (real_data / "tables" / "prognosais_test_predictions.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row[column] != "-1"]
    hospitals: dict[str, list[CaseScore]] = {}
    for row in rows:
        hospitals.setdefault(row["Data_collection"], []).append(
            CaseScore(
                case_id=row["Patient"],
                patient_id=row["Patient"],
                has_reference=False,
                regions=dict.fromkeys(("wt", "tc", "et")),
                not_assessable=frozenset(),
                probability={Task.IDH: float(row[score_column])},
                label={Task.IDH: int(row[column] in positive)},
                abstained=frozenset(),
                age=None,
            )
        )
    tasks = [Task.IDH]
    pooled = evaluation.pool([evaluation.merge(scores, tasks) for scores in hospitals.values()], tasks)
    merged = evaluation.summarise(pooled, tasks)["classification"]["idh"]
    together = [score for scores in hospitals.values() for score in scores]
    exact = evaluation.local_summary(together, tasks, 0, 0)["classification"]["idh"]
    assert merged["n"] == len(rows)
    if auroc is not None:
        assert round(merged["auroc"]["value"], 2) == auroc
    for name, near in (("slope", 0.002), ("intercept", 0.005), ("aurc", 0.002), ("ece_equal_mass", 0.002)):
        assert merged[name]["value"] == pytest.approx(exact[name]["value"], abs=near), name
    usual = slice(0, 90)
    assert merged["decision_curve"]["model"][usual] == pytest.approx(exact["decision_curve"]["model"][usual], abs=0.03)
    assert merged["ece"]["value"] > merged["ece"]["if_calibrated"]  # over-confident beyond chance


@pytest.mark.realdata
def test_published_grade_by_pairs_of_grades(real_data: Path) -> None:
    """The paper's 0.81 is the multi-class AUC of Hand and Till: the mean over ordered pairs of grades."""
    with (real_data / "tables" / "prognosais_test_predictions.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["Grade"] != "-1"]
    areas = []
    for grade, other in itertools.permutations("234", 2):
        pair = [row for row in rows if row["Grade"] in (grade, other)]
        prob = np.array([float(row[f"Prediction_score_grade_{grade}"]) for row in pair])
        areas.append(classification.auroc(prob, np.array([int(row["Grade"] == grade) for row in pair])))
    assert round(float(np.mean([area for area in areas if area is not None])), 2) == 0.81


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
