"""The page: complete, self-contained, escaped, and honest where there is no number."""

import copy
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from gmmas_core.config import Config, load_config
from server.report.html import render_html
from server.report.numbers import build_report

Entry = dict[str, Any]
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Open tags, attributes and text of a page; fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "svg" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def finished(ledger_entries: list[Entry]) -> Entry:
    config = load_config(["experiment=smoke", "notice='Phantoms: of no person.'"])
    return build_report(ledger_entries, config)


@pytest.fixture(scope="module")
def html(finished: Entry) -> str:
    return render_html(finished)


@pytest.fixture
def report(finished: Entry) -> Entry:
    """A copy to change."""
    return copy.deepcopy(finished)


def test_a_whole_report_says_what_it_must(html: str, report: Entry) -> None:
    page = Page(html)
    assert page.text.index(report["disclaimer"]) < page.text.index("Passed") < page.text.index("Who took part")
    for words in (
        "Phantoms: of no person.",
        "no reply within 600 s",
        "found another configuration",
        "age alone",
        "if calibrated",
        "Empty regions, legacy convention",
        "gmmas-site predict CASE_FOLDER --model model",
        "gmmas-site reading-room --model model",
        "c" * 64,
        "f" * 64,
        "d" * 64,
    ):
        assert words in page.text, words


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href"):
                assert value is not None
                assert value.startswith(("#", "data:"))


def test_every_drawing_has_words(html: str) -> None:
    page = Page(html)
    labelled = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert len(labelled) == sum(tag == "svg" for tag, _ in page.tags) >= 5
    assert all(len(attributes.get("aria-label") or "") > 40 for attributes in labelled)


def test_the_same_report_gives_the_same_bytes(html: str, report: Entry) -> None:
    assert render_html(report) == html


def test_a_silent_site_and_an_unspoken_group_are_shown_as_such(
    report: Entry, played_round: Callable[..., Entry]
) -> None:
    assert "nobody: these parameters keep their value" in render_html(report)
    report["rounds"].append(report["rounds"][0] | {"round": 3})
    text = Page(render_html(report)).text
    assert "stem.t1, global.stem.t1 9 (50 %) 9 (50 %) silent" in text.replace("east", "")


def test_names_and_reasons_are_escaped(report: Entry) -> None:
    evil = '<script>alert("x")</script>$\\frac$'
    report["rounds"][-1]["left_out"] = {evil: evil}
    del report["rounds"][0], report["evaluations"][:2]
    for evaluation in report["evaluations"]:
        evaluation["sites"][evil] = evaluation["sites"]["north"]
    html = render_html(report)
    assert "<script" not in html
    assert Page(html).text.count(evil) >= 2


def test_what_nobody_measured_is_never_a_zero_or_nan(
    ledger_entries: list[Entry], evaluation: Callable[..., Entry], tiny_config: Config
) -> None:
    lines = ledger_entries[:2] + [evaluation({"north": (0, 0, 0), "east": (0, 0, 0)}, subject="global", round=2)]
    text = Page(render_html(build_report(lines, tiny_config))).text
    assert "no cases" in text
    assert "nan" not in text.lower().split()
    assert "None" not in text
    assert not re.search(r"\b0\.0+\b", text)


@pytest.mark.parametrize("length", [0, 2, 4])
def test_a_run_that_is_still_going_has_a_page(ledger_entries: list[Entry], tiny_config: Config, length: int) -> None:
    text = Page(render_html(build_report(ledger_entries[:length], tiny_config))).text
    assert "Not judged yet" in text


def test_a_failed_check_is_said_first(report: Entry) -> None:
    report["evaluations"] = report["rounds"] = []
    report["acceptance"] = {"check": "learns_training_cases", "passed": False, "statement": "Dice 0.2; expected 0.6"}
    text = Page(render_html(report)).text
    assert text.index("Failed: the model does not outline") < text.index("Who took part")


def test_a_run_without_tasks_has_no_tables_of_tasks(report: Entry) -> None:
    report["run"]["tasks"] = []
    report["rounds"] = []
    assert "Naming the tumour" not in render_html(report)
