"""Where the points of a curve lie, computed by hand."""

import re

import pytest

from server.dashboard.charts import BOTTOM, LEFT, RIGHT, TOP, curve_chart, duration_chart, look, stage_starts
from server.dashboard.status import Curve, Point, RoundRow


def point(trained: int, value: float) -> Point:
    return Point(trained=trained, value=value, cases=3)


def row(number: int, seconds: float | None, stage: str = "supervised", **phases: float) -> RoundRow:
    return RoundRow(
        round=number,
        stage=stage,
        ended="",
        duration_s=seconds,
        phases=phases,
        counted=(),
        left_out={},
        late=(),
        sent=None,
        received=None,
    )


def test_a_curve_goes_from_corner_to_corner() -> None:
    curve = Curve(sites={"north": (point(0, 0.0), point(4, 1.0))}, pooled=(point(2, 0.5),))
    chart = curve_chart("dice.wt", curve, (0, 4), [])
    lines = re.findall(r'points="([^"]*)"', chart.svg)
    middle = (LEFT + 6 + RIGHT - 4) / 2
    assert lines == [f"{LEFT + 6}.0,{BOTTOM}.0 {RIGHT - 4}.0,{TOP}.0", f"{middle:.1f},{(TOP + BOTTOM) / 2:.1f}"]
    assert "north 0.00 to 1.00" in chart.alt
    assert "all sites together 0.50 to 0.50" in chart.alt


def test_a_site_without_points_is_not_said_to_have_any() -> None:
    chart = curve_chart("auroc.idh", Curve(sites={"south": ()}, pooled=(point(0, 0.5),)), (0, 0), [])
    assert "south" not in chart.alt
    assert "AUROC, IDH" in chart.title


def test_stages_are_marked_where_there_are_several() -> None:
    starts = stage_starts([row(1, 1.0), row(2, 1.0), row(3, 1.0, "finetune")])
    assert starts == [(0, "supervised"), (2, "fine-tuning")]
    curve = Curve(sites={}, pooled=(point(0, 0.1), point(2, 0.2)))
    assert "fine-tuning" in curve_chart("dice.wt", curve, (0, 2), starts).svg
    assert "supervised" not in curve_chart("dice.wt", curve, (0, 2), starts[:1]).svg


def test_a_bar_is_as_high_as_its_round_was_long() -> None:
    svg = duration_chart([row(1, 40.0, collect_s=30.0), row(2, 20.0)]).svg
    heights = {name: float(height) for name, height in re.findall(r'rect class="(\w+)".*?height="([\d.]+)"', svg)}
    full = BOTTOM - TOP
    assert heights == {
        "waited": pytest.approx(0.75 * full, abs=0.1),
        "rest": pytest.approx(0.25 * full, abs=0.1),
        "whole": pytest.approx(0.5 * full, abs=0.1),
    }


def test_no_two_of_many_sites_look_the_same() -> None:
    assert len({look(number) for number in range(24)}) == 24
