"""Shapes of known size on any grid, and results around them."""

from collections.abc import Callable, Sequence
from itertools import permutations, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gmmas_core.data.grid import Volume
from gmmas_core.inference.assessability import not_assessable
from gmmas_core.types import SEQUENCES, CaseResult

GRIDS = {
    "isotropic": (np.eye(3), (1.0, 1.0, 1.0)),
    "thick slices": (np.eye(3), (0.9, 0.9, 5.5)),
    "sagittal": (np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), (1.0, 1.0, 1.5)),
    "oblique": (Rotation.from_euler("xyz", (12, -8, 15), degrees=True).as_matrix(), (1.0, 1.1, 1.2)),
}
"""Directions of the axes and edges of a voxel in mm."""


@pytest.fixture(scope="session")
def grids() -> dict[str, NDArray[np.float64]]:
    """Affines whose voxel (0, 0, 0) lies so that a field of view of 100 mm is centred on the origin."""
    found = {}
    for name, (turn, spacing) in GRIDS.items():
        affine_44 = np.eye(4)
        affine_44[:3, :3] = turn * spacing
        affine_44[:3, 3] = -turn @ (np.array(spacing) * (np.array(shape_of(spacing)) - 1) / 2)
        found[name] = affine_44
    return found


def shape_of(spacing: Sequence[float]) -> tuple[int, int, int]:
    x, y, z = (int(np.ceil(100 / mm)) for mm in spacing)
    return x, y, z


def inside_ellipsoid(
    affine_44: NDArray[np.float64],
    half_mm: Sequence[float],
    centre_mm: Sequence[float] = (0, 0, 0),
    turn_33: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Which voxels of a 100 mm field of view have their centre inside."""
    shape = shape_of(np.linalg.norm(affine_44[:3, :3], axis=0))
    to_local = (np.eye(3) if turn_33 is None else turn_33.T) / np.asarray(half_mm)[:, None]
    step, start = to_local @ affine_44[:3, :3], to_local @ (affine_44[:3, 3] - np.asarray(centre_mm))
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    local = [s[0] * i + s[1] * j + (s[2] * k + first) for s, first in zip(step, start, strict=True)]
    return np.asarray(local[0] ** 2 + local[1] ** 2 + local[2] ** 2 <= 1)


@pytest.fixture(scope="session")
def ellipsoid() -> Callable[..., NDArray[np.bool_]]:
    return inside_ellipsoid


def all_turns(volume: Volume) -> list[Volume]:
    """The same voxels in the same places under all 48 orders and directions of the axes."""
    found = []
    for order, flips in product(permutations(range(3)), product((False, True), repeat=3)):
        data = volume.data.transpose(order)
        affine_44 = volume.affine_44[:, [*order, 3]].copy()
        for axis, flip in enumerate(flips):
            if flip:
                affine_44[:3, 3] += affine_44[:3, axis] * (data.shape[axis] - 1)
                affine_44[:3, axis] *= -1
                data = np.flip(data, axis)
        found.append(Volume(data, affine_44))
    return found


@pytest.fixture
def turns() -> Callable[[Volume], list[Volume]]:
    return all_turns


def result_of(seg: Volume, sequences: Sequence[str] = SEQUENCES, **changed: object) -> CaseResult:
    """A model's result with this segmentation."""
    parts: dict[str, object] = {
        "case_id": "case-1",
        "seg_XYZ": seg.data.astype(np.uint8),
        "affine_44": seg.affine_44,
        "sequences_used": tuple(sequences),
        "sequences_missing": tuple(s for s in SEQUENCES if s not in sequences),
        "not_assessable": not_assessable(sequences),
        "abstained": {},
        "model_id": "model-1",
        **{key: {} for key in ("volume_ml", "probability", "epistemic", "aleatoric", "region_uncertainty")},
        "region_epistemic": {},
        "region_aleatoric": {},
        **changed,
    }
    return CaseResult(**parts)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_result() -> Callable[..., CaseResult]:
    return result_of
