"""The page's sections about the method: numbers by hand, names escaped, and nothing about what a run did not do."""

import copy
import re
from html import unescape
from typing import Any

import pytest

from gmmas_core.config import load_config
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import SEQUENCES
from server.report.html import render_html
from server.report.numbers import build_report

Entry = dict[str, Any]


def text_of(html: str) -> str:
    """The words of a piece of a page, drawings and style left out."""
    words = re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(svg|style)\b.*?</\1>", " ", html))
    return " ".join(unescape(words).split())


def rows_of(html: str, heading: str) -> str:
    """The words from a heading to the next one of its level."""
    return text_of(html.split(f"<h2>{heading}</h2>")[1].split("<h2>")[0])


@pytest.fixture(scope="module")
def finished(ledger_entries: list[Entry]) -> Entry:
    return build_report(ledger_entries, load_config(["experiment=smoke"]))


@pytest.fixture(scope="module")
def html(finished: Entry) -> str:
    return render_html(finished)


@pytest.fixture
def report(finished: Entry) -> Entry:
    """A copy to change."""
    return copy.deepcopy(finished)


@pytest.fixture
def bare(report: Entry) -> Entry:
    """A copy without curves and results, which take longest to draw."""
    return report | {"rounds": [], "evaluations": []}


@pytest.fixture
def holdout(report: Entry) -> Entry:
    """The global model's results on the holdouts, to change."""
    (found,) = (part for part in report["evaluations"] if (part["model"], part["split"]) == ("global", "holdout"))
    return dict(found)


METHOD_HEADINGS = (
    "What the unlabelled cases were given",
    "When sequences are missing",
    "What each sequence is worth",
    "Temperatures, and what they were fitted on",
    "The stages, in the order in which they were played",
)


def test_what_a_run_did_not_do_has_no_section(html: str) -> None:
    text = text_of(html)
    assert not [words for words in METHOD_HEADINGS if words in text]
    assert "This run had no calibration" in text
    assert "Does the model know when it does not know?" not in text  # no stochastic passes were made
    assert "A dotted line is where a stage begins" not in text


def given(asked: int, accepted: dict[str, int], audited: int, audit: float | None, skipped: bool = False) -> Entry:
    return {"asked": asked, "accepted": accepted, "audited": audited, "audit": audit, "skipped": skipped}


def test_pseudo_labels_are_counted_and_a_failed_audit_is_said_loudly(bare: Entry) -> None:
    bare["pseudo_labels"] = {
        "north": {
            "idh": given(9, {"wildtype": 3, "mutant": 1}, 6, 0.875),
            "segmentation": given(4, {"masks": 0}, 5, 0.25, skipped=True),
        },
        "<b>west": {"idh": given(7, {"wildtype": 2, "mutant": 0}, 0, None), "segmentation": given(0, {}, 0, None)},
    }
    html = render_html(bare)
    text = rows_of(html, "What the unlabelled cases were given")
    assert text.startswith("north: no pseudo-label for Outlines was used.")
    assert "a mean whole-tumour Dice of 0.25 over 5 cases, less than the run demands" in text
    assert "north 9 3 wildtype, 1 mutant 6 0.88 yes" in text
    assert "<b>west 7 2 wildtype, none mutant none no cases yes, unaudited" in text
    assert "<b>west none nothing asked none no cases nothing to use" in text
    assert "north 4 none masks 5 0.25 no: failed its audit" in text
    assert "<b>west" not in html


def test_temperatures_say_what_they_were_fitted_on_or_why_there_is_none(bare: Entry) -> None:
    bare["calibration"] = {
        "temperature": {"idh": 1.5},
        "region_temperature": {"wt": 0.8},
        "fit": {
            "idh": {"cases": 30, "of_rarer_class": 11, "outcome": "fitted"},
            "codel_1p19q": {"cases": 4, "of_rarer_class": 0, "outcome": "not calibrated: too few cases"},
            "wt": {"cases": 12, "outcome": "fitted"},
        },
    }
    text = rows_of(render_html(bare), "Are the probabilities calibrated?")
    assert "IDH 1.50 30 11 fitted" in text
    assert "1p/19q none 4 none not calibrated: too few cases" in text
    assert "Whole tumour 0.80 12 fitted" in text


