"""The inversions to look at: truth and guesses side by side, a row for every scenario."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gmmas_core.reporting.figures import Drawing, drawing_style, panels, to_drawing

NAMES = {"truth": "truth", "guess": "inverted", "mean": "mean brain", "random": "random"}


def inversions(rows: Sequence[Mapping[str, Any]]) -> Drawing:
    """The first patient of every scenario."""
    with drawing_style():
        figure, axes = panels(len(rows), len(NAMES), width=1.5, height=1.7, margins=(0.04, 0.04, 0.28, 0.04))
        for place, row in enumerate(rows):
            for column, (name, title) in enumerate(NAMES.items()):
                panel = axes[place * len(NAMES) + column]
                panel.imshow(np.array(row["slices"][name]).T, cmap="gray", origin="lower", vmin=-2, vmax=3)
                panel.set(xticks=[], yticks=[])
                panel.grid(visible=False)
                panel.set_title(f"{row['scenario']}: {title}" if name == "guess" else title, fontsize=7)
        said = "; ".join(f"{row['scenario']}: {row['likeness']['guess']['correlation']:.2f}" for row in rows)
        return to_drawing(figure, f"Phantom slices and their inversions. Correlation with the truth: {said}.")
