"""The figures of a run's report: curves over the rounds and bars per hospital."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from gmmas_core.reporting.figures import Drawing, drawing_style, panels, short, to_drawing
from gmmas_core.reporting.style import FAINT, INK, LINE_STYLES, MARKERS, MODEL_COLOURS, MODEL_HATCHES, SITE_COLOURS
from gmmas_core.reporting.wording import MODEL_NAMES, REGION_NAMES, STAGE_NAMES, TASK_NAMES, cases, number
from gmmas_core.types import REGIONS

Rounds = Sequence[Mapping[str, Any]]
Points = list[tuple[int, float]]

POOLED = "pooled"
UNIT = (-0.03, 1.03)
"""Limits of what lies between 0 and 1, with room for the markers."""


def training_loss(rounds: Rounds, sites: Sequence[str]) -> Drawing:
    """Mean training loss per site and round: total, and each part of it."""
    parts = list(
        dict.fromkeys(part for entry in rounds for site in entry["sites"].values() for part in site["train_loss"])
    )

    def points(part: str, site: str) -> Points:
        return _points(rounds, lambda entry: entry["sites"].get(site, {}).get("train_loss", {}).get(part), behind=0)

    curves = {part: {site: points(part, site) for site in sites} for part in parts}
    titles = {
        part: TASK_NAMES.get(part, part).capitalize() if part not in TASK_NAMES else TASK_NAMES[part] for part in parts
    }
    words = "Mean training loss per hospital and round"
    return _panels(curves, titles, "round", words, None, _stage_starts(rounds, behind=0.5))


def validation_dice(rounds: Rounds, sites: Sequence[str]) -> Drawing:
    """Dice of the global model on the validation cases, per site and pooled, against rounds of training behind it."""
    curves = {f"dice.{region}": _validation(rounds, sites, f"dice.{region}") for region in REGIONS}
    titles = {f"dice.{region}": f"Dice, {name}" for region, name in REGION_NAMES.items()}
    words = "Validation Dice of the global model per hospital and pooled"
    return _panels(curves, titles, "rounds of training", words, UNIT, _stage_starts(rounds, behind=1))


def validation_tasks(rounds: Rounds, sites: Sequence[str], tasks: Sequence[str], measure: str) -> Drawing:
    """AUROC ("auroc") or negative log-likelihood ("nll") of every task on the validation cases."""
    curves = {f"{measure}.{task}": _validation(rounds, sites, f"{measure}.{task}") for task in tasks}
    titles = {f"{measure}.{task}": f"{measure.upper()}, {TASK_NAMES[task]}" for task in tasks}
    limits = UNIT if measure == "auroc" else None
    words = f"Validation {measure.upper()} of the global model per hospital and pooled"
    return _panels(curves, titles, "rounds of training", words, limits, _stage_starts(rounds, behind=1))


def has_validation(rounds: Rounds, measure: str) -> bool:
    """Whether any round has a pooled number of this measure."""
    return any(
        value is not None
        for entry in rounds
        for name, value in entry["pooled"].items()
        if name.partition(".")[0] == measure
    )


def dice_bars(by_model: Mapping[str, Mapping[str, Any]]) -> Drawing:
    """Dice of every region per site and pooled, one bar per model, with 95 % intervals where there are some.

    Args:
        by_model: model -> an entry of the report's "evaluations", all on the same split.
    """
    places = [*sorted({site for entry in by_model.values() for site in entry["sites"]}), POOLED]
    with drawing_style():
        width = max(11.0, 1.5 * len(places) + 1.5)
        figure, grid = panels(len(REGIONS), 1, width=width, height=2.2, margins=(0.62, 0.14, 0.36, 0.36))
        for axes, region in zip(grid, REGIONS, strict=True):
            _bars(axes, by_model, places, region)
        handles = [Patch(label=MODEL_NAMES[model], **_look(model)) for model in by_model]
        figure.legend(handles=handles, loc="upper right", ncols=3)
        return to_drawing(figure, " ".join(_bars_in_words(by_model, places, region) for region in REGIONS))


def _bars(axes: Axes, by_model: Mapping[str, Mapping[str, Any]], places: Sequence[str], region: str) -> None:
    width = min(0.3, 0.8 / len(by_model))
    for order, (model, entry) in enumerate(by_model.items()):
        for place, site in enumerate(places):
            summary = entry["pooled"] if site == POOLED else entry["sites"].get(site)
            x = place + (order - (len(by_model) - 1) / 2) * width
            _bar(axes, x, width, model, summary["segmentation"][region] if summary else None)
    axes.set_xticks(range(len(places)), [short(site) for site in places], color=INK)
    axes.axvline(len(places) - 1.5, color=INK, linewidth=0.8)
    axes.set(ylim=(0, 1.15), yticks=(0, 0.25, 0.5, 0.75, 1), ylabel="Dice", xlim=(-0.55, len(places) - 0.45))
    axes.set_title(f"{REGION_NAMES[region].capitalize()} ({region.upper()})")
    axes.grid(visible=False, axis="x")


def _bar(axes: Axes, x: float, width: float, model: str, entry: Mapping[str, Any] | None) -> None:
    if entry is None or not entry["n"]:
        axes.annotate("no cases", (x, 0.02), rotation=90, ha="center", va="bottom", fontsize=8, color=INK)
        return
    score = entry["dice"]
    axes.bar([x], [score["mean"]], width=0.92 * width, **_look(model))
    top = score["mean"]
    if score["interval"] is not None:
        low, high = score["interval"]
        axes.plot([x, x], [low, high], color=INK, linewidth=1.4)
        top = max(top, high)
    label = f"{number(score['mean'])} (n={entry['n']})"
    axes.annotate(label, (x, top + 0.02), ha="center", va="bottom", fontsize=8, color=INK)


def _look(model: str) -> dict[str, Any]:
    return {"facecolor": MODEL_COLOURS[model], "hatch": MODEL_HATCHES[model], "edgecolor": INK, "linewidth": 0.8}


def _bars_in_words(by_model: Mapping[str, Mapping[str, Any]], places: Sequence[str], region: str) -> str:
    said = []
    for site in places:
        for model, entry in by_model.items():
            summary = entry["pooled"] if site == POOLED else entry["sites"].get(site)
            part = summary["segmentation"][region] if summary else None
            value = f"{number(part['dice']['mean'])} over {cases(part['n'])}" if part and part["n"] else "no cases"
            said.append(f"{site}, {MODEL_NAMES[model]}: {value}")
    return f"Bars of Dice, {REGION_NAMES[region]}. " + "; ".join(said) + "."


def _validation(rounds: Rounds, sites: Sequence[str], name: str) -> dict[str, Points]:
    """Round r's validation is of the model that the round began with, which r - 1 rounds have trained."""

    def points(site: str) -> Points:
        return _points(rounds, lambda entry: entry["sites"].get(site, {}).get("validation", {}).get(name), behind=1)

    pooled = _points(rounds, lambda entry: entry["pooled"].get(name), behind=1)
    return {site: points(site) for site in sites} | {POOLED: pooled}


