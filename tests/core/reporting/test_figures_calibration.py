"""Reliability before and after, and the gap by doubt: what is drawn, what is said, and empty inputs."""

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from gmmas_core.metrics import calibration_error, trust_summary
from gmmas_core.metrics.doubt import doubt_table
from gmmas_core.reporting.figures_calibration import doubt_bars, reliability_before_after


def entry(boldness: float, num_cases: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 1.5, num_cases)
    label = (rng.random(num_cases) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    prob = 1 / (1 + np.exp(-boldness * logit))
    table = doubt_table(np.where(np.arange(num_cases) % 2, 0.02, 0.3), prob, label)
    bins = trust_summary.of_bins(calibration_error.reliability(prob, label))
    return {"n": num_cases, **bins, "by_epistemic": trust_summary.of_doubt(table)}


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_both_tables_stand_side_by_side_with_their_ece() -> None:
    before, after = {"idh": entry(3.0)}, {"idh": entry(1.0)}
    drawing = reliability_before_after(before, after, "all sites")
    shown = texts(drawing.svg)
    titles = [text for text in shown if "ECE" in text]
    for name, found, title in zip(("before", "after"), (before, after), titles, strict=True):
        assert title == f"IDH, {name}: ECE {found['idh']['ece']['value']:.2f} (n = 200)"
        assert title in drawing.alt
    assert before["idh"]["ece"]["value"] > after["idh"]["ece"]["value"]
    counts = [part["n"] for part in before["idh"]["reliability"] if part["n"]]
    assert set(map(str, counts)) <= set(shown)
    assert drawing.svg == reliability_before_after(before, after, "all sites").svg


def test_bars_say_how_many_cases_they_are() -> None:
    drawing = doubt_bars({"idh": entry(3.0)}, "all sites")
    assert {"n=100", "100"} <= set(texts(drawing.svg))
    first = entry(3.0)["by_epistemic"][0]
    assert f"confident {first['mean_confidence']:.2f}, right {first['share_right']:.2f} (100)" in drawing.alt


@pytest.mark.parametrize(
    "draw", [lambda e: doubt_bars({"idh": e}, "x"), lambda e: reliability_before_after({"idh": e}, {"idh": e}, "x")]
)
def test_nobody_is_said(draw: Any) -> None:
    drawing = draw(entry(1.0, 0))
    assert re.search("no cases|no case with stochastic passes", drawing.alt)
    assert any(re.search("no case", text) for text in texts(drawing.svg))
