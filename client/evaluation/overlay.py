"""A picture of one case with the reference's and the result's outlines; made and kept at the site only."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from client.site import Site
from gmmas_core.data.geometry import load_volume
from gmmas_core.data.grid import Volume, box_of, upright
from gmmas_core.data.labels import to_canonical
from gmmas_core.metrics.case_score import CaseScore
from gmmas_core.metrics.overlap import region_mask
from gmmas_core.reporting.figures import Drawing, drawing_style, panels, to_drawing
from gmmas_core.reporting.style import INK
from gmmas_core.reporting.wording import REGION_NAMES, number
from gmmas_core.types import REGIONS, Case, CaseResult, DataError

BEST_FIRST = ("flair", "t2", "t1c", "t1")
"""The sequence on which a whole tumour shows best, and what to take where it is missing."""

_REFERENCE, _RESULT = "#ffe14d", "#33bbff"
_DARKEST, _BRIGHTEST = 1.0, 99.5  # percentiles of the brain that become black and white
_MARGIN = 3  # voxels around the brain
_WIDTH_IN = 3.7
_MARGINS_IN = (0.05, 0.2, 0.34, 0.3)


@dataclass(frozen=True, eq=False)
class Slice:
    """One axial slice; X runs to the patient's right, Y to the front.

    Attributes:
        image_XY: of one sequence.
        reference_XY, result_XY: canonical labels.
        spacing_mm: voxel edges along X and Y.
        sequence: name of the sequence.
        height_mm: of the slice in the scanner's space, superior positive.
    """

    image_XY: NDArray[np.floating]
    reference_XY: NDArray[np.uint8]
    result_XY: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    sequence: str
    height_mm: float


def draw_overlay(site: Site, case: Case, result: CaseResult, score: CaseScore) -> Drawing:
    """The slice with the most tumour, once per region, with both outlines.

    Args:
        site: its label convention is that of the mask.
        case: has a mask.
        result: of the model, on the native grid.
        score: the Dice written above each panel.

    Raises:
        DataError: no mask, or files that cannot be read.
    """
    shown = largest_slice(site, case, result)
    width_mm, height_mm = (n * mm for n, mm in zip(shown.image_XY.shape, shown.spacing_mm, strict=True))
    with drawing_style():
        left, right, top, bottom = _MARGINS_IN
        panel_height = (_WIDTH_IN - left - right) * height_mm / width_mm + top + bottom
        figure, grid = panels(1, len(REGIONS), width=_WIDTH_IN, height=panel_height, margins=_MARGINS_IN)
        for axes, region in zip(grid, REGIONS, strict=True):
            _draw_region(axes, shown, region, score)
        return to_drawing(figure, _in_words(shown, score))


def largest_slice(site: Site, case: Case, result: CaseResult) -> Slice:
    """The axial slice in which the reference is largest; the result's where the reference is empty."""
    if case.mask is None:
        raise DataError(f"case {case.case_id}: found no mask; expected one to draw")
    sequence = next(name for name in BEST_FIRST if name in case.images)
    image = upright(load_volume(case.images[sequence]))
    mask = load_volume(case.mask)
    reference = upright(Volume(to_canonical(np.asarray(mask.data), site.label_convention), mask.affine_44))
    found = upright(Volume(result.seg_XYZ, result.affine_44))
    tumour_XYZ = reference.data if reference.data.any() else found.data
    areas = np.count_nonzero(tumour_XYZ, axis=(0, 1))
    z = int(areas.argmax()) if areas.any() else image.data.shape[2] // 2
    brain_XYZ = image.data != 0
    box = box_of(brain_XYZ if brain_XYZ.any() else np.ones_like(brain_XYZ), _MARGIN)[:2]
    x_mm, y_mm, _ = image.grid.spacing_mm
    return Slice(
        image_XY=np.asarray(image.data[..., z][box], dtype=np.float32),
        reference_XY=np.asarray(reference.data[..., z][box]),
        result_XY=np.asarray(found.data[..., z][box]),
        spacing_mm=(x_mm, y_mm),
        sequence=sequence,
        height_mm=float((image.affine_44 @ [0, 0, z, 1])[2]),
    )


def _draw_region(axes: Axes, shown: Slice, region: str, score: CaseScore) -> None:
    brain = shown.image_XY[shown.image_XY != 0]
    low, high = np.percentile(brain, (_DARKEST, _BRIGHTEST)) if len(brain) else (0.0, 1.0)
    width_mm, height_mm = (n * mm for n, mm in zip(shown.image_XY.shape, shown.spacing_mm, strict=True))
    # As radiologists look at it: from the feet, the patient's right on the left of the picture.
    flat = np.where(shown.image_XY == 0, low, shown.image_XY).T[:, ::-1]
    extent = (0.0, width_mm, 0.0, height_mm)
    axes.imshow(flat, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), origin="lower", extent=extent)
    x_mm = width_mm - (np.arange(shown.image_XY.shape[0]) + 0.5) * shown.spacing_mm[0]
    y_mm = (np.arange(shown.image_XY.shape[1]) + 0.5) * shown.spacing_mm[1]
    outlines = ((shown.reference_XY, _REFERENCE, "-", 1.8), (shown.result_XY, _RESULT, "--", 1.5))
    is_judged = region not in score.not_assessable
    for labels_XY, colour, style, width in outlines if is_judged else outlines[:1]:
        inside = region_mask(labels_XY, region)
        if inside.any() and not inside.all():
            axes.contour(x_mm, y_mm, inside.T.astype(float), [0.5], colors=colour, linestyles=style, linewidths=width)
    axes.set_title(f"{REGION_NAMES[region].capitalize()}: {_dice(score, region)}")
    axes.set(xlim=(0, width_mm), ylim=(0, height_mm), xticks=(), yticks=())
    axes.set_xlabel("outlines: reference solid yellow, model dashed blue", fontsize=8, color=INK)
    for place, letter in ((0.02, "R"), (0.98, "L")):
        axes.text(
            place,
            0.5,
            letter,
            transform=axes.transAxes,
            color="white",
            va="center",
            ha="left" if place < 0.5 else "right",
        )


def _dice(score: CaseScore, region: str) -> str:
    found = score.regions[region]
    return f"Dice {number(found.dice)}" if found is not None else "not assessable"


def _in_words(shown: Slice, score: CaseScore) -> str:
    areas = []
    for region, name in REGION_NAMES.items():
        sizes = [
            int(region_mask(labels, region).sum() * shown.spacing_mm[0] * shown.spacing_mm[1])
            for labels in (shown.reference_XY, shown.result_XY)
        ]
        areas.append(
            f"{name}: {_dice(score, region)}, here {sizes[0]} mm² in the reference, {sizes[1]} mm² in the result"
        )
    return f"Axial slice of {shown.sequence} at {shown.height_mm:.0f} mm with outlines. " + "; ".join(areas) + "."
