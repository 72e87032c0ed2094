"""Which answers are believed: hand-made numbers around every threshold."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from gmmas_core.config_curriculum import PseudoLabelConfig
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.pseudo_selection import (
    BALANCE,
    CONTRADICTION,
    DOUBTFUL,
    SMALL,
    Audit,
    balance,
    gate,
    judge_case,
    judge_mask,
    least_doubtful,
    seen_with_pseudo,
    still_unknown,
)
from gmmas_core.training.seen import seen_counts
from gmmas_core.types import UNKNOWN, Case, Task

MakeCase = Callable[..., Case]
TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
MASK = np.full((2, 2, 2), 2, dtype=np.uint8)


@pytest.fixture
def settings() -> PseudoLabelConfig:
    """Thresholds that binary fractions meet exactly."""
    return PseudoLabelConfig(
        mc_passes=4,
        confidence=0.75,
        deviation=0.125,
        codel_confidence=0.875,
        codel_deviation=0.0625,
        balance=2.0,
        weight=0.5,
        mask_entropy_quantile=0.7,
        mask_volume_ml=0.5,
        gate_accuracy=0.9,
        gate_dice=0.6,
        gate_cases=5,
    )


def accepted(rows: Sequence[PseudoLabel]) -> dict[Task, int]:
    return {row.task: row.label for row in rows if row.accepted}


@pytest.mark.parametrize(
    ("passes", "label", "reason"),
    [
        ([0.75, 0.75], 1, ""),
        ([0.75, 0.7421875], 1, "confidence below 0.75"),
        ([0.25, 0.25], 0, ""),
        ([0.25, 0.2578125], 0, "confidence below 0.75"),
        ([1.0, 0.75], 1, "deviation not below 0.125"),  # population deviation 0.125
        ([1.0, 0.7578125], 1, ""),
        ([0.0, 0.25], 0, "deviation not below 0.125"),
        ([0.5, 0.5], 0, "confidence below 0.75"),
        ([float("nan"), 1.0], 0, "confidence below 0.75"),
    ],
)
def test_thresholds(settings: PseudoLabelConfig, passes: list[float], label: int, reason: str) -> None:
    (row,) = judge_case("a", {Task.IDH: np.array(passes)}, {}, settings)
    assert (row.label, row.reason) == (label, reason)


def test_confidence_and_deviation_are_those_of_the_predicted_class(settings: PseudoLabelConfig) -> None:
    (row,) = judge_case("a", {Task.MGMT: np.array([0.0, 0.125, 0.25, 0.125])}, {}, settings)
    assert (row.label, row.confidence, row.deviation) == (0, 0.875, float(np.std([0.0, 0.125, 0.25, 0.125])))


def test_codeletion_has_thresholds_of_its_own(settings: PseudoLabelConfig) -> None:
    answers = {Task.IDH: np.array([0.8125, 0.8125]), Task.CODEL: np.array([0.8125, 0.8125])}
    assert accepted(judge_case("a", answers, {}, settings)) == {Task.IDH: 1}
    assert accepted(judge_case("a", answers | {Task.CODEL: np.array([0.875, 0.875])}, {}, settings)) == {
        Task.IDH: 1,
        Task.CODEL: 1,
    }


def test_pathology_is_never_asked(settings: PseudoLabelConfig) -> None:
    answers = {Task.IDH: np.array([1.0, 1.0]), Task.HISTOLOGY: np.array([0.0, 0.0])}
    rows = judge_case("a", answers, {Task.IDH: 0, Task.HISTOLOGY: UNKNOWN}, settings)
    assert [(row.task, row.label) for row in rows] == [(Task.HISTOLOGY, 0)]


@pytest.mark.parametrize(
    ("idh", "codel", "known", "expected"),
    [
        (0.0, 1.0, {}, {Task.IDH: 0}),  # both pseudo: the codeletion goes
        (None, 1.0, {Task.IDH: 0}, {}),
        (0.0, None, {Task.CODEL: 1}, {}),  # a known codeletion stays, so the pseudo-wildtype goes
        (0.0, 0.0, {}, {Task.IDH: 0, Task.CODEL: 0}),
        (1.0, 1.0, {}, {Task.IDH: 1, Task.CODEL: 1}),
        (0.375, 1.0, {}, {Task.CODEL: 1}),  # an answer that was refused contradicts nothing
    ],
)
def test_no_case_becomes_wildtype_and_codeleted(
    settings: PseudoLabelConfig,
    idh: float | None,
    codel: float | None,
    known: dict[Task, int],
    expected: dict[Task, int],
) -> None:
    answers = {task: np.array([p, p]) for task, p in ((Task.IDH, idh), (Task.CODEL, codel)) if p is not None}
    rows = judge_case("a", answers, known, settings)
    assert accepted(rows) == expected
    assert {row.reason for row in rows if row.confidence == 1.0 and not row.accepted} <= {CONTRADICTION}


def test_a_known_mutant_is_asked_as_a_mutant(settings: PseudoLabelConfig) -> None:
    """The network takes it for a wildtype, and were it a mutant, for a codeleted one: 15/16 given mutant."""
    answers = {Task.IDH: np.array([0.03125] * 2), Task.CODEL: np.array([0.03125 * 0.9375] * 2)}
    assert accepted(judge_case("a", answers, {}, settings)) == {Task.IDH: 0, Task.CODEL: 0}
    (row,) = judge_case("a", answers, {Task.IDH: 1}, settings)
    assert (row.label, row.confidence, row.accepted) == (1, 0.9375, True)
    (row,) = judge_case("a", {Task.IDH: np.zeros(2), Task.CODEL: np.zeros(2)}, {Task.IDH: 1}, settings)
    assert (row.confidence, row.accepted) == (0.5, False)


def rows_of(*answers: tuple[str, int, float]) -> list[PseudoLabel]:
    """(pseudonym, class, deviation), all accepted."""
    return [
        PseudoLabel(case_id=case_id, task=Task.IDH, label=label, confidence=0.9, deviation=deviation)
        for case_id, label, deviation in answers
    ]


def kept(rows: Sequence[PseudoLabel]) -> str:
    return "".join(sorted(row.case_id for row in rows if row.accepted))


FIVE_TO_ONE = [("a", 0, 0.03), ("b", 0, 0.01), ("c", 0, 0.02), ("d", 0, 0.01), ("e", 0, 0.04), ("f", 1, 0.05)]


@pytest.mark.parametrize(
    ("answers", "known", "expected"),
    [
        (FIVE_TO_ONE, (0, 0), "bdf"),  # published rule: twice the smaller class, the most certain first
        (FIVE_TO_ONE, (0, 1), "abcdf"),  # 2 * (1 pseudo + 1 known) = 4
        (FIVE_TO_ONE, (0, 9), "abcdef"),
        (FIVE_TO_ONE, (1, 1), "bcdf"),  # 2 * 2 - 1 known = 3
        (FIVE_TO_ONE, (50, 0), "bdf"),  # never less than the published rule
        (FIVE_TO_ONE[:5], (0, 0), "bd"),  # nothing of the other class: as if it had one
        (FIVE_TO_ONE[:5], (9, 0), "bd"),
        (FIVE_TO_ONE[:5], (0, 9), "abcde"),  # only the other class known: nothing is thrown away
        (FIVE_TO_ONE[4:], (0, 0), "ef"),
        ([], (3, 0), ""),
    ],
)
def test_balance(answers: list[tuple[str, int, float]], known: tuple[int, int], expected: str) -> None:
    rows = rows_of(*answers)
    for order in (rows, rows[::-1]):
        balanced = balance(order, known, 2.0)
        assert kept(balanced) == expected
        assert [row.case_id for row in balanced] == [row.case_id for row in order]
        assert {row.reason for row in balanced} <= {"", BALANCE}


def test_balance_passes_over_what_was_refused(settings: PseudoLabelConfig) -> None:
    judged = judge_case("z", {Task.IDH: np.array([0.375, 0.375])}, {}, settings)
    balanced = balance([*judged, *rows_of(*FIVE_TO_ONE)], (0, 0), 2.0)
    assert balanced[0] == judged[0]
    assert kept(balanced) == "bdf"


def test_ties_in_deviation_go_by_confidence_then_pseudonym() -> None:
    rows = rows_of(("c", 0, 0.0), ("b", 0, 0.0), ("a", 0, 0.0))
    surest = PseudoLabel(case_id="z", task=Task.IDH, label=0, confidence=0.99, deviation=0.0)
    for order in ([*rows, surest], [surest, *rows[::-1]]):
        assert kept(balance(order, (0, 0), 2.0)) == "az"


@pytest.mark.parametrize(
    ("volume_ml", "blocked", "reason"),
    [
        (0.5, {}, ""),
        (0.4999, {}, SMALL),
        (float("nan"), {}, SMALL),
        (9.0, {"tc": "no t1c", "et": "no t1c"}, "not assessable: tc, et"),
    ],
)
def test_a_candidate_mask(settings: PseudoLabelConfig, volume_ml: float, blocked: dict[str, str], reason: str) -> None:
    assert judge_mask("a", 0.1, volume_ml, blocked, settings).reason == reason


@pytest.mark.parametrize(
    ("num", "share", "expected"),
    [(10, 0.7, 7), (5, 0.7, 3), (2, 0.7, 1), (1, 0.7, 1), (3, 0.0, 1), (3, 1.0, 3), (0, 0.7, 0)],
)
def test_the_least_doubtful_masks(num: int, share: float, expected: int) -> None:
    """The pseudonym's number is the rank of the doubt, but for the first two, which tie."""
    masks = [
        PseudoMask(case_id=f"{rank:02d}", entropy=0.1 * max(rank, 1), volume_ml=1.0) for rank in reversed(range(num))
    ]
    small = PseudoMask(case_id="small", entropy=0.0, volume_ml=0.0, reason=SMALL)
    found = least_doubtful([small, *masks], share)
    assert found[0] == small
    assert sorted(mask.case_id for mask in found if mask.accepted) == [f"{rank:02d}" for rank in range(expected)]
    assert {mask.reason for mask in found[1:]} <= {"", DOUBTFUL}