def test_trust_of_the_holdout_has_its_n_per_hospital_and_pooled(html: str, report: Entry) -> None:
    text = rows_of(html, "Are the probabilities calibrated?")
    (found,) = (part for part in report["evaluations"] if (part["model"], part["split"]) == ("global", "holdout"))
    pooled = found["pooled"]["classification"]["idh"]
    assert pooled["n"] == 16
    assert f"pooled 16 {pooled['ece_equal_mass']['value']:.2f} if calibrated" in text
    assert f"{pooled['aurc']['value']:.3f}" in text
    for start in ("Reliability diagrams", "Risk against coverage", "Decision curves"):
        assert f'aria-label="{start}, all hospitals pooled' in html


def test_withheld_cases_are_named_and_leave_no_number(bare: Entry, holdout: Entry) -> None:
    nothing = {"value": None, "interval": None, "if_calibrated": None, "binning": "b"}
    holdout["pooled"]["classification"]["idh"] |= {
        "withheld": 3,
        **dict.fromkeys(("ece_equal_mass", "slope", "intercept", "aurc", "excess_aurc"), nothing),
    }
    text = rows_of(render_html(bare | {"evaluations": [holdout]}), "Are the probabilities calibrated?")
    assert "pooled 16 3 more withheld not assessable not assessable" in text


def test_the_models_doubt_is_drawn_when_it_was_measured(bare: Entry, holdout: Entry) -> None:
    first = holdout["pooled"]["classification"]["idh"]["by_epistemic"][0]
    first |= {"n": 9, "mean_confidence": 0.75, "share_right": 0.5, "gap": 0.25}
    html = render_html(bare | {"evaluations": [holdout]})
    assert "IDH: 0.00 to 0.07 nats: confident 0.75, right 0.50 (9)" in html
    assert "Does the model know when it does not know?" in html


def test_subsets_are_shown_with_the_cases_behind_each_number(bare: Entry) -> None:
    bare["subsets"] = [
        {
            "sequences": list(subset),
            "n": 7,
            "values": {"dice.et": 0.5 if "t1c" in subset else None},
            "counts": {"dice.et": 6 if "t1c" in subset else 0},
            "not_assessable": {"dice.et": 0 if "t1c" in subset else 7},
        }
        for subset in SUBSETS
    ]
    text = rows_of(render_html(bare), "When sequences are missing")
    assert "T1 7 not assessable T1c 7 0.50 n = 6" in text
    assert "Mean over the subsets 0.50 over 8 of 15" in text


def test_the_worth_of_a_sequence_is_a_move_and_not_a_loss(bare: Entry) -> None:
    moved = {"wt": {"change": 0.125, "n": 9}, "idh": {"change": None, "n": 0}}
    bare["significance"] = {
        "learned": {branch: dict.fromkeys(SEQUENCES, 0.25) for branch in ("local", "global")},
        "drop_one": dict.fromkeys(SEQUENCES, moved),
    }
    html = render_html(bare)
    text = rows_of(html, "What each sequence is worth")
    assert "FLAIR 0.250 0.250 0.125 n = 9 not assessable" in text
    assert "A move is not yet a loss" in text
    assert "How far the answers move without one sequence, all hospitals pooled. without T1: Whole tumour 0.125" in html


def test_stages_are_named_and_marked_where_they_begin(report: Entry) -> None:
    report["rounds"][0] |= {"stage": "supervised"}
    last = report["rounds"][1]
    last |= {"stage": "calibrate", "lr": 0.0}
    for site in last["sites"].values():
        site["weights"] = dict.fromkeys(site["weights"], 0)
    html = render_html(report | {"evaluations": []})
    text = text_of(html)
    assert "supervised 1 0.001 40 s calibration 2 teaches no weight 40 s" in text
    assert "Stages on the axis of rounds: supervised begins at 0, calibration begins at 1." in html
    assert "in round 1 (supervised), the last that taught the network" in text
