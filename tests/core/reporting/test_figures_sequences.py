"""Subsets of sequences: all fifteen, in the usual order, with words where there is no number."""

from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from gmmas_core.reporting.figures_sequences import Column, drop_one_bars, subset_table
from gmmas_core.subsets import SUBSETS


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_cell_shows_its_number_or_says_that_there_is_none() -> None:
    values = {frozenset(subset): 0.5 + place / 100 for place, subset in enumerate(SUBSETS)}
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


def test_a_cell_without_a_number_can_say_why() -> None:
    column = Column(title="m", values={frozenset({"t1"}): None}, absent={frozenset({"t1"}): "no cases"})
    drawing = subset_table([column], "x")
    assert texts(drawing.svg).count("no cases") == 1
    assert "x. T1: m no cases; T1c: m not assessable" in drawing.alt


def test_bars_say_how_far_each_answer_moves_and_over_how_many_cases() -> None:
    nothing = {"change": None, "n": 0}
    changes: dict[str, Any] = {
        "t1": {"wt": {"change": 0.25, "n": 7}, "et": {"change": 0.004, "n": 6}, "idh": {"change": 0.0004, "n": 7}},
        "t1c": {"wt": {"change": 0.5, "n": 8}, "et": nothing, "idh": {"change": 0.125, "n": 8}},
        "t2": dict.fromkeys(("wt", "et", "idh"), nothing),
    }
    drawing = drop_one_bars(changes, "x")
    shown = texts(drawing.svg)
    assert {"0.250", "n=7", "0.500", "n=8", "0.004", "n=6", "<0.001", "0.125"} <= set(shown)
    assert shown.count("not assessable") == 1
    assert shown.count("no cases") == 3  # nobody has T2
    assert {"Whole tumour", "Enhancing tumour", "IDH"} <= set(shown)
    assert shown.count("1 − Dice") == 2
    assert shown.count("|change of P|") == 1
    assert "without T1c: Whole tumour 0.500 (n = 8), Enhancing tumour not assessable (n = 0), IDH 0.125" in drawing.alt


def test_panels_of_one_kind_share_a_scale_that_blows_nothing_up() -> None:
    changes = {"t1": {"wt": {"change": 0.8, "n": 1}, "tc": {"change": 0.1, "n": 1}, "idh": {"change": 0.001, "n": 1}}}
    shown = texts(drop_one_bars(changes, "x").svg)
    assert shown.count("0.8") == 2  # both regions' axes reach as far as the larger one
    assert "0.06" in shown  # the task's axis does not shrink to its tiny change