@pytest.mark.parametrize(
    ("audit", "needed", "dropped", "reason"),
    [
        (Audit(total=9.0, count=10), 5, False, "0.900 over 10 audited cases, not below 0.9"),
        (Audit(total=8.0, count=10), 5, True, "0.800 over 10 audited cases, below 0.9"),
        (Audit(total=0.0, count=4), 5, False, "not audited (4 of 5 needed)"),
        (Audit(total=0.0, count=5), 5, True, "0.000 over 5 audited cases, below 0.9"),
        (Audit(total=0.0, count=0), 0, False, "not audited (0 of 1 needed)"),
    ],
)
def test_gate(audit: Audit, needed: int, dropped: bool, reason: str) -> None:
    outcome = gate(audit, 0.9, needed)
    assert (outcome.dropped, outcome.reason) == (dropped, reason)


def test_what_pathology_found_since_wins(make_case: MakeCase) -> None:
    pseudo = {
        "new": PseudoCase(labels={Task.IDH: 0, Task.HISTOLOGY: 1}, mask_XYZ=MASK),
        "done": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=MASK),
        "wild": PseudoCase(labels={Task.CODEL: 1}, mask_XYZ=None),
        "codel": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=None),
        "left": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=None),
    }
    cases = [
        make_case("new", has_mask=False, labels={Task.IDH: 1}),
        make_case("done", labels={Task.IDH: 1}),
        make_case("wild", labels={Task.IDH: 0}),
        make_case("codel", labels={Task.CODEL: 1}),
        make_case("plain"),
    ]
    found = still_unknown(pseudo, cases)
    assert set(found) == {"new"}
    assert found["new"].labels == {Task.HISTOLOGY: 1}
    assert found["new"].mask_XYZ is MASK


