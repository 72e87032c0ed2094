"""Small cells are hidden, and cannot be worked out from what is told beside them."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from client.egress import gate_scores, gate_status, gate_update
from client.egress.floor import (
    above_floor,
    floor_in_cases,
    hidden_cells,
    in_large_bins,
    told_count,
    without_small_parts,
)
from client.egress.names import require_known, score_names, update_names
from client.egress.speech import encoded_to_norm, held_to_norm, may_leave, quiet, rare_classes, told_counts
from client.site import Site
from gmmas_core.metrics.case_score import CaseScore
from gmmas_core.metrics.merging import merge
from gmmas_core.types import Case, DataError, Metric, SiteScores, SiteStatus, SiteUpdate, Sum, Task
from gmmas_core.update_encoding import decode, encode, whole

TASKS = (Task.HISTOLOGY, Task.IDH)
FLOOR = 5


def scores(mutants: int, wildtypes: int) -> list[CaseScore]:
    """Cases with a known IDH status, surely told."""
    return [
        CaseScore(
            case_id=f"c{number}",
            patient_id=f"p{number}",
            has_reference=number < 2,
            regions={"wt": None, "tc": None, "et": None},
            not_assessable=frozenset(),
            probability={Task.IDH: 0.9 if number < mutants else 0.05 + 0.01 * number},
            label={Task.IDH: int(number < mutants)},
            abstained=frozenset(),
            age=40.0 + number,
        )
        for number in range(mutants + wildtypes)
    ]


def count(metrics: dict[str, Metric], key: str) -> int:
    metric = metrics[key]
    return metric.count if isinstance(metric, Sum) else sum(metric)


def test_a_small_class_cannot_be_found_by_subtraction_from_its_task() -> None:
    told = without_small_parts(merge(scores(3, 12), TASKS), TASKS, FLOOR)
    assert count(told, "cases") == 15, "the total stays"
    per_class = [f"{name}.idh" for name in ("sensitivity", "specificity")]
    per_class += [f"{name}.idh.{kind}" for name in ("score", "age") for kind in ("positive", "negative")]
    assert [count(told, key) for key in per_class] == [0] * 6
    assert sum(count(told, f"reliability-positives.idh.{place}") for place in range(10)) == 0
    assert told["reference-masks"] == Sum(0.0, 15), "two cases with a mask are told as none"
    whole = without_small_parts(merge(scores(6, 9), TASKS), TASKS, FLOOR)
    assert (count(whole, "sensitivity.idh"), count(whole, "score.idh.negative")) == (6, 9)
    same = merge(scores(3, 12), TASKS)
    assert without_small_parts(same, TASKS, 1) == same


@pytest.mark.parametrize("mutants", [1, 4])
def test_a_model_that_answers_everybody_alike_does_not_count_a_small_class(mutants: int) -> None:
    """Accuracy, Brier score, ... of a constant answer say how many cases are of a class."""
    losses: dict[str, Metric] = dict.fromkeys(("signal.loss_before", "signal.loss_after"), Sum(7.0, 20))
    fits: dict[str, Metric] = dict.fromkeys(("calibration.idh.0", "pseudo-audit.idh"), Sum(7.0, 20))
    same = [replace(score, probability={Task.IDH: 0.9}, epistemic={Task.IDH: 0.0}) for score in scores(mutants, 19)]
    few = without_small_parts(merge(same, TASKS) | losses | fits, TASKS, FLOOR)
    told = {key for key in few if count(few, key)}
    assert told == {"cases", "reference-masks", *(key for key in few if key.startswith(("not-assess", "abstained")))}
    many = [replace(score, probability={Task.IDH: 0.9}) for score in scores(5, 19)]
    assert without_small_parts(merge(many, TASKS) | fits, TASKS, FLOOR)["accuracy.idh"] == Sum(5.0, 24)
    positives: dict[str, Metric] = {"calibration-positives.idh": Sum(float(mutants), 24)}
    assert not count(without_small_parts(positives | fits, TASKS, FLOOR), "calibration.idh.0")


def test_a_class_that_few_validation_cases_have_is_not_in_what_is_fitted_on_them() -> None:
    cases = [SimpleNamespace(labels={Task.IDH: int(n < 4), Task.HISTOLOGY: n % 2}) for n in range(24)]
    rare = rare_classes(cast("list[Case]", cases), TASKS, FLOOR)
    assert rare == (Task.IDH,)
    fits: dict[str, Metric] = dict.fromkeys(("pseudo-audit.idh", "pseudo-audit.histology"), Sum(7.0, 20))
    told = quiet(fits, {}, FLOOR, rare)
    assert [count(told, key) for key in fits] == [0, 20]


def test_many_studies_of_one_patient_are_one_patient(site: Callable[..., Site]) -> None:
    """Seven mutant studies of one patient beside fifteen wildtype patients: the floor counts people."""
    studies = [*["often"] * 7, *(f"p{number}" for number in range(15))]
    cases = cast("list[Case]", [SimpleNamespace(patient_id=patient) for patient in studies])
    assert floor_in_cases(cases, FLOOR) == 1 + 7 + 3
    assert floor_in_cases(cases[7:], FLOOR) == floor_in_cases((), FLOOR) == FLOOR
    assert floor_in_cases(cases, 1) == 1
    made = merge(scores(7, 15), TASKS)
    about: dict[str, Any] = {"site": "north", "core_fingerprint": "f"}
    one: dict[str, Any] = {**about, "run_id": "aa", "round": 1, "num_cases": 22, "metrics": made}
    answer = SiteScores(**one, split="holdout", subject="global")
    told = gate_scores(answer, site(), TASKS, cases).metrics
    assert (count(dict(told), "cases"), count(dict(told), "sensitivity.idh")) == (22, 0)
    assert count(dict(gate_scores(answer, site(), TASKS, cases[7:]).metrics), "sensitivity.idh") == 7
    counts: dict[str, Any] = {"num_cases": {"train": 22}, "num_sequences": {}, "num_labels": {"idh": 9, "mgmt": 12}}
    code: dict[str, Any] = {"fingerprint_parts": {}, "config_hash": "c", "protocol": 1, "release": "r", "image": "i"}
    status = gate_status(SiteStatus(**about, **code, **counts), site(), (*TASKS, Task.MGMT), cases)
    assert (status.num_cases, status.num_labels) == ({"train": 22}, {"idh": 0, "mgmt": 11})
    update = SiteUpdate(**one, weights={}, seen={"head.idh": 10, "trunk": 22}, uncertainty={}, duration_s=1.0)
    gated = gate_update(update, whole({}), site(), {}, TASKS, cases[7:], cases)
    assert count(dict(gated.metrics), "sensitivity.idh") == 0, "of validation patients"
    assert gate_update(update, whole({}), site(), {}, TASKS, cases, ()).seen == {"head.idh": 0, "trunk": 22}


def test_hidden_bins_of_a_reliability_hold_at_least_the_floor_together() -> None:
    for mutants, wildtypes in ((7, 7), (9, 12), (6, 20), (30, 8)):
        made = merge(scores(mutants, wildtypes), TASKS)
        told = without_small_parts(made, TASKS, FLOOR)
        for name in ("reliability.idh", "reliability-positives.idh"):
            hidden = sum(count(made, f"{name}.{p}") - count(told, f"{name}.{p}") for p in range(10))
            assert hidden == 0 or hidden >= FLOOR


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ({"a": 2, "b": 9, "c": 6}, "ac"),
        ({"a": 2, "b": 4, "c": 6}, "ab"),
        ({"a": 0, "b": 9}, ""),
        ({"a": 1, "b": 5}, "ab"),
        ({"a": 3}, "a"),
    ],
)
def test_the_smallest_other_cell_is_hidden_with_a_small_one(sizes: dict[str, int], hidden: str) -> None:
    assert hidden_cells(sizes, FLOOR) == frozenset(hidden)


def test_no_bin_of_a_histogram_holds_fewer_cases_than_the_floor() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        made = tuple(int(n) for n in rng.poisson(0.3, 100))
        told = in_large_bins(made, FLOOR)
        assert all(n == 0 or n >= FLOOR for n in told)
        assert sum(told) == (sum(made) if sum(made) >= FLOOR else 0)
        assert in_large_bins(made, 1) == made
    assert in_large_bins((5, 0, 7, 0), FLOOR) == (5, 0, 7, 0), "what is large enough stays where it is"


def test_counts_are_told_in_steps_of_the_floor_and_never_too_high() -> None:
    told = [told_count(number, FLOOR) for number in range(12)]
    assert told == [0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]
    assert [told_count(number, 1) for number in range(4)] == [0, 1, 2, 3]


def test_the_floor_of_a_training_metric_counts_cases_and_not_crops() -> None:
    seen = {"trunk": 20, "global": 20, "decoder": 20, "head.idh": 2, "head.histology": 20, "stem.t2": 4}
    metrics: dict[str, Metric] = {
        "train-loss.idh": Sum(9.0, 400),
        "train-loss.histology": Sum(9.0, 400),
        "train-loss.total": Sum(9.0, 400),
        "signal.gradient_variance.stem.t2": Sum(1.0, 100),
        "signal.pseudo_labels_known.idh": Sum(17.0, 17),
    }
    told = quiet(metrics, seen, FLOOR)
    assert told["train-loss.idh"] == told["signal.gradient_variance.stem.t2"] == Sum(0.0, 0)
    assert told["train-loss.histology"] == told["train-loss.total"] == Sum(9.0, 400)
    assert told["signal.pseudo_labels_known.idh"] == Sum(15.0, 15)
    assert quiet(metrics, seen, 1) == metrics


def test_a_group_that_few_cases_inform_leaves_as_it_came() -> None:
    received = {name: np.zeros(2, np.float32) for name in ("fusion.stem.weight_t1", "fusion.stem.weight_t2")}
    trained = {name: np.ones(2, np.float32) for name in received}
    told = told_counts({"stem.t1": 9, "stem.t2": 4}, FLOOR)
    leaving = may_leave(trained, received, told)
    assert (leaving["fusion.stem.weight_t1"].sum(), leaving["fusion.stem.weight_t2"].sum()) == (2, 0)


@pytest.mark.parametrize("encoding", ["float32", "float16", "int8"])
def test_no_change_is_longer_than_the_sites_bound_however_it_travels(encoding: str) -> None:
    rng = np.random.default_rng(1)
    received = {"encoder.a": rng.normal(size=300).astype(np.float32), "decoder.b": np.zeros(7, np.float32)}
    trained = {name: value + np.float32(0.3) for name, value in received.items()}
    owed = {"encoder.a": np.full(300, 0.2, np.float32)}

    def norm(weights: dict[str, np.ndarray]) -> float:
        return float(np.sqrt(sum(((weights[name] - received[name]) ** 2).sum() for name in received)))

    for most in (0.5, 2.0):
        leaving = held_to_norm(trained, received, most)
        encoded, _ = encode(encoding, leaving, received, owed, {"trunk", "decoder"})
        assert 0.8 * most < norm(dict(decode(encoded_to_norm(encoded, most), received))) <= most * (1 + 1e-5)
    unbounded = held_to_norm(trained, received, None)
    np.testing.assert_array_equal(unbounded["encoder.a"], trained["encoder.a"])
    np.testing.assert_array_equal(held_to_norm(trained, received, 100.0)["encoder.a"], trained["encoder.a"])


def test_a_metric_that_no_list_knows_does_not_leave() -> None:
    known = score_names(TASKS)
    require_known(merge(scores(2, 2), TASKS), known)
    for bad in (
        {"dice.case-17": Sum(1.0, 9)},
        {"dice.wt": (9,)},
        {"score.idh.positive": (9, 9)},
        {"cases": Sum(1, -1)},
    ):
        with pytest.raises(DataError, match="does not know") as refused:
            require_known(bad, known)
        assert "case-17" not in str(refused.value)
    of_scores_alone = ("threshold-", "drop-one.", "novelty.distance")
    assert known.keys() - update_names(TASKS).keys() == {key for key in known if key.startswith(of_scores_alone)}
    assert above_floor({"cases": Sum(4.0, 4)}, FLOOR) == {"cases": Sum(0.0, 0)}
