"""Numbers about missing sequences: why there is none, what a mean is over, and means of sums."""

from typing import Any

import pytest

from gmmas_core.reporting.sequence_parts import drop_one_changes, subset_part, value_in_words, worth_part
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import Sum, Task


def row(subset: tuple[str, ...], et: float | None, idh: float | None, counted: int = 4) -> dict[str, Any]:
    return {
        "sequences": list(subset),
        "n": 5,
        "values": {"dice.et": et, "auroc.idh": idh},
        "counts": {"dice.et": counted if et is not None else 0, "auroc.idh": counted},
        "not_assessable": {"dice.et": 0 if et is not None else 5, "auroc.idh": 0},
    }


def test_a_mean_is_over_the_subsets_that_have_a_value_and_says_how_many() -> None:
    rows = [row(subset, 0.5 if "t1c" in subset else None, 0.75) for subset in SUBSETS]
    part = subset_part(rows, "x")
    assert part is not None
    assert part["columns"] == ["Dice ET", "AUROC IDH"]
    assert part["means"] == [{"text": "0.50", "over": 8}, {"text": "0.75", "over": 15}]
    assert part["rows"][0] == {
        "names": "T1",
        "n": 5,
        "cells": [{"text": "not assessable", "n": 0}, {"text": "0.75", "n": 4}],
    }


@pytest.mark.parametrize(
    ("counted", "may_not", "words"), [(0, 0, "no cases"), (0, 5, "not assessable"), (6, 0, "not assessable")]
)
def test_why_there_is_no_value(counted: int, may_not: int, words: str) -> None:
    found = {"values": {"m": None}, "counts": {"m": counted}, "not_assessable": {"m": may_not}}
    assert value_in_words(found, "m") == words


def test_changes_are_totals_divided_once() -> None:
    changes = drop_one_changes({"drop-one.t1.wt": Sum(1.5, 6), "drop-one.t1.idh": Sum(0.0, 3)}, [Task.IDH])
    assert changes is not None
    assert changes["t1"]["wt"] == {"change": 0.25, "n": 6}
    assert changes["t1"]["idh"] == {"change": 0.0, "n": 3}  # measured: nothing moved
    assert changes["t1"]["et"] == changes["t1c"]["wt"] == {"change": None, "n": 0}
    assert list(changes) == ["t1", "t1c", "t2", "flair"]


def test_without_numbers_there_is_no_part() -> None:
    assert drop_one_changes({"drop-one.t1.wt": Sum(0.0, 0)}, [Task.IDH]) is None
    assert worth_part(None, "x") is None
    assert subset_part([], "x") is None
