"""Drawings about use: which cases to trust the model with, and whether acting on it helps."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from gmmas_core.reporting.figures import Drawing, drawing_style, panels, to_drawing
from gmmas_core.reporting.style import FAINT, INK, LINE_STYLES, MARKERS, MODEL_COLOURS, SITE_COLOURS
from gmmas_core.reporting.wording import NO_CASES, NOT_ASSESSABLE, TASK_NAMES, number

Tasks = Mapping[str, Mapping[str, Any]]
"""task -> its part of `summarise`'s "classification"."""

LOWEST_SHOWN = -0.1
"""A net benefit far below 0 is harm enough; the axis stops here so that the part above 0 can be read."""


def risk_coverage(curves: Mapping[str, Mapping[str, Any]], risk: str, whose: str) -> Drawing:
    """Risk of the surest share of the cases against that share, one line per name.

    Args:
        curves: name -> what holds "n", "risk_coverage", "aurc" and "excess_aurc": a task's entry, or a region's
            "selective".
        risk: what the risk is, for the axis ("share wrong", "mean 1 - Dice").
        whose: cases of whom, for the alternative text.
    """
    with drawing_style():
        figure, (axes,) = panels(1, 1, width=9.4, height=3.2, margins=(0.66, 3.2, 0.16, 0.56))
        said, highest = [], 0.0
        for place, (name, entry) in enumerate(curves.items()):
            title = TASK_NAMES.get(name, name)
            curve = entry["risk_coverage"]
            if curve["risk"] is None:
                said.append(f"{title}: {_why_none(entry)}")
                axes.plot([], [], color=FAINT, label=said[-1])
                continue
            highest = max(highest, *curve["risk"])
            label = f"{title}: AURC {number(entry['aurc']['value'], 3)} (n = {entry['n']})"
            axes.plot(
                curve["coverage"],
                curve["risk"],
                color=SITE_COLOURS[place % len(SITE_COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                linestyle=LINE_STYLES[place % len(LINE_STYLES)],
                markersize=4,
                label=label,
            )
            half = curve["risk"][curve["coverage"].index(0.5)]
            said.append(
                f"{label} (above the best ranking by {number(entry['excess_aurc']['value'], 3)}), risk "
                f"{number(curve['risk'][-1])} over all cases, {number(half)} over the surer half"
            )
        axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.15 * max(highest, 0.1)), xlabel="share of cases kept, surest first")
        axes.set_ylabel(f"risk: {risk}")
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        return to_drawing(figure, f"Risk against coverage, {whose}. {'. '.join(said)}.")


def decision_curves(by_task: Tasks, whose: str) -> Drawing:
    """Net benefit against the threshold of action: the model, acting on all, and acting on nobody; a panel per task.

    Args:
        by_task: with "n" and "decision_curve".
        whose: cases of whom, for the alternative text.
    """
    with drawing_style():
        figure, axes = panels(1, len(by_task), width=3.9, height=3.3, margins=(0.66, 0.22, 0.36, 0.56), below=0.34)
        said = []
        for panel, (task, entry) in zip(axes, by_task.items(), strict=True):
            _decision_panel(panel, entry)
            title = f"{TASK_NAMES[task]} (n = {entry['n']})" if entry["n"] else TASK_NAMES[task]
            panel.set_title(title)
            said.append(f"{title}: {_decision_in_words(entry)}")
        axes[0].set_ylabel("net benefit per case")
        drawn = next((panel for panel in axes if panel.get_legend_handles_labels()[0]), None)
        if drawn is not None:
            figure.legend(*drawn.get_legend_handles_labels(), loc="lower left", ncols=3)
        return to_drawing(figure, f"Decision curves, {whose}. {'. '.join(said)}.")


def _why_none(entry: Mapping[str, Any]) -> str:
    """There was nobody, or some of a class were withheld, which would bend the curve."""
    return NOT_ASSESSABLE if entry["n"] else NO_CASES


def _decision_panel(axes: Axes, entry: Mapping[str, Any]) -> None:
    curve = entry["decision_curve"]
    axes.set(xlim=(0, 1), xticks=(0, 0.25, 0.5, 0.75, 1), xlabel="threshold to act")
    if curve["model"] is None:
        axes.set(ylim=(LOWEST_SHOWN, 0.5))
        axes.text(0.5, 0.5, _why_none(entry), transform=axes.transAxes, ha="center", color=INK)
        return
    axes.plot(
        curve["threshold"], curve["model"], color=MODEL_COLOURS["global"], linewidth=2.2, label="act on the model"
    )
    axes.plot(curve["threshold"], curve["all"], color=SITE_COLOURS[1], linestyle="--", label="act on all")
    axes.plot([0, 1], [0, 0], color=INK, linestyle=":", linewidth=1.4, label="act on nobody")
    axes.set_ylim(LOWEST_SHOWN, 1.15 * max(*curve["model"], *curve["all"], 0.1))


def _decision_in_words(entry: Mapping[str, Any]) -> str:
    curve = entry["decision_curve"]
    if curve["model"] is None:
        return _why_none(entry)
    better = [
        threshold
        for threshold, model, everybody in zip(curve["threshold"], curve["model"], curve["all"], strict=True)
        if model > max(0.0, everybody)
    ]
    lowest = min(zip(curve["model"], curve["threshold"], strict=True))
    harm = f", lowest {lowest[0]:.2f} at threshold {lowest[1]:.2f}" if lowest[0] < 0 else ""
    if not better:
        return f"acting on the model is nowhere better than acting on all or on nobody{harm}"
    return (
        f"acting on the model is best at {len(better)} of {len(curve['threshold'])} thresholds, "
        f"from {better[0]:.2f} to {better[-1]:.2f}{harm}"
    )
