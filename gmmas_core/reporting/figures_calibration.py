"""Drawings about trust in a probability: before and after calibration, and against the model's own doubt."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from gmmas_core.reporting.figures import (
    Drawing,
    bins_in_words,
    drawing_style,
    panels,
    reliability_panel,
    to_drawing,
)
from gmmas_core.reporting.style import INK, MODEL_COLOURS
from gmmas_core.reporting.wording import NO_CASES, TASK_NAMES, number

Tasks = Mapping[str, Mapping[str, Any]]
"""task -> its part of `summarise`'s "classification"."""

FEW_CASES = 5
"""Bars of fewer cases are pale: they say nothing about the model."""


def reliability_before_after(before: Tasks, after: Tasks, whose: str) -> Drawing:
    """Reliability diagrams side by side, a row per task: uncalibrated left, calibrated right.

    Args:
        before, after: the same tasks on the same cases.
        whose: cases of whom, for the alternative text.
    """
    with drawing_style():
        figure, axes = panels(len(before), 2, width=4.2, height=3.8, margins=(0.66, 0.14, 0.36, 0.56))
        said = []
        for row, task in enumerate(before):
            for column, (name, entry) in enumerate((("before", before[task]), ("after", after[task]))):
                panel = axes[2 * row + column]
                reliability_panel(panel, entry["reliability"])
                title = _reliability_title(task, name, entry)
                panel.set_title(title)
                said.append(f"{title}: {bins_in_words(entry['reliability']) or NO_CASES}")
            axes[2 * row].set_ylabel("share truly positive")
        return to_drawing(figure, f"Reliability diagrams before and after calibration, {whose}. {'. '.join(said)}.")


def doubt_bars(by_task: Tasks, whose: str) -> Drawing:
    """Calibration gap against epistemic uncertainty: one bar per filled bin, its n above it, a panel per task.

    Bars of fewer than FEW_CASES are pale.

    Args:
        by_task: with "by_epistemic", bins of mutual information in nats.
        whose: cases of whom, for the alternative text.
    """
    with drawing_style():
        figure, axes = panels(1, len(by_task), width=4.4, height=3.3, margins=(0.66, 0.22, 0.36, 0.56))
        said = []
        gaps = [part["gap"] for entry in by_task.values() for part in entry["by_epistemic"] if part["n"]]
        for panel, (task, entry) in zip(axes, by_task.items(), strict=True):
            _doubt_panel(panel, entry["by_epistemic"])
            panel.set(ylim=(0, 1.15 * max([*gaps, 0.1])), title=TASK_NAMES[task])
            said.append(f"{TASK_NAMES[task]}: {_doubt_in_words(entry['by_epistemic'])}")
        axes[0].set_ylabel("|confidence − share right|")
        return to_drawing(figure, f"Calibration gap by epistemic uncertainty, {whose}. {'. '.join(said)}.")


def _reliability_title(task: str, name: str, entry: Mapping[str, Any]) -> str:
    cases = sum(part["n"] for part in entry["reliability"])
    if not cases:
        return f"{TASK_NAMES[task]}, {name}: {NO_CASES}"
    return f"{TASK_NAMES[task]}, {name}: ECE {number(entry['ece']['value'])} (n = {cases})"


def _doubt_panel(axes: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    filled = [part for part in bins if part["n"]]
    width = bins[0]["to"] - bins[0]["from"]
    axes.set(xlim=(0, bins[-1]["to"]), xlabel="mutual information, nats")
    axes.set_xticks([part["from"] for part in bins[::2]] + [bins[-1]["to"]])
    axes.xaxis.set_major_formatter("{x:.2f}")
    axes.grid(visible=False, axis="x")
    if not filled:
        axes.text(0.5, 0.5, "no case with stochastic passes", transform=axes.transAxes, ha="center", color=INK)
        return
    middles = [(part["from"] + part["to"]) / 2 for part in filled]
    for part, x in zip(filled, middles, strict=True):
        colour = MODEL_COLOURS["global" if part["n"] >= FEW_CASES else "untrained"]
        axes.bar([x], [part["gap"]], width=0.84 * width, color=colour, edgecolor=INK, linewidth=0.6)
        label = f"n={part['n']}" if part is filled[0] else str(part["n"])
        axes.annotate(
            label, (x, part["gap"]), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8.5, color=INK
        )


def _doubt_in_words(bins: Sequence[Mapping[str, Any]]) -> str:
    return (
        ", ".join(
            f"{part['from']:.2f} to {part['to']:.2f} nats: confident {number(part['mean_confidence'])}, "
            f"right {number(part['share_right'])} ({part['n']})"
            for part in bins
            if part["n"]
        )
        or "no case with stochastic passes"
    )
