"""Curves as SVG elements, drawn in microseconds at every look; colours come from the page, so that dark pages work.

Every chart has words that replace it, and the page puts a table of the same numbers beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from server.dashboard.status import Curve, Point, RoundRow
from server.dashboard.words import duration, measure, stage

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 38, 348, 12, 178
NUM_LOOKS = 6
"""Colours and markers of the page's style; further sites differ by dashes."""


@dataclass(frozen=True)
class Chart:
    """An SVG element, its title and the words that replace it."""

    title: str
    svg: Markup
    alt: str


def look(number: int) -> str:
    """CSS classes of the site with this number."""
    return f"s{number % NUM_LOOKS} dash{number // NUM_LOOKS % 4}"


def curve_chart(name: str, curve: Curve, span: tuple[int, int], stages: Sequence[tuple[int, str]]) -> Chart:
    """One measure between 0 and 1 over the rounds: a thin line per site, a thick one for all cases together.

    Args:
        name: of the measure, e.g. "dice.wt".
        curve: its points.
        span: first and last rounds of training on the axis, the same for all charts of a page.
        stages: (rounds of training at its begin, name) of every stage; marked where there is more than one.
    """
    first, last = span[0], max(span[1], span[0] + 1)
    lines = [_line(points, first, last, look(number)) for number, points in enumerate(curve.sites.values())]
    lines.append(_line(curve.pooled, first, last, "pooled"))
    marks = [_stage_mark(_x(at, first, last), words) for at, words in stages if len(stages) > 1 and first <= at <= last]
    axes = _axes([(_y(value), f"{value:g}") for value in (0, 0.25, 0.5, 0.75, 1)], _ticks(first, last))
    return Chart(measure(name), _svg([axes, *marks, *lines], "rounds of training"), _curve_in_words(name, curve))


def duration_chart(rounds: Sequence[RoundRow]) -> Chart:
    """A bar per round: seconds waited for replies below, of everything else above."""
    known = [(row.round, row.duration_s, row.phases.get("collect_s")) for row in rounds if row.duration_s is not None]
    first, last = known[0][0], max(known[-1][0], known[0][0] + 1)
    most = max(seconds for _, seconds, _ in known) or 1.0
    width = 0.7 * (RIGHT - LEFT) / (last - first + 1)
    bars = [
        _bar(_x(number, first, last, width), width, seconds / most, None if waited is None else waited / most)
        for number, seconds, waited in known
    ]
    axes = _axes([(_y(0), "0"), (_y(0.5), duration(most / 2)), (_y(1), duration(most))], _ticks(first, last, width))
    said = f"Bars of the time per round, at most {duration(most)}; last: {duration(known[-1][1])}."
    return Chart("Time per round", _svg([axes, *bars], "round"), said)


def _x(value: float, first: int, last: int, margin: float = 0.0) -> float:
    low, high = LEFT + 6 + margin / 2, RIGHT - 4 - margin / 2
    return low + (high - low) * (value - first) / (last - first)


def _y(value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * min(max(value, 0.0), 1.0)


def _ticks(first: int, last: int, margin: float = 0.0) -> list[tuple[float, str]]:
    step = max(1, -(-(last - first) // 6))
    return [(_x(value, first, last, margin), str(value)) for value in range(first, last + 1, step)]


def _axes(y_ticks: Sequence[tuple[float, str]], x_ticks: Sequence[tuple[float, str]]) -> Markup:
    parts = [
        Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" class="y">{}</text>'
        ).format(LEFT, RIGHT, y, y, LEFT - 5, y + 4, label)
        for y, label in y_ticks
    ]
    parts += [
        Markup('<text x="{:.1f}" y="{}" class="x">{}</text>').format(x, BOTTOM + 15, label) for x, label in x_ticks
    ]
    return Markup("").join(parts)


def _line(points: Sequence[Point], first: int, last: int, classes: str) -> Markup:
    places = [(_x(point.trained, first, last), _y(point.value)) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = Markup("").join(Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.4"/>').format(x, y) for x, y in places)
    return Markup('<g class="{}"><polyline points="{}"/>{}</g>').format(classes, path, dots)


def _bar(middle: float, width: float, whole: float, waited: float | None) -> Markup:
    """Of one colour that stands for neither part where the parts are not known."""

    def part(name: str, low: float, high: float) -> Markup:
        return Markup('<rect class="{}" x="{:.1f}" width="{:.1f}" y="{:.1f}" height="{:.1f}"/>').format(
            name, middle - width / 2, width, _y(high), _y(low) - _y(high)
        )

    if waited is None:
        return part("whole", 0.0, whole)
    return part("waited", 0.0, waited) + part("rest", waited, whole)


def _stage_mark(x: float, words: str) -> Markup:
    return Markup(
        '<line class="stage" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        '<text class="stage" x="{0:.1f}" y="{1}" transform="rotate(90 {0:.1f} {1})" dx="3" dy="-3">{3}</text>'
    ).format(x, TOP, BOTTOM, words)


def _svg(parts: Sequence[Markup], x_label: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}<text x="{}" y="{}" class="x">{}</text></svg>'
    ).format(WIDTH, HEIGHT, Markup("").join(parts), (LEFT + RIGHT) / 2, HEIGHT - 3, x_label)


def _curve_in_words(name: str, curve: Curve) -> str:
    lines: Mapping[str, Sequence[Point]] = {**curve.sites, "all sites together": curve.pooled}
    said = [f"{who} {points[0].value:.2f} to {points[-1].value:.2f}" for who, points in lines.items() if points]
    return f"{measure(name)} on the validation cases, first to last: {'; '.join(said)}."


def stage_starts(rounds: Sequence[RoundRow]) -> list[tuple[int, str]]:
    """(rounds of training before it, name) of every stage that was begun."""
    return [
        (row.round - 1, stage(row.stage))
        for place, row in enumerate(rounds)
        if place == 0 or row.stage != rounds[place - 1].stage
    ]
