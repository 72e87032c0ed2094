"""One case's files -> arrays ready for the network, and results back to the scanner's grid.

Steps: load; all files on one native grid; RAS+ at the settings' spacing; brain = any sequence non-zero (the input is
skull-stripped; values may be negative, so non-zero rather than positive); crop to the brain's box and MARGIN voxels;
z-score per sequence; half precision. A sequence's statistics are taken over its own non-zero voxels inside the brain,
and where it is zero it stays zero: a field of view that was cut reads as "the mean", not as very dark tissue.
Z-scores are clipped to +-Z_LIMIT, far beyond any tissue, so that a saturated voxel cannot overflow half precision.

The context is the same crop seen whole: centred in a cube of the crop's longest edge (no distortion), resampled
area-safely to context_size³. `ContextFrame` converts places in the crop to places in the context.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmmas_core.data import geometry
from gmmas_core.data.geometry import Grid, Volume
from gmmas_core.data.labels import to_canonical
from gmmas_core.types import SEQUENCES, Case, DataError

MARGIN = 2
"""Voxels kept around the brain's bounding box, where the field of view has them."""

Z_LIMIT = 30.0
"""Standard deviations; half precision ends at 65504."""

_MIN_BRAIN_VOXELS = 64


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """Everything that decides what the prepared arrays look like.

    Attributes:
        spacing_mm: edge of the cubic voxels inside.
        context_size: voxels, edge of the down-sampled whole brain.
        label_convention: of the masks on disk, a key of labels.LABEL_CONVENTIONS.
    """

    spacing_mm: float
    context_size: int
    label_convention: str


