"""Bars of told counts, one panel per table: what is hidden is drawn as hidden, never as nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from gmmas_core.reporting.figures import Drawing, drawing_style, panels, short, to_drawing
from gmmas_core.reporting.style import FAINT, INK, SITE_COLOURS
from gmmas_core.statistics.form import HIDDEN, Statistics, Table

HATCHES = ("", "//", "\\\\", "xx", "..", "++")
COLUMNS = 2


def count_bars(tables: Sequence[Table], by_site: Mapping[str, Statistics]) -> Drawing:
    """Grouped bars: patients per cell, one bar per site.

    Args:
        tables: of the form.
        by_site: name for the legend -> what it told.
    """
    with drawing_style():
        rows = -(-len(tables) // COLUMNS)
        figure, grid = panels(rows, COLUMNS, width=5.5, height=3.1, margins=(0.6, 0.14, 0.4, 1.1), below=0.55)
        for axes in grid[len(tables) :]:
            axes.set_visible(False)
        for axes, table in zip(grid, tables):
            _panel(axes, table, by_site)
        handles = [Patch(label=short(site), **_look(number)) for number, site in enumerate(by_site)]
        figure.legend(handles=[*handles, _hidden_patch()], loc="lower left", ncols=4)
        return to_drawing(figure, " ".join(in_words(table, by_site) for table in tables))


def shown(cell: int, told: Statistics) -> str:
    """A cell for people."""
    if cell != HIDDEN:
        return str(cell)
    return f"below {told.floor}" if told.epsilon else "hidden"


def in_words(table: Table, by_site: Mapping[str, Statistics]) -> str:
    """A table as a sentence, for those who do not see the bars."""
    said = []
    for site, told in by_site.items():
        cells = zip(table.cells, told.counts[table.name], strict=True)
        said.append(f"{site}: " + ", ".join(f"{name} {shown(cell, told)}" for name, cell in cells))
    return f"{table.title}. {'; '.join(said)}."


def _panel(axes: Axes, table: Table, by_site: Mapping[str, Statistics]) -> None:
    width = 0.84 / max(1, len(by_site))
    top = max([1, *(cell for told in by_site.values() for cell in told.counts[table.name])])
    for number, told in enumerate(by_site.values()):
        for place, cell in enumerate(told.counts[table.name]):
            x = place + (number - (len(by_site) - 1) / 2) * width
            if cell == HIDDEN:
                # As high as the axis is small: the mark stands for "not told", its height for nothing.
                axes.bar([x], [0.06 * top], width=0.9 * width, facecolor="white", edgecolor=FAINT, linestyle=":")
                axes.annotate("?", (x, 0.065 * top), ha="center", va="bottom", fontsize=8, color=FAINT)
            elif cell:
                axes.bar([x], [cell], width=0.9 * width, **_look(number))
    axes.set_xticks(range(len(table.cells)), list(table.cells), rotation=35, ha="right", fontsize=8.5)
    axes.set(xlim=(-0.6, len(table.cells) - 0.4), ylim=(0, 1.12 * top), ylabel="patients")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_title(table.title)
    axes.grid(visible=False, axis="x")


def _look(number: int) -> dict[str, Any]:
    return {
        "facecolor": SITE_COLOURS[number % len(SITE_COLOURS)],
        "hatch": HATCHES[number % len(HATCHES)],
        "edgecolor": INK,
        "linewidth": 0.6,
    }


def _hidden_patch() -> Patch:
    return Patch(label="? not told", facecolor="white", edgecolor=FAINT, linestyle=":")
