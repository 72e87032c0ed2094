"""Risk against coverage and decision curves: what is said beside what is drawn."""

from typing import Any
from xml.etree import ElementTree

import numpy as np

from gmmas_core.metrics import trust_summary
from gmmas_core.metrics.levels import exact_levels
from gmmas_core.reporting.figures_decisions import decision_curves, risk_coverage

NOBODY = {"n": 0, **trust_summary.of_levels(exact_levels(np.array([]), np.array([], dtype=np.int64)))}


def perfect() -> dict[str, Any]:
    label = np.repeat([0, 1], [60, 40])
    return {"n": 100, **trust_summary.of_levels(exact_levels(0.1 + 0.8 * label, label))}


def harmful() -> dict[str, Any]:
    label = np.repeat([0, 1], [60, 40])
    return {"n": 100, **trust_summary.of_levels(exact_levels(0.1 + 0.8 * (1 - label), label))}


def test_risk_of_all_and_of_the_surer_half() -> None:
    prob, label = np.array([0.95, 0.9, 0.6, 0.6]), np.array([1, 1, 0, 0])
    entry = {"n": 4, **trust_summary.of_levels(exact_levels(prob, label))}
    drawing = risk_coverage({"idh": entry}, "share wrong", "one site")
    assert "risk 0.50 over all cases, 0.00 over the surer half" in drawing.alt
    assert "AURC 0.208 (n = 4) (above the best ranking by 0.000)" in drawing.alt.replace("by 0.00)", "by 0.000)")
    assert "share wrong" in drawing.svg
    ElementTree.fromstring(drawing.svg)


def test_a_perfect_model_is_best_wherever_it_separates() -> None:
    alt = decision_curves({"idh": perfect()}, "one site").alt
    assert "acting on the model is best at 80 of 99 thresholds, from 0.11 to 0.90" in alt


def test_harm_is_said() -> None:
    drawing = decision_curves({"idh": harmful()}, "one site")
    assert "nowhere better" in drawing.alt
    assert "lowest -5.40 at threshold 0.90" in drawing.alt  # 60 needless actions at an exchange rate of 9, none true
    ElementTree.fromstring(drawing.svg)


def test_nobody_is_said() -> None:
    assert "IDH: no cases" in risk_coverage({"idh": NOBODY}, "share wrong", "x").alt
    drawing = decision_curves({"idh": NOBODY, "histology": perfect()}, "x")
    assert "IDH: no cases" in drawing.alt
    assert "act on nobody" in drawing.svg
    assert "act on" not in decision_curves({"idh": NOBODY}, "x").svg


def test_curves_that_withheld_cases_would_bend_are_not_assessable() -> None:
    withheld = NOBODY | {"n": 12}
    assert "IDH: not assessable" in risk_coverage({"idh": withheld}, "share wrong", "x").alt
    assert "IDH (n = 12): not assessable" in decision_curves({"idh": withheld}, "x").alt
