"""Rigid registration of one sequence to another, and a measure of how far it can be trusted.

Mattes' mutual information on isotropic copies of 6, 3 and 1.5 mm, from two starts (the scanner's own coordinates and
the centres of mass), of which the better one after the coarsest level goes on. Powell's search, which needs no
gradient: gradient descent stopped in the flat valley that thick slices leave, millimetres away. Deterministic: the
sampling is seeded and the work is done on one thread, so the same images give the same matrix.

The residual is inverse consistency: the opposite direction is registered on its own, from its own starts and its own
samples, and the two matrices are multiplied; how far a point of the head ends from where it began (mm, mean over a
sphere of 60 mm) is what the registration does not know. It finds a registration that ran into nowhere. It cannot find
what is wrong both ways alike: another patient's head. A header mirrored left to right is asked for apart.

Source: Mattes et al. 2003, doi:10.1109/TMI.2003.809072; Christensen & Johnson 2001, doi:10.1109/42.932742.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.geometry import to_ras_grid
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.extra import require_extra

LEVELS_MM = (6.0, 3.0, 1.5)
SAMPLES = 40_000
"""Voxels looked at per step."""

WARN_MM = 1.0
FAIL_MM = 4.0
"""Of the residual. The one raw case measured has 0.2 to 0.6 mm; a slice of a 2-D series is 3 to 6 mm thick, and a
matrix that is off by one has not found the head."""

LEAST_OVERLAP = 0.5
WARN_OVERLAP = 0.9
"""Share of the fixed image's head that the moving image must cover."""

_SEED = 20210927
_BINS = 32
_SPHERE_MM = 60.0
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # ITK counts to the left and to the back

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Registered:
    """What a registration gave.

    Attributes:
        matrix_44: maps points of the fixed image's space to points of the moving image's, mm, RAS+.
        information: Mattes' mutual information in nats, on the finest level; larger is better, comparable only
            between transforms of the same two images.
        residual_mm: inverse consistency; see the module's text.
        overlap: share of the fixed image's head within the moving image's field of view.
    """

    matrix_44: Matrix
    information: float
    residual_mm: float
    overlap: float


def register(fixed: Volume, moving: Volume) -> Registered:
    """Find where the fixed image's points lie in the moving image.

    Args:
        fixed: any grid; the images' own values, never negative in the head.
        moving: likewise.
    """
    there, information = _one_way(fixed, moving)
    back, _ = _one_way(moving, fixed)
    points = _sphere(_middle(fixed.grid))
    drift = (back @ there @ points)[:3] - points[:3]
    return Registered(
        matrix_44=there,
        information=information,
        residual_mm=float(np.linalg.norm(drift, axis=0).mean()),
        overlap=_overlap(fixed, moving, there),
    )


def mirrored_share(fixed: Volume, moving: Volume, found_44: Matrix) -> float:
    """Information of the moving image mirrored left to right, registered likewise, over that of the image as it is.

    Above 1, one of the two is probably mirrored: the halves of a head differ, with a tumour all the more. The three
    pairs of the one raw patient stay below. Only for two images of one person.
    """
    mm = LEVELS_MM[1]
    one, other = _level(fixed, mm), _level(moving, mm)
    mirror_44, middle = _mirror(moving), _middle(fixed.grid)
    _, as_it_is = _descend(one, other, found_44, middle)
    flipped = _level(Volume(moving.data, mirror_44 @ moving.affine_44), mm)
    _, mirrored = _descend(one, flipped, mirror_44 @ found_44 @ _mirror(fixed), middle)
    return mirrored / as_it_is


def without_bias(volume: Volume) -> Volume:
    """N4 on a coarse copy, to help a registration along; never what is written.

    Source: Tustison et al. 2010, doi:10.1109/TMI.2010.2046908.
    """
    sitk = require_extra("SimpleITK")
    image = _image(volume)
    coarse = sitk.Shrink(image, [max(1, round(4.0 / mm)) for mm in image.GetSpacing()])
    correct = sitk.N4BiasFieldCorrectionImageFilter()
    correct.SetMaximumNumberOfIterations([30, 20])
    correct.SetNumberOfThreads(1)
    correct.Execute(coarse, sitk.OtsuThreshold(coarse, 0, 1))
    field = sitk.Exp(sitk.Cast(correct.GetLogBiasFieldAsImage(image), sitk.sitkFloat32))
    values = sitk.GetArrayFromImage(image / field).transpose(2, 1, 0)
    return Volume(np.ascontiguousarray(values), volume.affine_44)


def _one_way(fixed: Volume, moving: Volume) -> tuple[Matrix, float]:
    levels = [(_level(fixed, mm), _level(moving, mm)) for mm in LEVELS_MM]
    starts = (np.eye(4), _shift(fixed, moving))
    found = [_descend(*levels[0], start, _middle(fixed.grid)) for start in starts]
    matrix_44, information = max(found, key=lambda each: each[1])
    for one, other in levels[1:]:
        matrix_44, information = _descend(one, other, matrix_44, _middle(fixed.grid))
    return matrix_44, information


