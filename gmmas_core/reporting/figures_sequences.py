"""Drawings about missing sequences: a table of all subsets, and what each sequence is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gmmas_core.reporting.figures import Drawing, Margins, drawing_style, panels, to_drawing
from gmmas_core.reporting.style import FAINT, INK, MODEL_COLOURS, RULE
from gmmas_core.reporting.wording import NO_CASES, NOT_ASSESSABLE, REGION_NAMES, TASK_NAMES, number
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import SEQUENCES

SEQUENCE_NAMES: Mapping[str, str] = {"t1": "T1", "t1c": "T1c", "t2": "T2", "flair": "FLAIR"}
HATCH = "////"

SMALLEST_REACH = 0.05
"""Changes below it are not blown up to look like large ones."""

Changes = Mapping[str, Mapping[str, Mapping[str, Any]]]

_SHADES = colormaps["Blues"]
_PALEST, _DEEPEST = 0.05, 0.85


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the table of subsets.

    Attributes:
        title: above it.
        values: per subset of the sequences; None, or absent, where not assessable.
        better: "higher" or "lower"; the better value has the deeper colour.
        digits: shown.
        absent: what to say instead of a value that is None; "not assessable" unless named here.
    """

    title: str
    values: Mapping[frozenset[str], float | None]
    better: str = "higher"
    digits: int = 2
    absent: Mapping[frozenset[str], str] = field(default_factory=dict)


def subset_table(columns: Sequence[Column], whose: str) -> Drawing:
    """A row per subset of the sequences: dots for what is there, then one coloured number per column.

    Colours run from the worst to the best value of their own column; a column of one value is pale throughout.

    Args:
        columns: at least one.
        whose: cases of whom, for the alternative text.
    """
    subsets = SUBSETS
    dots, cell = len(SEQUENCES) * 0.5, 1.3
    with drawing_style():
        # Axes in inches: one unit is one inch across and one row down.
        width, height = dots + cell * len(columns), 0.27 * len(subsets)
        margins: Margins = (0.1, 0.1, 0.42, 0.1)
        figure, (axes,) = panels(1, 1, width=width + 0.2, height=height + 0.52, margins=margins)
        axes.set(xlim=(0, width), ylim=(len(subsets), 0), xticks=[], yticks=[])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        _dots(axes, subsets)
        for place, column in enumerate(columns):
            _column(axes, column, subsets, dots + cell * place, cell)
        for row in range(1, len(subsets)):
            if len(subsets[row]) != len(subsets[row - 1]):
                axes.plot([0, width], [row, row], color=INK, linewidth=1)
        return to_drawing(figure, f"Results by available sequences, {whose}. {_table_in_words(columns, subsets)}")


