"""A rigid transform is a change of where a volume lies; its voxels are then read once, straight onto the target grid.

Matrices are 4x4, mm, in RAS+ world space, and map points of the model's space to points of a sequence's own space.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.geometry import resample
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.types import DataError

Matrix = NDArray[np.float64]


def in_model_space(native: Grid, matrix_44: Matrix) -> Grid:
    """A sequence's own grid where it lies in the model's space."""
    return Grid(native.shape, np.linalg.inv(matrix_44) @ native.affine_44)


def to_model(native: Volume, matrix_44: Matrix, model: Grid) -> NDArray[np.float32]:
    """An image on the model's grid, interpolated once (linearly; averaged where the target is coarser)."""
    placed = Volume(native.data, in_model_space(native.grid, matrix_44).affine_44)
    values: NDArray[Any] = resample(placed, model, order=1)
    return np.ascontiguousarray(values, dtype=np.float32)


def labels_to_model(native: Volume, matrix_44: Matrix, model: Grid) -> NDArray[Any]:
    """Labels on the model's grid: the largest share wins, nothing is averaged."""
    placed = Volume(native.data, in_model_space(native.grid, matrix_44).affine_44)
    return np.ascontiguousarray(resample(placed, model, order=0))


def require_rigid(matrix_44: Matrix, where: str) -> None:
    """Refuse what moves, turns and also bends, scales or mirrors.

    Raises:
        DataError: not a rigid transform.
    """
    turn = matrix_44[:3, :3]
    is_rigid = (
        matrix_44.shape == (4, 4)
        and bool(np.isfinite(matrix_44).all())
        and np.allclose(turn @ turn.T, np.eye(3), atol=1e-5)
        and np.linalg.det(turn) > 0
        and np.allclose(matrix_44[3], [0, 0, 0, 1])
    )
    if not is_rigid:
        raise DataError(f"{where}: found a matrix that is not rigid; expected a rotation and a shift; register again")
