"""Subsets of sequences: all fifteen, in the usual order, with words where there is no number."""

from xml.etree import ElementTree

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from gmmas_core.reporting.figures_sequences import Column, drop_one_bars, subset_order, subset_table
from gmmas_core.types import SEQUENCES


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_all_fifteen_subsets_fewest_first() -> None:
    order = subset_order()
    assert len(set(order)) == 15
    assert order[:5] == [("t1",), ("t1c",), ("t2",), ("flair",), ("t1", "t1c")]
    assert order[-1] == SEQUENCES
    assert [len(subset) for subset in order] == [1] * 4 + [2] * 6 + [3] * 4 + [4]


def test_every_cell_shows_its_number_or_says_that_there_is_none() -> None:
    values = {frozenset(subset): 0.5 + place / 100 for place, subset in enumerate(subset_order())}
    only_t1c = {subset: value if "t1c" in subset else None for subset, value in values.items()}
    drawing = subset_table([Column(title="Dice WT", values=values), Column(title="Dice ET", values=only_t1c)], "x")
    shown = texts(drawing.svg)
    assert shown.count("not assessable") == 7
    assert {f"{value:.2f}" for value in values.values()} <= set(shown)
    assert "T1: Dice WT 0.50, Dice ET not assessable" in drawing.alt
    assert "T1 + T1c + T2 + FLAIR: Dice WT 0.64, Dice ET 0.64" in drawing.alt


@pytest.mark.parametrize(("better", "deeper_row"), [("higher", "flair"), ("lower", "t1")])
def test_the_better_value_is_deeper(better: str, deeper_row: str) -> None:
    values: dict[frozenset[str], float | None] = {frozenset({"t1"}): 1.0, frozenset({"flair"}): 9.0}
    svg = str(subset_table([Column(title="m", values=values, better=better)], "x").svg)
    deep, pale = (svg.index(to_hex(colormaps["Blues"](share))) for share in (0.85, 0.05))
    assert (deep < pale) == (deeper_row == "t1")  # rows are drawn from the top, T1's before FLAIR's


def test_an_empty_table_still_has_its_rows() -> None:
    assert texts(subset_table([Column(title="m", values={})], "x").svg).count("not assessable") == 15


def test_losses_and_gains_carry_their_sign() -> None:
    changes = {"t1": {"Dice": 0.004, "AUROC": -0.1}, "t1c": {"Dice": -0.25, "AUROC": None}}
    drawing = drop_one_bars(changes, "change", "x")
    shown = texts(drawing.svg)
    assert {"+0.004", "−0.250", "−0.100", "not assessable", "Dice", "AUROC"} <= set(shown)
    assert "without T1: Dice +0.004, AUROC -0.100; without T1c: Dice -0.250, AUROC not assessable." in drawing.alt
