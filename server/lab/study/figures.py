"""Drawings of a study: differences with their intervals, and Tumor-CutMix composites to look at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.tumor_cutmix import draw_composite
from gmmas_core.reporting.figures import Drawing, drawing_style, panels, to_drawing
from gmmas_core.reporting.style import FAINT, INK, SITE_COLOURS
from gmmas_core.types import SEQUENCES

VERDICT_COLOURS = {
    "better": SITE_COLOURS[0],
    "worse": SITE_COLOURS[1],
    "unresolved": FAINT,
    "equivalent": SITE_COLOURS[2],
    "at chance": FAINT,
}

_TRIES = 400


def forest(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> Drawing:
    """Differences of the expectations with 95 % intervals, one row each, in the direction that is better."""
    with drawing_style():
        figure, (axes,) = panels(1, 1, width=9.4, height=0.42 * len(rows) + 1.1, margins=(5.2, 0.2, 0.3, 0.7))
        axes.axvline(0, color=INK, linewidth=1)
        said = []
        for place, row in enumerate(rows):
            said.append(_forest_row(axes, place, row))
        names = [f"{row['label']}: {titles[row['arm']]} vs {titles[row['baseline']]}" for row in rows]
        axes.set_yticks(range(len(rows)), [name if len(name) <= 76 else f"{name[:75]}…" for name in names], fontsize=8)
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel="difference, right is better")
        axes.grid(visible=False, axis="y")
        alt = "; ".join(f"{name}: {text}" for name, text in zip(names, said, strict=True))
        return to_drawing(figure, f"Differences between arms with 95 % intervals. {alt}.")


def _forest_row(axes: Axes, place: int, row: Mapping[str, Any]) -> str:
    found, sign = row["difference"], 1 if row["better"] == "higher" else -1
    if found["value"] is None:
        return "not measured"
    colour = VERDICT_COLOURS[row["verdict"]]
    axes.plot([sign * found["value"]], [place], "o", color=colour, markersize=6)
    if found["interval"]:
        axes.plot([sign * end for end in found["interval"]], [place, place], color=colour, linewidth=2)
    return f"{sign * found['value']:+.3f} ({row['verdict']})"


def composites(cases: Sequence[PreparedCase], form: str, wanted: int, edge: int) -> Drawing | None:
    """Composites beside their hosts: an axial FLAIR slice each, the reference tumour outlined.

    Args:
        cases: of one hospital.
        form: of Tumor-CutMix.
        wanted: composites.
        edge: voxels of the patch.

    Returns:
        None where the cases make none.
    """
    pairs = [pair for pair, _ in zip(_pairs(cases, form, edge), range(wanted))]
    if not pairs:
        return None
    with drawing_style():
        figure, axes = panels(2, len(pairs), width=1.15, height=1.3, margins=(0.04, 0.04, 0.22, 0.04))
        for column, ((host, host_seg), (image, seg), lam) in enumerate(pairs):
            _slice(axes[column], host, host_seg, "host" if column == 0 else "")
            _slice(axes[len(pairs) + column], image, seg, f"host {lam:.0%}")
        return to_drawing(
            figure,
            f"{len(pairs)} {form} Tumor-CutMix composites of phantoms below their hosts, FLAIR, tumour outlined.",
        )


Slice = tuple[NDArray[np.float32], NDArray[np.bool_]]


def _pairs(cases: Sequence[PreparedCase], form: str, edge: int) -> Iterator[tuple[Slice, Slice, float]]:
    rng = np.random.default_rng(0)
    flair, size = SEQUENCES.index("flair"), (edge, edge, edge)
    for _ in range(_TRIES):
        host, donor = (cases[place] for place in rng.choice(len(cases), 2, replace=False))
        x, y, z = ((extent - edge) // 2 for extent in host.shape)
        start: Triple = (x, y, z)
        made = draw_composite(form, host, donor, start=start, size=size, rng=rng)
        if made is None or not made.available_C[flair] or not made.donor_XYZ.any():
            continue
        level = int(made.donor_XYZ.sum(axis=(0, 1)).argmax())
        before = np.asarray(host.channel_patch(flair, start, size)[..., level], dtype=np.float32)
        yield (
            (before, host.seg_patch(start, size)[..., level] > 0),
            (made.image_CXYZ[flair, ..., level], made.seg_XYZ[..., level] > 0),
            made.lam,
        )


def _slice(axes: Axes, image_XY: NDArray[np.float32], tumour_XY: NDArray[np.bool_], title: str) -> None:
    axes.imshow(image_XY.T, cmap="gray", origin="lower", interpolation="nearest", vmin=-2, vmax=3)
    if tumour_XY.any():
        axes.contour(tumour_XY.T, levels=[0.5], colors=[SITE_COLOURS[1]], linewidths=0.8)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.set_title(title, fontsize=7)
