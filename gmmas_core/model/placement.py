"""Linear resampling of feature maps along axis-aligned boxes, as three small matrix products.

For an axis-aligned box trilinear sampling factors into one interpolation matrix per axis. That equals
`grid_sample(mode="bilinear", padding_mode="border", align_corners=False)` on the same box, but its backward pass is a
matrix product too: deterministic on every device, and open to per-sample gradients.

Shapes: B batch, C channel, X Y Z; N points along one axis, S samples of the source along it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


# A trace would keep the device of the numbers that are counted here; scripted, they follow what comes in.
@torch.jit.script_if_tracing  # type: ignore[untyped-decorator]
def interpolation_matrix(coordinate_BN: Tensor, size: int) -> Tensor:
    """Weights that read a source axis of `size` samples at coordinates in [-1, 1], edge to edge.

    Args:
        coordinate_BN: where to read; outside of the source its outermost sample is repeated.
        size: samples of the source along this axis.

    Returns:
        (B, N, size); every row is non-negative and sums to one.
    """
    position_BN = ((coordinate_BN + 1.0) * size - 1.0) / 2.0
    position_BN = position_BN.clamp(0.0, size - 1.0)
    sample_S = torch.arange(size, dtype=coordinate_BN.dtype, device=coordinate_BN.device)
    return (1.0 - (position_BN[..., None] - sample_S).abs()).clamp(min=0.0)


@torch.jit.script_if_tracing  # type: ignore[untyped-decorator]
def centres(count: int, like: Tensor) -> Tensor:
    """Centres of `count` equal cells of [0, 1], shape (count,)."""
    return (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) / count


def place(features_BCXYZ: Tensor, box_B23: Tensor, grid: Sequence[int]) -> Tensor:
    """Read feature maps inside a box.

    Args:
        features_BCXYZ: batch B, or 1 to serve every box from one map.
        box_B23: first and last corner in the map's coordinates, [-1, 1] from edge to edge.
        grid: voxels of the result along X, Y, Z.

    Returns:
        (B, C, *grid).
    """
    low_B3, high_B3 = box_B23.to(features_BCXYZ.dtype).unbind(dim=1)
    placed = features_BCXYZ.expand(box_B23.shape[0], -1, -1, -1, -1)
    for axis, equation in enumerate(("bcxyz,bnx->bcnyz", "bcxyz,bny->bcxnz", "bcxyz,bnz->bcxyn")):
        cell_N = centres(grid[axis], placed)
        coordinate_BN = low_B3[:, axis, None] + cell_N * (high_B3 - low_B3)[:, axis, None]
        placed = torch.einsum(equation, placed, interpolation_matrix(coordinate_BN, placed.shape[2 + axis]))
    return placed


def resize(table_CXYZ: Tensor, grid: Sequence[int]) -> Tensor:
    """The whole of one map on another grid; exact where the grids agree."""
    resized = table_CXYZ
    for axis, equation in enumerate(("cxyz,nx->cnyz", "cxyz,ny->cxnz", "cxyz,nz->cxyn")):
        coordinate_N = 2.0 * centres(grid[axis], resized) - 1.0
        resized = torch.einsum(equation, resized, interpolation_matrix(coordinate_N, resized.shape[1 + axis]))
    return resized