@dataclass(frozen=True, kw_only=True)
class ContextFrame:
    """Where the context's cube lies in the crop.

    Attributes:
        origin_3: crop coordinate of the cube's low corner, in voxels counted from the crop's low edge (not from the
            first voxel's centre); negative along the shorter axes, where the cube is padded.
        edge: edge of the cube, in crop voxels.
    """

    origin_3: tuple[float, float, float]
    edge: float

    def box(self, start: tuple[int, int, int], size: tuple[int, int, int]) -> NDArray[np.float32]:
        """A patch's place in the context, as Batch.box_B23 wants it.

        Args:
            start: index of the patch's first voxel in the crop; may be negative.
            size: voxels of the patch per axis.

        Returns:
            (2, 3) float32: low and high corner of the patch's edges in [-1, 1] from edge to edge of the context.
        """
        low = np.asarray(start, dtype=np.float64)
        corners_23 = np.stack([low, low + np.asarray(size)])
        return ((corners_23 - self.origin_3) / self.edge * 2 - 1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A case on the inside grid, cropped to the brain.

    Attributes:
        case_id: pseudonym.
        image_CXYZ: float16, C-contiguous, z-scored, 0 outside the brain and for absent sequences.
        seg_XYZ: uint8 canonical labels, or None without a mask.
        context_CXYZ: float16, context_size³.
        context_seg_XYZ: uint8, or None without a mask.
        available_C: bool.
        native: grid of the files.
        inside: the whole RAS+ grid before the crop.
        crop_start: index of the crop's first voxel in `inside`.
        context_frame: the context's place in the crop.
    """

    case_id: str
    image_CXYZ: NDArray[np.float16]
    seg_XYZ: NDArray[np.uint8] | None
    context_CXYZ: NDArray[np.float16]
    context_seg_XYZ: NDArray[np.uint8] | None
    available_C: NDArray[np.bool_]
    native: Grid
    inside: Grid
    crop_start: tuple[int, int, int]
    context_frame: ContextFrame

    @property
    def spacing_mm(self) -> float:
        """Edge of the inside grid's voxels."""
        return self.inside.spacing_mm[0]

    def box_in_context(self, start: tuple[int, int, int], size: tuple[int, int, int]) -> NDArray[np.float32]:
        """`ContextFrame.box` of a patch of this crop."""
        return self.context_frame.box(start, size)


def prepare_case(case: Case, settings: PrepareSettings) -> Prepared:
    """Read and prepare one case.

    Args:
        case: any non-empty subset of sequences, with or without mask.
        settings: see PrepareSettings.

    Returns:
        The prepared arrays.

    Raises:
        DataError: a file is unreadable or empty, the files do not share one grid, a mask value is outside the
            convention, or no brain is left at this spacing.
    """
    images, mask = load_files(case)
    native = next(iter(images.values())).grid
    inside = geometry.ras_grid(native, settings.spacing_mm)
    brain, near = _brain(images, inside, case.case_id)
    crop = brain.grid
    image_CXYZ = np.zeros((len(SEQUENCES), *crop.shape), dtype=np.float16)
    for channel, sequence in enumerate(SEQUENCES):
        if sequence in images:
            values_XYZ = geometry.resample(geometry.cut(images[sequence], near), crop, order=1)
            image_CXYZ[channel] = _z_scores(values_XYZ, brain.data, f"case {case.case_id}: {sequence}")
    seg_XYZ = None
    if mask is not None:
        canonical = _canonical(mask, settings.label_convention, case.case_id)
        seg_XYZ = np.ascontiguousarray(geometry.resample(geometry.cut(canonical, near), crop, order=0))
    frame, context_CXYZ, context_seg_XYZ = make_context(image_CXYZ, seg_XYZ, settings.context_size)
    start = np.rint((np.linalg.inv(inside.affine_44) @ crop.affine_44)[:3, 3]).astype(int)
    return Prepared(
        case_id=case.case_id,
        image_CXYZ=image_CXYZ,
        seg_XYZ=seg_XYZ,
        context_CXYZ=context_CXYZ,
        context_seg_XYZ=context_seg_XYZ,
        available_C=np.array([sequence in images for sequence in SEQUENCES]),
        native=native,
        inside=inside,
        crop_start=(int(start[0]), int(start[1]), int(start[2])),
        context_frame=frame,
    )


def make_context(
    image_CXYZ: NDArray[np.float16], seg_XYZ: NDArray[np.uint8] | None, size: int
) -> tuple[ContextFrame, NDArray[np.float16], NDArray[np.uint8] | None]:
    """The whole crop, centred in a cube and resampled to size³.

    Returns:
        Its place, the image (C, size, size, size) and the labels (None for None).
    """
    shape = image_CXYZ.shape[1:]
    edge = float(max(shape))
    origin = [(length - edge) / 2 for length in shape]
    frame = ContextFrame(origin_3=(origin[0], origin[1], origin[2]), edge=edge)
    step = edge / size
    weights = [
        geometry.axis_weights(length, size, step, low + step / 2 - 0.5, max(1.0, step))
        for length, low in zip(shape, origin, strict=True)
    ]
    context_CXYZ = np.zeros((len(image_CXYZ), size, size, size), dtype=np.float16)
    for channel, data_XYZ in enumerate(image_CXYZ):
        values_XYZ = torch.from_numpy(data_XYZ).float().numpy()  # exact, and ten times as fast as numpy's astype
        if values_XYZ.any():
            context_CXYZ[channel] = geometry.weigh_axes(values_XYZ, weights)
    context_seg_XYZ = None
    if seg_XYZ is not None:
        context_seg_XYZ = geometry.majority(seg_XYZ, lambda data: geometry.weigh_axes(data, weights))
    return frame, context_CXYZ, context_seg_XYZ


def to_native(values_XYZ: NDArray[Any], prepared: Prepared, order: int) -> NDArray[Any]:
    """Bring a result on the crop back to the scanner's grid.

    Args:
        values_XYZ: on the crop's grid; labels (order 0) or probabilities (order 1).
        prepared: the case it was computed from.
        order: 0 or 1, see geometry.resample.

    Returns:
        Array of the native shape in the file's axis order; 0 outside the crop.
    """
    x, y, z = (slice(b, b + n) for b, n in zip(prepared.crop_start, values_XYZ.shape, strict=True))
    crop = geometry.cut_grid(prepared.inside, (x, y, z))
    return geometry.resample_to(Volume(values_XYZ, crop.affine_44), prepared.native, order)


def load_files(case: Case) -> tuple[dict[str, Volume], Volume | None]:
    """A case's images by sequence and its mask with the file's own values, all checked to be on one grid.

    Raises:
        DataError: see `prepare_case`.
    """
    images: dict[str, Volume] = {}
    reference = ""
    for sequence in SEQUENCES:
        if sequence not in case.images:
            continue
        where = f"case {case.case_id}: {sequence}"
        images[sequence] = geometry.load_volume(case.images[sequence], where)
        geometry.require_signal(images[sequence], where)
        reference = reference or sequence
        _require_same_grid(images[sequence].grid, images[reference].grid, where, reference)
    if not images:
        raise DataError(f"case {case.case_id}: found no image; expected any of {', '.join(SEQUENCES)}; add one")
    if case.mask is None:
        return images, None
    where = f"case {case.case_id}: mask"
    mask = geometry.load_volume(case.mask, where)
    _require_same_grid(mask.grid, images[reference].grid, where, reference)
    return images, mask


def _canonical(mask: Volume, convention: str, case_id: str) -> Volume:
    try:
        return Volume(to_canonical(mask.data, convention), mask.affine_44)
    except DataError as error:
        raise DataError(f"case {case_id}: {error}") from None


def _require_same_grid(found: Grid, expected: Grid, where: str, reference: str) -> None:
    if not geometry.same_grid(expected, found):
        raise DataError(
            f"{where}: found {found}; expected the grid of {reference}: {expected}; "
            "register and resample all files of the case to one grid"
        )


def _brain(images: Mapping[str, Volume], inside: Grid, case_id: str) -> tuple[Volume, geometry.Box]:
    """The brain as a mask on its crop of the inside grid, and the part of the native grid that surrounds it.

    It is decided on the native grid, where background is exactly 0, and resampled as a label.
    """
    first = next(iter(images.values()))
    brain = np.zeros(first.data.shape, dtype=bool, order="F")
    for volume in images.values():
        brain |= volume.data != 0
    reach = math.ceil(inside.spacing_mm[0] / min(first.grid.spacing_mm))  # what one voxel inside averages over
    near = geometry.box_of(brain, margin=MARGIN + reach)
    native_part = geometry.cut(Volume(brain.view(np.uint8), first.affine_44), near)
    candidate = geometry.cut_grid(inside, geometry.box_on(inside, native_part.grid, margin=MARGIN))
    on_inside = geometry.resample(native_part, candidate, order=0)
    if np.count_nonzero(on_inside) < _MIN_BRAIN_VOXELS:
        raise DataError(
            f"case {case_id}: found a brain of fewer than {_MIN_BRAIN_VOXELS} voxels; expected a skull-stripped brain; "
            "check the images and the spacing they are prepared at"
        )
    return geometry.cut(Volume(on_inside, candidate.affine_44), geometry.box_of(on_inside, margin=MARGIN)), near


def _z_scores(values_XYZ: NDArray[Any], brain_XYZ: NDArray[np.uint8], where: str) -> NDArray[np.float16]:
    """Z-scores of one sequence over its own non-zero brain voxels; all others become 0."""
    values = np.ascontiguousarray(values_XYZ, dtype=np.float32)
    own = (values != 0) & (np.ascontiguousarray(brain_XYZ) != 0)
    tissue = values[own]
    deviation = float(tissue.std(dtype=np.float64)) if len(tissue) else 0.0
    if deviation == 0:
        raise DataError(f"{where}: found no contrast inside the brain; expected grey values; leave the sequence out")
    out_XYZ = np.zeros(values.shape, dtype=np.float16)
    out_XYZ[own] = ((tissue - tissue.mean(dtype=np.float64)) / deviation).clip(-Z_LIMIT, Z_LIMIT)
    return out_XYZ