def _points(rounds: Rounds, value_of: Callable[[Mapping[str, Any]], float | None], behind: int) -> Points:
    found = ((entry["round"] - behind, value_of(entry)) for entry in rounds)
    return [(number, value) for number, value in found if value is not None]


def _stage_starts(rounds: Rounds, behind: float) -> list[tuple[float, str]]:
    """Where each stage begins on the axis, and its name; nothing where there was only one stage."""
    starts = [
        (entry["round"] - behind, STAGE_NAMES.get(entry["stage"], entry["stage"]))
        for place, entry in enumerate(rounds)
        if place == 0 or entry["stage"] != rounds[place - 1]["stage"]
    ]
    return starts if len(starts) > 1 else []


def _panels(
    curves: Mapping[str, Mapping[str, Points]],
    titles: Mapping[str, str],
    x_label: str,
    words: str,
    limits: tuple[float, float] | None,
    stages: Sequence[tuple[float, str]],
) -> Drawing:
    """Small multiples side by side, at most three in a row, one line per site; all share the axis of rounds."""
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    with drawing_style():
        figure, grid = panels(rows, columns, width=3.7, height=2.7, below=0.4)
        for axes in grid[len(curves) :]:
            axes.set_visible(False)
        lines: dict[str, Any] = {}
        everywhere: list[float] = [x for by_site in curves.values() for points in by_site.values() for x, _ in points]
        everywhere += [x for x, _ in stages]
        for axes, (name, by_site) in zip(grid, curves.items()):
            _panel(axes, by_site, lines)
            axes.set_title(titles[name])
            axes.set_xlabel(x_label)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            if everywhere:
                axes.set_xlim(min(everywhere) - 0.3, max(everywhere) + 0.3)
            if limits is not None:
                axes.set(ylim=limits, yticks=(0, 0.25, 0.5, 0.75, 1))
            _mark_stages(axes, stages)
        figure.legend(lines.values(), [short(site) for site in lines], loc="lower left", ncols=6)
        said = "".join(f" {name} begins at {x:g}," for x, name in stages)
        begun = f" Stages on the axis of rounds:{said.rstrip(',')}." if stages else ""
        return to_drawing(figure, f"{words}. {_ends_in_words(curves, titles)}{begun}")


def _mark_stages(axes: Axes, stages: Sequence[tuple[float, str]]) -> None:
    """A thin line and a name where a stage begins: tasks and learning rate change there, so curves may jump."""
    if stages:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.35 * (high - low))  # room for the names
    for x, name in stages:
        axes.axvline(x, color=FAINT, linewidth=0.7, linestyle=":")
        axes.text(
            x,
            0.98,
            name,
            transform=axes.get_xaxis_transform(),
            rotation=90,
            ha="left",
            va="top",
            fontsize=7,
            color=FAINT,
        )


def _panel(axes: Axes, by_site: Mapping[str, Points], lines: dict[str, Any]) -> None:
    for number_of_site, (site, points) in enumerate(by_site.items()):
        if not points:
            continue
        look: dict[str, Any] = {
            "color": SITE_COLOURS[number_of_site % len(SITE_COLOURS)],
            "marker": MARKERS[number_of_site % len(MARKERS)],
            "linestyle": LINE_STYLES[number_of_site % len(LINE_STYLES)],
            "linewidth": 1.5,
            "markersize": 4,
        }
        if site == POOLED:
            look |= {"color": INK, "marker": None, "linestyle": "-", "linewidth": 2.4}
        (line,) = axes.plot(*zip(*points, strict=True), **look)
        lines.setdefault(site, line)
    if not any(by_site.values()):
        axes.text(0.5, 0.5, "no cases", transform=axes.transAxes, ha="center", color=INK)


def _ends_in_words(curves: Mapping[str, Mapping[str, Points]], titles: Mapping[str, str]) -> str:
    said = []
    for name, by_site in curves.items():
        ends = [f"{site} {number(p[0][1])} to {number(p[-1][1])}" for site, p in by_site.items() if p]
        said.append(f"{titles[name]}, first to last: {', '.join(ends) or 'no cases'}")
    return "; ".join(said) + "."
