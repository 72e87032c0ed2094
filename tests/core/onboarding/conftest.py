"""A head that everything about it is known of: skull, scalp, brain with fluid and a tumour, drawn on any grid."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.data.grid import Grid, Volume

# (fluid, grey and white matter, tumour, bone, scalp) as each sequence shows them
LOOKS: Mapping[str, tuple[float, float, float, float, float]] = {
    "t1": (40, 100, 85, 12, 210),
    "t1c": (40, 100, 190, 12, 210),
    "t2": (230, 100, 160, 10, 70),
    "flair": (30, 100, 190, 12, 120),
}
RADII_MM = (62.0, 76.0, 60.0)  # of the brain: 1.18 litres

Head = Callable[..., Volume]


def inside(points: NDArray[np.float64], radii_mm: tuple[float, float, float], middle: tuple[float, float, float]):  # type: ignore[no-untyped-def]
    return ((((points - np.array(middle)) / np.array(radii_mm)) ** 2).sum(-1)) <= 1


def head(grid: Grid, sequence: str, moved_44: NDArray[np.float64] | None = None, seed: int = 0) -> Volume:
    """A head on a grid.

    Args:
        grid: where to draw it.
        sequence: whose contrast.
        moved_44: point of the resting head's space -> point of the grid's world; the head has moved by it.
    """
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1)
    to_rest = np.linalg.inv(np.eye(4) if moved_44 is None else moved_44) @ grid.affine_44
    points = index @ to_rest[:3, :3].T + to_rest[:3, 3]
    fluid, brain, tumour, bone, scalp = LOOKS[sequence]
    values = np.zeros(grid.shape)
    for extra, value in ((17.0, scalp), (10.0, bone), (3.0, fluid), (0.0, brain)):
        grown = tuple(radius + extra for radius in RADII_MM)
        values[inside(points, grown, (0, 0, 0))] = value  # type: ignore[arg-type]
    folds = np.sin(points[..., 0] / 6) * np.sin(points[..., 1] / 8 + 1) * np.sin(points[..., 2] / 7 + 2)
    white = inside(points, (50, 62, 48), (0, 0, 0)) & (folds > 0.2)
    values[white] *= 1.25 if sequence.startswith("t1") else 0.8
    for x in (-9, 11):
        values[inside(points, (7, 26, 12), (x, -4, 8))] = fluid
    values[inside(points, (15, 18, 14), (28, 24, 20))] = tumour
    noise = np.random.default_rng(seed).normal(0, 2, grid.shape)
    return Volume(np.clip(values + noise, 0, None).astype(np.float32), grid.affine_44)


@pytest.fixture(scope="session")
def draw_head() -> Head:
    """See `head`."""
    return head


@pytest.fixture(scope="session")
def model_grid() -> Grid:
    """3 mm, RAS+, a whole head."""
    affine_44 = np.diag([3.0, 3.0, 3.0, 1.0])
    affine_44[:3, 3] = (-84, -99, -84)
    return Grid((57, 67, 57), affine_44)
