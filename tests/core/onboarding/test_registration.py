"""A head that moved is found where it is; what is no head is noticed."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.registration import FAIL_MM, mirrored_share, register, without_bias

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
Head = Callable[..., Volume]


def thick(degrees: tuple[float, float, float]) -> Grid:
    """An oblique LAS scan of 2 x 2 x 5 mm."""
    affine_44 = np.eye(4)
    affine_44[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag([-2.0, 2.0, 5.0])
    affine_44[:3, 3] = -affine_44[:3, :3] @ ((np.array([100, 110, 40]) - 1) / 2)
    return Grid((100, 110, 40), affine_44)


def test_a_moved_head_of_another_contrast_is_found(draw_head: Head, model_grid: Grid) -> None:
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_euler("xyz", (6, -4, 8), degrees=True).as_matrix()
    moved[:3, 3] = (5, -8, 11)
    fixed = draw_head(model_grid, "t1c")
    moving = draw_head(thick((7, 2, -3)), "t2", moved, seed=1)
    found = register(fixed, moving)
    points = np.array([[x, y, z, 1] for x in (-50, 50) for y in (-60, 60) for z in (-45, 45)]).T
    error_mm = np.linalg.norm((found.matrix_44 @ points - moved @ points)[:3], axis=0)
    assert error_mm.mean() < 1.5
    assert found.residual_mm < 1.5
    assert found.overlap > 0.95
    assert np.array_equal(register(fixed, moving).matrix_44, found.matrix_44)
    assert mirrored_share(fixed, moving, found.matrix_44) < 1
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirrored = Volume(moving.data, flip @ moving.affine_44)
    assert mirrored_share(fixed, mirrored, register(fixed, mirrored).matrix_44) > 1


def test_what_is_no_head_has_a_large_residual(draw_head: Head, model_grid: Grid) -> None:
    noise = Volume(np.random.default_rng(0).random((60, 60, 40)).astype(np.float32), thick((0, 0, 0)).affine_44)
    assert register(draw_head(model_grid, "t1c"), noise).residual_mm > FAIL_MM


def test_shading_is_taken_out_for_registration(draw_head: Head, model_grid: Grid) -> None:
    plain = draw_head(model_grid, "t1")
    ramp = np.linspace(0.6, 1.4, plain.data.shape[1], dtype=np.float32)[None, :, None]
    brain = draw_head(model_grid, "t1", seed=0).data
    inside = (brain > 85) & (brain < 130)
    shaded = Volume(plain.data * ramp, plain.affine_44)

    def spread(volume: Volume) -> float:
        return float(volume.data[inside].std() / volume.data[inside].mean())

    assert spread(without_bias(shaded)) < 0.7 * spread(shaded)