def _descend(fixed: Any, moving: Any, start_44: Matrix, middle: NDArray[np.float64]) -> tuple[Matrix, float]:
    """One level: the matrix and the information it reaches."""
    sitk = require_extra("SimpleITK")
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, SAMPLES / fixed.GetNumberOfPixels()), _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsPowell(
        numberOfIterations=30,
        maximumLineIterations=12,
        stepLength=fixed.GetSpacing()[0] / 3,
        stepTolerance=0.02,
        valueTolerance=1e-5,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(_transform(start_44, middle), inPlace=True)
    try:
        found = method.Execute(fixed, moving)
    except RuntimeError:  # the two do not meet at all from this start
        return start_44, -np.inf
    return _matrix(found), -float(method.GetMetricValue())


def _level(volume: Volume, spacing_mm: float) -> Any:
    return _image(to_ras_grid(Volume(volume.data.astype(np.float32), volume.affine_44), spacing_mm, order=1))


def _image(volume: Volume) -> Any:
    """As SimpleITK has it; the axes keep their order, the world turns from RAS to LPS."""
    sitk = require_extra("SimpleITK")
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.astype(np.float32).transpose(2, 1, 0)))
    affine_44 = _FLIP @ volume.affine_44
    spacing = np.linalg.norm(affine_44[:3, :3], axis=0)
    image.SetSpacing([float(mm) for mm in spacing])
    image.SetDirection([float(value) for value in (affine_44[:3, :3] / spacing).ravel()])
    image.SetOrigin([float(mm) for mm in affine_44[:3, 3]])
    return image


def _transform(matrix_44: Matrix, middle: NDArray[np.float64]) -> Any:
    """A rigid transform that turns about the middle of the fixed image."""
    sitk = require_extra("SimpleITK")
    lps = _FLIP @ matrix_44 @ _FLIP
    centre = _FLIP[:3, :3] @ middle
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(mm) for mm in centre])
    transform.SetMatrix([float(value) for value in lps[:3, :3].ravel()], 1e-5)
    shift = lps[:3, 3] + lps[:3, :3] @ centre - centre
    transform.SetTranslation([float(mm) for mm in shift])
    return transform


def _matrix(transform: Any) -> Matrix:
    sitk = require_extra("SimpleITK")
    rigid = sitk.Euler3DTransform(sitk.CompositeTransform(transform).GetBackTransform())
    turn = np.array(rigid.GetMatrix()).reshape(3, 3)
    centre = np.array(rigid.GetCenter())
    lps = np.eye(4)
    lps[:3, :3] = turn
    lps[:3, 3] = np.array(rigid.GetTranslation()) + centre - turn @ centre
    return _FLIP @ lps @ _FLIP


def _middle(grid: Grid) -> NDArray[np.float64]:
    return np.asarray((grid.affine_44 @ [*((np.array(grid.shape) - 1) / 2), 1.0])[:3])


def _shift(fixed: Volume, moving: Volume) -> Matrix:
    """The start that lays the two centres of mass upon each other."""
    matrix_44 = np.eye(4)
    matrix_44[:3, 3] = _centre_of_mass(moving) - _centre_of_mass(fixed)
    return matrix_44


def _centre_of_mass(volume: Volume) -> NDArray[np.float64]:
    weight = np.clip(volume.data.astype(np.float32), 0, np.percentile(volume.data, 98))
    total = max(float(weight.sum(dtype=np.float64)), 1e-9)
    sums = [weight.sum(axis=tuple(k for k in range(3) if k != axis), dtype=np.float64) for axis in range(3)]
    place = [float(np.arange(len(line)) @ line) / total for line in sums]
    return np.asarray((volume.affine_44 @ [*place, 1.0])[:3])


def _mirror(volume: Volume) -> Matrix:
    """Left to right, about the centre of mass."""
    matrix_44 = np.diag([-1.0, 1.0, 1.0, 1.0])
    matrix_44[0, 3] = 2 * _centre_of_mass(volume)[0]
    return matrix_44


def _sphere(middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Homogeneous points (4, 26) on a sphere around a point."""
    corners = np.array(
        [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)]
    )
    rim = corners / np.linalg.norm(corners, axis=1, keepdims=True) * _SPHERE_MM + middle
    return np.vstack([rim.T, np.ones(len(rim))])


def _overlap(fixed: Volume, moving: Volume, matrix_44: Matrix) -> float:
    step = tuple(slice(None, None, max(1, round(4.0 / mm))) for mm in fixed.grid.spacing_mm)
    head = fixed.data[step] > 0.15 * np.percentile(fixed.data, 99)
    index = np.argwhere(head) * [side.step for side in step]
    if not len(index):
        return 0.0
    to_moving = np.linalg.inv(moving.affine_44) @ matrix_44 @ fixed.affine_44
    place = to_moving[:3] @ np.column_stack([index, np.ones(len(index))]).T
    limit = np.array(moving.grid.shape)[:, None] - 0.5
    return float(((place >= -0.5) & (place <= limit)).all(axis=0).mean())
