"""Conformal sets by hand."""

import pytest

from client.reading_room.conformal import FEWEST, AnswerSet, NoSet, conformal_set, quantile


def two(p: float) -> dict[str, float]:
    return {"wildtype": 1 - p, "mutant": p}


EARLIER = [
    *[(two(p), "mutant") for p in (0.95, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6, 0.3)],
    *[(two(p), "wildtype") for p in (0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2, 0.25, 0.4)],
]
"""Nine of each: the largest score is the quantile, 0.7 of mutant (0.3 was said) and 0.4 of wildtype."""


@pytest.mark.parametrize(
    ("p", "classes"),
    [
        (0.9, ("mutant",)),  # 1 - 0.9 <= 0.7; 1 - 0.1 > 0.4
        (0.35, ("wildtype", "mutant")),  # 1 - 0.65 <= 0.4; 1 - 0.35 <= 0.7
        (0.1, ("wildtype",)),  # 1 - 0.9 <= 0.4; 1 - 0.1 > 0.7
    ],
)
def test_a_class_is_inside_where_its_score_is_as_small_as_nine_of_ten_earlier_ones(
    p: float, classes: tuple[str, ...]
) -> None:
    assert conformal_set(two(p), EARLIER) == AnswerSet(classes=classes, counts={"wildtype": 9, "mutant": 9})


def test_a_set_may_be_empty() -> None:
    sure = [(two(0.99), "mutant")] * FEWEST + [(two(0.01), "wildtype")] * FEWEST
    assert conformal_set(two(0.5), sure) == AnswerSet(classes=(), counts={"wildtype": 9, "mutant": 9})


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (10, 10), (18, 18), (19, 18), (20, 19), (29, 27), (99, 90)])
def test_the_quantile_is_the_rank_that_the_formula_names(n: int, rank: int) -> None:
    assert quantile([float(i) for i in range(1, n + 1)]) == rank


def test_with_eight_cases_of_a_class_there_is_none_and_the_reason_is_told() -> None:
    assert conformal_set(two(0.9), EARLIER[1:]) == NoSet({"mutant": 8})
    assert conformal_set(two(0.9), []) == NoSet({"wildtype": 0, "mutant": 0})


def test_three_types_are_treated_alike() -> None:
    earlier = [({"a": 0.8, "b": 0.1, "c": 0.1}, "a"), ({"a": 0.2, "b": 0.7, "c": 0.1}, "b")] * 9
    earlier += [({"a": 0.3, "b": 0.3, "c": 0.4}, "c")] * 9
    found = conformal_set({"a": 0.85, "b": 0.05, "c": 0.4}, earlier)
    assert isinstance(found, AnswerSet)
    assert found.classes == ("a", "c")
