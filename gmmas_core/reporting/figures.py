"""Drawing without a screen: matplotlib figures as SVG inside the page, each with the words that replace it.

The text of a drawing stays text (small, sharp, selectable, in the reader's font), and the same numbers give the same
bytes. Figures are plain objects, never pyplot's global state, so that several threads may draw.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gmmas_core.reporting.style import FAINT, INK, MODEL_COLOURS, RULE
from gmmas_core.reporting.wording import TASK_NAMES

_SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gmmas",
    "text.parse_math": False,  # a site called "$x" is a name, not a formula
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
}
_FONT = re.compile(r"font(-family)?: ([^;\"]*)'DejaVu Sans'")
LONGEST_NAME = 18

Margins = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawing:
    """A figure for the page.

    Attributes:
        svg: the element itself, hidden from screen readers by its `alt`-labelled parent.
        alt: what it shows, in words.
    """

    svg: Markup
    alt: str


@contextmanager
def drawing_style() -> Iterator[None]:
    """The look of all figures; draw and convert inside."""
    with mpl.rc_context(dict(_SETTINGS)):
        yield


def panels(
    rows: int,
    columns: int,
    *,
    width: float,
    height: float,
    margins: Margins = (0.62, 0.14, 0.36, 0.56),
    below: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """A figure of equal panels, row by row, with room for titles, labels and, below all, a legend.

    Margins are fixed: matplotlib's automatic layouts draw everything twice.

    Args:
        rows, columns: of panels.
        width, height: of one panel with its margins, in inches.
        margins: left, right, top and bottom of each panel, in inches.
        below: room for a legend below all panels, in inches.
    """
    left, right, top, bottom = margins
    total_width, total_height = columns * width, rows * height + below
    figure = Figure(figsize=(total_width, total_height))
    figure.subplots_adjust(
        left=left / total_width,
        right=1 - right / total_width,
        top=1 - top / total_height,
        bottom=(bottom + below) / total_height,
        wspace=(left + right) / (width - left - right),
        hspace=(top + bottom) / (height - top - bottom),
    )
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def to_drawing(figure: Figure, alt: str) -> Drawing:
    """A figure as inline SVG that scales with the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    svg = text[text.index("<svg") :]
    svg = _FONT.sub(r"font\1: \2system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif", svg)
    return Drawing(Markup(svg), alt)


def short(name: str) -> str:
    """A name that fits below a bar."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def reliability(by_task: Mapping[str, Mapping[str, Any]], whose: str) -> Drawing:
    """Reliability diagrams, one panel per task.

    Args:
        by_task: task -> its part of `summarise`'s "classification"; its bins may hold fewer cases than its "n", because
            a site lets no bin out that is below its cohort floor.
        whose: cases of whom, for the alternative text.
    """
    with drawing_style():
        figure, axes = panels(1, len(by_task), width=3.7, height=3.7)
        said = []
        for panel, (task, entry) in zip(axes, by_task.items(), strict=True):
            bins = entry["reliability"]
            total = sum(part["n"] for part in bins)
            reliability_panel(panel, bins)
            shown = f"n = {total}" if total == entry["n"] else f"n = {total} of {entry['n']}"
            title = f"{TASK_NAMES[task]} ({shown})" if total else f"{TASK_NAMES[task]}: no cases"
            panel.set_title(title)
            said.append(f"{title}, {bins_in_words(bins)}" if total else title)
        axes[0].set_ylabel("share truly positive")
        return to_drawing(figure, f"Reliability diagrams, {whose}. " + ". ".join(said) + ".")


def reliability_panel(axes: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    """Said against true; each point carries its number of cases, and a stem shows how far it is from coming true."""
    filled = [entry for entry in bins if entry["n"]]
    said, true = ([entry[key] for entry in filled] for key in ("mean_probability", "observed_share"))
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1.2)
    axes.vlines(said, said, true, color=MODEL_COLOURS["global"], linewidth=1.2)
    axes.scatter(said, true, s=[40 + 4 * entry["n"] for entry in filled], color=MODEL_COLOURS["global"], zorder=3)
    for entry, x, y in zip(filled, said, true, strict=True):
        up = 1 if y >= x else -1
        axes.annotate(
            str(entry["n"]),
            (x, y),
            xytext=(0, up * (6 + entry["n"] ** 0.5)),
            textcoords="offset points",
            ha="center",
            va="bottom" if up > 0 else "top",
            fontsize=8,
            color=INK,
        )
    ticks = (0, 0.25, 0.5, 0.75, 1)
    axes.set(xlim=(-0.06, 1.06), ylim=(-0.14, 1.14), xticks=ticks, yticks=ticks, xlabel="predicted probability")


def bins_in_words(bins: Sequence[Mapping[str, Any]]) -> str:
    """What a reliability diagram shows, bin by bin."""
    return ", ".join(
        f"said {entry['mean_probability']:.2f}, true {entry['observed_share']:.2f} ({entry['n']})"
        for entry in bins
        if entry["n"]
    )
