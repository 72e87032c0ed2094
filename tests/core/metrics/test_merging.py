"""Merged metrics: one set of keys, and the parts add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.metrics import evaluation
from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.metrics.merging import doubt_sums, reliability_table
from gmmas_core.types import UNKNOWN, FederationError, Metric, Sum, Task

TASKS = (Task.IDH, Task.CODEL, Task.HISTOLOGY)

_measured = st.builds(
    RegionScore,
    dice=st.floats(0, 1),
    hd95_mm=st.floats(0, 373.13),
    lesion_dice=st.floats(0, 1),
    lesion_hd95_mm=st.floats(0, 374),
)
CASES = st.lists(
    st.builds(
        CaseScore,
        case_id=st.just("c"),
        patient_id=st.text("ab", min_size=1, max_size=2),
        has_reference=st.booleans(),
        regions=st.fixed_dictionaries({region: st.none() | _measured for region in ("wt", "tc", "et")}),
        not_assessable=st.frozensets(st.sampled_from(["et", "idh", "edema"])),
        probability=st.dictionaries(st.sampled_from(TASKS), st.floats(0, 1)),
        label=st.fixed_dictionaries({task: st.sampled_from([UNKNOWN, 0, 1]) for task in TASKS}),
        abstained=st.frozensets(st.sampled_from(["idh", "segmentation"])),
        age=st.none() | st.floats(0, 110),
        epistemic=st.dictionaries(st.sampled_from(TASKS), st.floats(0, 0.693)),
    ),
    max_size=8,
)


def _assert_same(left: dict[str, Metric], right: dict[str, Metric]) -> None:
    """Equal counts; totals equal to rounding."""
    assert left.keys() == right.keys()
    for key, metric in left.items():
        other = right[key]
        if isinstance(metric, Sum):
            assert isinstance(other, Sum)
            assert metric.count == other.count, key
            assert metric.total == pytest.approx(other.total, rel=1e-9, abs=1e-9), key
        else:
            assert metric == other, key


@given(CASES, CASES)
@settings(max_examples=30, deadline=None)
def test_parts_add_up_to_the_whole_in_any_order(here: list[CaseScore], there: list[CaseScore]) -> None:
    left, right = evaluation.merge(here, TASKS), evaluation.merge(there, TASKS)
    _assert_same(evaluation.add(left, right), evaluation.merge(here + there, TASKS))
    assert evaluation.add(left, right) == evaluation.add(right, left)
    assert evaluation.add(left, evaluation.merge([], TASKS)) == left
    _assert_same(evaluation.pool([left, right], TASKS), evaluation.pool([right, left], TASKS))


@given(CASES)
@settings(max_examples=30, deadline=None)
def test_keys_and_lengths_do_not_depend_on_what_a_site_has(cases: list[CaseScore]) -> None:
    nothing, something = evaluation.merge([], TASKS), evaluation.merge(cases, TASKS)
    assert list(nothing) == list(something)
    for key, metric in something.items():
        if isinstance(metric, Sum):
            assert (type(metric.total), type(metric.count)) == (float, int), key
            assert np.isfinite(metric.total), key
        else:
            assert len(metric) == len(nothing[key])  # type: ignore[arg-type]
            assert all(type(count) is int for count in metric), key


@given(CASES)
@settings(max_examples=30, deadline=None)
def test_every_count_of_a_task_is_the_same_cases(cases: list[CaseScore]) -> None:
    metrics = evaluation.merge(cases, TASKS)
    for task in TASKS:
        known = sum(case.label[task] != UNKNOWN and task in case.probability for case in cases)
        histograms = metrics[f"score.{task}.positive"], metrics[f"score.{task}.negative"]
        assert sum(sum(histogram) for histogram in histograms) == known  # type: ignore[arg-type]
        assert metrics[f"brier.{task}"].count == known  # type: ignore[union-attr, operator]
        table = reliability_table(metrics, task)
        assert table.count_R.sum() == known
        assert table.positives_R.sum() == sum(histograms[0])  # type: ignore[arg-type]
        doubted = [case for case in cases if case.label[task] != UNKNOWN and task in case.probability]
        assert doubt_sums(metrics, task).count_D.sum() == sum(task in case.epistemic for case in doubted)


@given(CASES)
@settings(max_examples=30, deadline=None)
def test_the_two_sums_of_a_bin_stand_or_fall_together(cases: list[CaseScore]) -> None:
    """A cohort floor empties single metrics by their count: both halves of a bin must have the same."""
    metrics = evaluation.merge(cases, TASKS)
    for key, metric in metrics.items():
        for one, other in (("reliability.", "reliability-positives."), ("doubt.", "doubt-right.")):
            if key.startswith(one):
                assert metrics[key.replace(one, other)].count == metric.count  # type: ignore[union-attr, operator]


def test_only_the_tasks_asked_for() -> None:
    assert not [key for key in evaluation.merge([], [Task.HISTOLOGY]) if "idh" in key]


def test_sites_that_do_not_fit_are_refused_by_name() -> None:
    metrics = evaluation.merge([], TASKS)
    with pytest.raises(FederationError, match=r"found \['extra'\] on one side only"):
        evaluation.add(metrics, {**metrics, "extra": Sum(1.0, 1)})
    with pytest.raises(FederationError, match=r"'score.idh.positive'; expected the same kind"):
        evaluation.add(metrics, {**metrics, "score.idh.positive": (0,) * 50})
    with pytest.raises(FederationError, match=r"'brier.idh'; expected the same kind"):
        evaluation.add(metrics, {**metrics, "brier.idh": (0, 1)})