def test_pseudo_labels_speak_with_their_weight(make_case: MakeCase) -> None:
    """One labelled case with a pseudo-label more, three without anything but pseudo-labels, one without those."""
    cases = [
        make_case("a", labels={Task.IDH: 1}),
        make_case("b", ("t1", "t2"), has_mask=False),
        make_case("c", ("t1",), has_mask=False),
        make_case("d", ("t1",), has_mask=False),
        make_case("e", has_mask=False),
    ]
    pseudo = {
        "a": PseudoCase(labels={Task.IDH: 0, Task.CODEL: 0}, mask_XYZ=MASK),
        "b": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=MASK),
        "c": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=None),
        "d": PseudoCase(labels={Task.IDH: 1}, mask_XYZ=None),
    }
    seen = seen_with_pseudo(cases, pseudo, TASKS, 0.5)
    assert set(seen) == set(GROUPS(TASKS))
    assert seen["trunk"] == seen["norm"] == 1 + 2  # half of three, rounded up
    assert seen["decoder"] == seen["uncertainty.segmentation"] == 1 + 1
    assert seen["head.idh"] == seen["uncertainty.idh"] == 1 + 2
    assert seen["head.codel_1p19q"] == 1
    assert seen["head.histology"] == 0
    assert seen["stem.t1"] == 1 + 2
    assert seen["stem.t2"] == seen["global.stem.t2"] == 1 + 1
    assert seen["stem.flair"] == 1
    assert seen["contrast"] == 0


def test_without_pseudo_labels_or_weight_only_pathology_speaks(make_case: MakeCase) -> None:
    cases = [make_case("a", labels={Task.IDH: 1}), make_case("b", has_mask=False)]
    pseudo = {"b": PseudoCase(labels={Task.IDH: 0}, mask_XYZ=MASK)}
    assert seen_with_pseudo(cases, {}, TASKS, 0.5) == seen_counts(cases, TASKS)
    assert seen_with_pseudo(cases, pseudo, TASKS, 0.0) == seen_counts(cases, TASKS)
    assert seen_with_pseudo(cases, pseudo, TASKS, 1.0)["trunk"] == 2
