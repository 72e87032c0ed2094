"""Rounding on the case page: no false precision, no false certainty, no bare zero."""

from typing import Any

import pytest

from client.reading_room.panel.markdown import markup_of, section_of
from client.reading_room.panel.numbers import points, proportion, quantity, relative

NBSP = "\N{NO-BREAK SPACE}"


def measure(value: float, error: float, unit: str = "mL", **interval: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, "error": error, "interval": interval or {"reason": "none was asked for"}}


def test_a_measure_has_no_more_digits_than_its_error() -> None:
    found = quantity(measure(21.568, 7.456, low=1.408, high=26.752, meaning="passes"))
    assert found == {
        "value": f"22{NBSP}mL",
        "error": f"±{NBSP}7{NBSP}mL",
        "interval": f"1 to 27{NBSP}mL",
        "meaning": "passes",
    }


def test_a_reason_stands_where_there_is_no_number() -> None:
    assert quantity({"reason": "no t1c"}) == {"missing": "no t1c"}
    found = quantity(measure(3.0, 0.4))
    assert (found["interval"], found["meaning"]) == ("", "none was asked for")


def test_nothing_found_is_said_in_words() -> None:
    found = quantity(measure(0.0, 0.0, low=0.0, high=0.0, meaning="passes"))
    assert (found["value"], found["error"], found["interval"]) == ("none found", "", "none at both ends")


def test_an_interval_that_rounds_to_one_number_says_so() -> None:
    assert quantity(measure(25.2, 8.0, low=24.9, high=25.3, meaning="x"))["interval"] == f"25{NBSP}mL at both ends"
    assert quantity(measure(2.0, 3.0, low=2.0, high=25.0, meaning="x"))["interval"] == f"2 to 25{NBSP}mL"


def test_shares_have_their_error_in_points() -> None:
    found = quantity(measure(0.332, 0.324, "share"))
    assert (found["value"], found["error"]) == (f"33{NBSP}%", "± 32 points")
    assert quantity(measure(0.0, 0.01, "share"))["value"] == "none"


@pytest.mark.parametrize(
    ("change", "words"),
    [(0.123, "+12 points"), (-0.01, "−1 point"), (0.004, "<1 point"), (-0.004, "<1 point"), (0.0, "<1 point")],
)
def test_points(change: float, words: str) -> None:
    assert points(change) == words.replace(" ", NBSP)


@pytest.mark.parametrize(("change", "words"), [(1.0, "+100 %"), (-0.65, "−65 %"), (0.001, "±0 %")])
def test_relative_changes(change: float, words: str) -> None:
    assert relative(change) == words.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("hits", "count", "words"), [(0, 7, "0 %"), (7, 7, "100 %"), (1, 3, "33 %"), (1, 999, "<1 %"), (998, 999, ">99 %")]
)
def test_a_counted_share_may_be_all_or_none(hits: int, count: int, words: str) -> None:
    assert proportion(hits, count) == words.replace(" ", NBSP)


def test_a_card_becomes_markup_and_nothing_in_it_acts() -> None:
    text = "# One\nfirst **bold**\n\n- a `b`\n- <i>c</i>\n\n| x | y |\n|---|---|\n| 1 \\| 2 | **3** |\n"
    assert str(markup_of(text, 4)) == (
        "<h4>One</h4>\n<p>first <b>bold</b></p>\n<ul><li>a <code>b</code></li><li>&lt;i&gt;c&lt;/i&gt;</li></ul>\n"
        '<div class="scroll"><table><thead><tr><th>x</th><th>y</th></tr></thead>'
        "<tbody><tr><td>1 | 2</td><td><b>3</b></td></tr></tbody></table></div>"
    )


def test_a_section_ends_at_the_next_heading_of_its_level() -> None:
    text = "# A\nx\n## B\ny\n### C\nz\n## D\nw"
    assert section_of(text, "B") == "y\n### C\nz"
    assert section_of(text, "D") == "w"
    assert section_of(text, "E") == ""
