"""From the scanner's grid to the network's and back.

Any orientation comes in; inside, every volume lies on a RAS+ grid (axes X right, Y anterior, Z superior) of one
spacing; results go back to the native grid in the file's own axis order. One function, `resample`, does both directions
and chooses the gentlest way by itself:

1. grids that differ by flips, swapped axes and whole voxels only: voxels are copied, bit for bit;
2. axis-aligned grids of other spacing: one small matrix per axis, linear, averaged over the output voxel where the
   output is coarser (plain trilinear sampling would skip voxels there);
3. oblique grids: trilinear sampling after the same averaging.

Labels are never averaged: each label's share is resampled linearly and the largest share wins, ties going to the
higher label because the thin rims (enhancing tumour) are the ones at risk. Nearest-neighbour sampling would shift masks
by half a voxel against the images at every even factor. Outside the source's field of view everything is 0.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from gmmas_core.data.grid import (
    GRID_TOLERANCE,
    Box,
    Grid,
    Volume,
    box_of,
    box_on,
    cut,
    cut_grid,
    ras_grid,
    same_grid,
)
from gmmas_core.data.nifti import load_volume, require_signal

__all__ = [
    "GRID_TOLERANCE",
    "Box",
    "Grid",
    "Volume",
    "axis_weights",
    "box_of",
    "box_on",
    "cut",
    "cut_grid",
    "load_volume",
    "majority",
    "ras_grid",
    "require_signal",
    "resample",
    "resample_to",
    "same_grid",
    "to_ras_grid",
    "weigh_axes",
]

AxisMap = tuple[int, float, float]
"""For one target axis: the source axis it runs along, source voxels per target voxel (signed), source index at 0."""

_TIE = 1e-5


def to_ras_grid(volume: Volume, spacing_mm: float, order: int) -> Volume:
    """Bring a volume onto its RAS+ grid.

    Args:
        volume: on its native grid.
        spacing_mm: edge of the cubic voxels inside.
        order: 1 for images (float32, or the input's dtype where voxels are only copied), 0 for labels.

    Returns:
        The volume on `ras_grid(volume.grid, spacing_mm)`; may be a view.
    """
    grid = ras_grid(volume.grid, spacing_mm)
    return Volume(resample(volume, grid, order), grid.affine_44)


def resample_to(volume: Volume, native_grid: Grid, order: int) -> NDArray[Any]:
    """Bring a result from the inside grid (or a part of it) back to the native grid, in the file's axis order.

    Args:
        volume: on any part of the inside grid; what it does not cover becomes 0.
        native_grid: of the file.
        order: 1 for probabilities, 0 for labels.

    Returns:
        C-contiguous array of the native shape.
    """
    return np.ascontiguousarray(resample(volume, native_grid, order))


def resample(volume: Volume, target: Grid, order: int) -> NDArray[Any]:
    """Values of a volume at the voxels of another grid; see the module's text for how.

    Args:
        volume: real values, or non-negative integer labels for order 0.
        target: where to.
        order: 1 linear (float32), 0 labels (the input's dtype).

    Returns:
        Array of the target's shape; a view of the input where nothing but flips and axis swaps is needed.

    Raises:
        ValueError: another order.
    """
    if order not in (0, 1):
        raise ValueError(f"order: found {order}; expected 0 (labels) or 1 (linear)")
    map_44 = np.linalg.inv(volume.affine_44) @ target.affine_44
    axes = _axis_maps(map_44, target.shape)
    if axes is not None and _is_whole_voxels(axes, target.shape):
        return _copy(volume.data, axes, target.shape)
    linear = _separable(volume.grid.shape, axes, target.shape) if axes is not None else _oblique(map_44, target.shape)
    return linear(volume.data.astype(np.float32)) if order == 1 else majority(volume.data, linear)


def majority(labels: NDArray[Any], linear: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> NDArray[Any]:
    """The label with the largest share at every output voxel, ties to the higher label, 0 outside.

    Args:
        labels: non-negative integers.
        linear: resamples a float32 array of the labels' shape.
    """
    values = np.flatnonzero(np.bincount(labels.ravel())) if labels.dtype == np.uint8 else np.unique(labels)
    best = linear((labels == 0).astype(np.float32))
    winner = np.zeros(best.shape, labels.dtype)
    for value in values[values > 0]:
        share = linear((labels == value).astype(np.float32))
        wins = (share > _TIE) & (share > best - _TIE)
        winner[wins] = value
        np.maximum(best, share, out=best)
    return winner


def axis_weights(num_in: int, num_out: int, step: float, first: float, width: float) -> NDArray[np.float32]:
    """Linear interpolation along one axis, averaged over the output voxel, as a matrix; exact for linear ramps.

    Args:
        num_in: voxels of the source.
        num_out: voxels of the target.
        step: source voxels per target voxel; negative where the axis is flipped.
        first: source index at target index 0.
        width: of the output voxel in source voxels; up to 1 this is plain linear interpolation, beyond it the
            interpolated signal is averaged over the excess (at 2: the mean of two voxels).

    Returns:
        (num_out, num_in) float32; rows sum to 1, or are 0 where the target's centre lies outside the source's edges.
    """
    centre: NDArray[np.float64] = first + step * np.arange(num_out, dtype=np.float64)
    offset: NDArray[np.float64] = centre.clip(0, num_in - 1)[:, None] - np.arange(num_in, dtype=np.float64)[None, :]
    excess = width - 1
    if excess > 1e-6:
        weight = (_hat_integral(offset + excess / 2) - _hat_integral(offset - excess / 2)) / excess
    else:
        weight = np.maximum(0.0, 1.0 - np.abs(offset))
    weight /= weight.sum(axis=1, keepdims=True)
    slack = 0.5 + GRID_TOLERANCE / 2
    weight[(centre < -slack) | (centre > num_in - 1 + slack)] = 0.0
    return weight.astype(np.float32)


def _hat_integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integral from -1 to x of the linear interpolation kernel max(0, 1 - |x|)."""
    x = x.clip(-1, 1)
    return 0.5 + x - np.sign(x) * x**2 / 2


def weigh_axes(data_XYZ: NDArray[np.float32], weights: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Apply one `axis_weights` matrix per axis; the axis that shrinks most goes first."""
    data = np.ascontiguousarray(data_XYZ)
    for axis in sorted(range(3), key=lambda k: weights[k].shape[0] / weights[k].shape[1]):
        if axis == 0:
            data = (weights[0] @ data.reshape(len(data), -1)).reshape(-1, *data.shape[1:])
        elif axis == 1:
            data = np.matmul(weights[1], data)
        else:
            data = data @ weights[2].T
    return data


def _axis_maps(map_44: NDArray[np.float64], target_shape: tuple[int, int, int]) -> list[AxisMap] | None:
    """How each target axis runs along a source axis, or None where the grids are oblique to each other."""
    turn = map_44[:3, :3]
    along = np.abs(turn).argmax(axis=0)
    if sorted(along) != [0, 1, 2]:
        return None
    tilt = turn.copy()
    tilt[along, range(3)] = 0
    middle = (np.array(target_shape) - 1) / 2
    if (np.abs(tilt) @ middle).max() > GRID_TOLERANCE:
        return None
    first = map_44[:3, 3] + tilt @ middle
    return [(int(s), float(turn[s, t]), float(first[s])) for t, s in enumerate(along)]


def _is_whole_voxels(axes: Sequence[AxisMap], target_shape: tuple[int, int, int]) -> bool:
    """True when every target voxel coincides with a source voxel (or lies outside)."""
    for (_, step, first), length in zip(axes, target_shape, strict=True):
        last = first + step * (length - 1)
        whole = round(first) + np.sign(step) * (length - 1)
        if abs(first - round(first)) > GRID_TOLERANCE or abs(last - whole) > GRID_TOLERANCE:
            return False
    return True


def _copy(data: NDArray[Any], axes: Sequence[AxisMap], target_shape: tuple[int, int, int]) -> NDArray[Any]:
    """Flip, swap, cut and pad by whole voxels."""
    moved = data.transpose([axis for axis, _, _ in axes])
    moved = moved[tuple(slice(None, None, 1 if step > 0 else -1) for _, step, _ in axes)]
    inside, outside = [], []
    for (_, step, first), num_in, num_out in zip(axes, moved.shape, target_shape, strict=True):
        begin = round(first) if step > 0 else num_in - 1 - round(first)
        inside.append(slice(max(begin, 0), max(min(begin + num_out, num_in), 0)))
        outside.append(slice(max(-begin, 0), max(min(num_in - begin, num_out), 0)))
    cut = moved[tuple(inside)]
    if cut.shape == target_shape:
        return cut
    padded = np.zeros(target_shape, data.dtype)
    if cut.size:
        padded[tuple(outside)] = cut
    return padded


def _separable(
    source_shape: tuple[int, int, int], axes: Sequence[AxisMap], target_shape: tuple[int, int, int]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    weights = [
        axis_weights(source_shape[axis], num_out, step, first, max(1.0, abs(step)))
        for (axis, step, first), num_out in zip(axes, target_shape, strict=True)
    ]
    order = [axis for axis, _, _ in axes]
    return lambda data: weigh_axes(data.transpose(order), weights)


def _oblique(
    map_44: NDArray[np.float64], target_shape: tuple[int, int, int]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Trilinear sampling along turned axes; the source is averaged first along axes that are sampled sparsely."""

    def linear(data: NDArray[np.float32]) -> NDArray[np.float32]:
        widths = np.abs(map_44[:3, :3]).max(axis=1)
        smooth = [axis_weights(n, n, 1.0, 0.0, max(1.0, float(w))) for n, w in zip(data.shape, widths, strict=True)]
        if widths.max() > 1.0 + GRID_TOLERANCE:
            data = weigh_axes(data, smooth)
        theta = np.linalg.inv(_from_unit(data.shape)) @ map_44 @ _from_unit(target_shape)
        theta = theta[[2, 1, 0]][:, [2, 1, 0, 3]]  # torch counts axes from the last
        place = functional.affine_grid(
            torch.from_numpy(theta.astype(np.float32))[None], [1, 1, *target_shape], align_corners=False
        )
        source = torch.from_numpy(np.ascontiguousarray(data))[None, None]
        sampled: NDArray[np.float32] = functional.grid_sample(source, place, align_corners=False)[0, 0].numpy()
        return sampled

    return linear


def _from_unit(shape: Sequence[int]) -> NDArray[np.float64]:
    """Homogeneous map from [-1, 1] (edge to edge) to voxel index."""
    out = np.diag([*(n / 2 for n in shape), 1.0])
    out[:3, 3] = [(n - 1) / 2 for n in shape]
    return out