def drop_one_bars(changes: Changes, whose: str) -> Drawing:
    """How far the answers move without one sequence, a panel per output: the longer a bar, the further.

    Panels of regions share one scale, panels of tasks another.

    Args:
        changes: sequence -> region or task -> {"change", "n"}, a mean from 0 to 1 over n cases: 1 - Dice between the
            outlines with and without the sequence, or the absolute change of the probability; None where the output
            cannot be assessed without it.
        whose: cases of whom, for the alternative text.
    """
    outputs = list(dict.fromkeys(output for by_output in changes.values() for output in by_output))
    columns = min(3, len(outputs))
    with drawing_style():
        figure, grid = panels(
            -(-len(outputs) // columns), columns, width=3.7, height=2.7, margins=(0.66, 0.14, 0.4, 0.4)
        )
        for panel in grid[len(outputs) :]:
            panel.set_visible(False)
        for panel, output in zip(grid, outputs):
            _drop_panel(panel, changes, output)
            alike = [name for name in outputs if (name in REGION_NAMES) == (output in REGION_NAMES)]
            known = [part["change"] for row in changes.values() for name in alike if (part := row.get(name))]
            reach = max([value for value in known if value is not None], default=0.0)
            panel.set(ylim=(0, 1.25 * max(reach, SMALLEST_REACH)), title=output_title(output))
            panel.set_ylabel("1 − Dice" if output in REGION_NAMES else "|change of P|")
        words = f"How far the answers move without one sequence, {whose}"
        return to_drawing(figure, f"{words}. {_drops_in_words(changes, outputs)}")


def _dots(axes: Axes, subsets: Sequence[tuple[str, ...]]) -> None:
    for place, name in enumerate(SEQUENCES):
        x = 0.25 + 0.5 * place
        axes.text(x, -0.25, SEQUENCE_NAMES[name], ha="center", va="bottom", fontsize=9, color=INK)
        there = [row + 0.5 for row, subset in enumerate(subsets) if name in subset]
        absent = [row + 0.5 for row, subset in enumerate(subsets) if name not in subset]
        axes.scatter([x] * len(there), there, s=42, color=INK)
        axes.scatter([x] * len(absent), absent, s=42, facecolors="none", edgecolors=FAINT, linewidths=0.9)


def _column(axes: Axes, column: Column, subsets: Sequence[tuple[str, ...]], left: float, width: float) -> None:
    known = [value for value in column.values.values() if value is not None]
    lowest, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    axes.text(left + width / 2, -0.25, column.title, ha="center", va="bottom", fontsize=9, color=INK, weight="bold")
    for row, subset in enumerate(subsets):
        value = column.values.get(frozenset(subset))
        corner = (left + 0.02, row + 0.04)
        middle = (left + width / 2, row + 0.5)
        if value is None:
            axes.add_patch(Rectangle(corner, width - 0.04, 0.92, facecolor="white", edgecolor=RULE, hatch=HATCH))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(*middle, _in_words(column, subset), ha="center", va="center", fontsize=7.5, color=INK, bbox=box)
            continue
        share = (value - lowest) / span
        good = 1 - share if column.better == "lower" and len(known) > 1 else share
        shade = _PALEST + (_DEEPEST - _PALEST) * good
        axes.add_patch(Rectangle(corner, width - 0.04, 0.92, facecolor=_SHADES(shade), edgecolor="none"))
        ink = "white" if shade > 0.68 else INK
        axes.text(*middle, number(value, column.digits), ha="center", va="center", fontsize=9, color=ink)


def _drop_panel(axes: Axes, changes: Changes, output: str) -> None:
    axes.grid(visible=False, axis="x")
    axes.set_xticks(range(len(changes)), [SEQUENCE_NAMES[name] for name in changes], color=INK)
    axes.set_xlim(-0.6, len(changes) - 0.4)
    look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8, "color": INK}
    for x, by_output in enumerate(changes.values()):
        value, said = by_output[output]["change"], change_in_words(by_output, output)
        if value is None:
            axes.annotate(said, (x, 0), xytext=(0, 4), rotation=90, **look)
            continue
        axes.bar([x], [value], width=0.62, color=MODEL_COLOURS["global"], edgecolor=INK, linewidth=0.7)
        axes.annotate(f"{said}\nn={by_output[output]['n']}", (x, value), xytext=(0, 3), **look)


def change_in_words(by_output: Mapping[str, Mapping[str, Any]], output: str) -> str:
    """The change of one output without one sequence; or that no case had the sequence, or that nothing can be said."""
    if not any(part["n"] for part in by_output.values()):
        return NO_CASES
    return number(by_output[output]["change"], 3)


def output_title(output: str) -> str:
    return REGION_NAMES[output].capitalize() if output in REGION_NAMES else TASK_NAMES[output]


def _in_words(column: Column, subset: Sequence[str]) -> str:
    value = column.values.get(frozenset(subset))
    return column.absent.get(frozenset(subset), NOT_ASSESSABLE) if value is None else number(value, column.digits)


def _table_in_words(columns: Sequence[Column], subsets: Sequence[tuple[str, ...]]) -> str:
    rows = []
    for subset in subsets:
        names = " + ".join(SEQUENCE_NAMES[name] for name in subset)
        values = (f"{column.title} {_in_words(column, subset)}" for column in columns)
        rows.append(f"{names}: {', '.join(values)}")
    return "; ".join(rows) + "."


def _drops_in_words(changes: Changes, outputs: Sequence[str]) -> str:
    said = []
    for name, by_output in changes.items():
        words = (
            f"{output_title(output)} {change_in_words(by_output, output)} (n = {by_output[output]['n']})"
            for output in outputs
        )
        said.append(f"without {SEQUENCE_NAMES[name]}: {', '.join(words)}")
    return "; ".join(said) + "."
