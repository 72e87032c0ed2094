"""The story of one raw study: one reference, the others registered to it, one brain mask, every voxel read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.grid import Grid, Volume, ras_grid
from gmmas_core.onboarding.placing import to_model
from gmmas_core.onboarding.registration import (
    FAIL_MM,
    LEAST_OVERLAP,
    WARN_MM,
    WARN_OVERLAP,
    Registered,
    mirrored_share,
    register,
    without_bias,
)
from gmmas_core.onboarding.strip.methods import BrainMask, StripSettings, brain_mask
from gmmas_core.quality import Check, Verdict, check_images
from gmmas_core.types import DataError

SPACING_MM = 1.0
REFERENCES = ("t1c", "t1", "flair", "t2")
"""The first of these that a study has is what the others are registered to."""

_NAMING = ("fluid", "tissue", "contrast_agent", "duplicates")
"""Checks of the images that contradict a wrong name."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How raw studies are prepared.

    Attributes:
        strip: the brain mask.
    """

    strip: StripSettings = field(default_factory=StripSettings)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """One study in the model's space.

    Attributes:
        reference: its sequence.
        grid: 1 mm, RAS+.
        images: sequence -> float32 on the grid, 0 outside the brain.
        brain: the mask.
        matrices: sequence -> point of the model's space to point of its own space.
        registered: sequence -> registration; the reference has none.
        checks: of the prepared images.
        warnings: sentences for a person.
    """

    reference: str
    grid: Grid
    images: Mapping[str, NDArray[np.float32]]
    brain: BrainMask
    matrices: Mapping[str, Matrix]
    registered: Mapping[str, Registered]
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def prepare_study(
    natives: Mapping[str, Volume], settings: Settings, atlas: Volume | None = None, given: Path | None = None
) -> Prepared:
    """Bring a study into the model's space.

    Args:
        natives: sequence -> head on its own grid, any subset of SEQUENCES.
        settings: how.
        atlas: a brain without skull, whose grid becomes the model's; else the reference's 1 mm RAS+ grid is.
        given: file of a brain mask in the reference's space.

    Raises:
        DataError: a registration that failed, no brain mask, or sequences whose images contradict their names.
    """
    reference = next(name for name in REFERENCES if name in natives)
    matrices, registered, helped = _register_all(natives, reference)
    grid = ras_grid(natives[reference].grid, SPACING_MM)
    heads = _on(grid, natives, matrices)
    brain = brain_mask(heads, settings.strip, given)
    warnings = [*helped, *_doubts(registered), *brain.warnings]
    if atlas is not None:
        matrices, brain, more = _to_atlas(heads[reference], brain, matrices, atlas)
        warnings += more
        grid = atlas.grid
        heads = {
            name: Volume(to_model(natives[name], matrix, grid), grid.affine_44) for name, matrix in matrices.items()
        }
    images = {name: np.where(brain.mask_XYZ, head.data, np.float32(0)) for name, head in heads.items()}
    checks = check_images({name: Volume(image, grid.affine_44) for name, image in images.items()})
    _require_names(checks)
    warnings += [str(check) for check in checks if check.verdict in (Verdict.WARN, Verdict.FAIL)]
    return Prepared(
        reference=reference,
        grid=grid,
        images=images,
        brain=brain,
        matrices=matrices,
        registered=registered,
        checks=checks,
        warnings=tuple(warnings),
    )


def software() -> dict[str, str]:
    """Versions of what a result depends on."""
    found = {}
    for name in ("gmmas-fed", "numpy", "scipy", "SimpleITK", "brainextractor", "dcm2niix"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _on(grid: Grid, natives: Mapping[str, Volume], matrices: Mapping[str, Matrix]) -> dict[str, Volume]:
    """Every sequence on the model's grid, the reference first."""
    return {name: Volume(to_model(natives[name], each, grid), grid.affine_44) for name, each in matrices.items()}


def _register_all(
    natives: Mapping[str, Volume], reference: str
) -> tuple[dict[str, Matrix], dict[str, Registered], list[str]]:
    fixed = natives[reference]
    matrices: dict[str, Matrix] = {reference: np.eye(4)}
    registered, told = {}, []
    for name, moving in natives.items():
        if name != reference:
            found, helped = _register(fixed, moving, f"registration of {name}")
            _require_registered(found, f"registration of {name} to {reference}")
            _require_same_sides(mirrored_share(fixed, moving, found.matrix_44), name, reference)
            registered[name], matrices[name] = found, found.matrix_44
            told += helped
    return matrices, registered, told


def _register(fixed: Volume, moving: Volume, where: str) -> tuple[Registered, list[str]]:
    """Without N4, and only where that leaves much open once more with it; what is written is never corrected.

    On the one raw patient, with shading of a factor of four drawn over T1c and T2 in opposite directions, N4 takes the
    residual from 7.4 to 0.5 mm (`pytest -s tests/client/raw/test_real.py`).
    """
    found = register(fixed, moving)
    if found.residual_mm <= WARN_MM:
        return found, []
    helped = register(without_bias(fixed), without_bias(moving))
    if helped.residual_mm >= found.residual_mm:
        return found, []
    told = (
        f"{where}: found a residual of {found.residual_mm:.1f} mm, with N4 {helped.residual_mm:.1f} mm; took the latter"
    )
    return helped, [told]


def _require_registered(found: Registered, where: str) -> None:
    if not found.residual_mm <= FAIL_MM:
        raise DataError(
            f"{where}: found a residual of {found.residual_mm:.1f} mm; expected at most {FAIL_MM:g} mm; "
            "look whether both show one head, register by hand or leave the sequence out"
        )
    if found.overlap < LEAST_OVERLAP:
        raise DataError(
            f"{where}: found {found.overlap:.0%} of the head covered; expected at least {LEAST_OVERLAP:.0%}; "
            "look whether both show one head, or leave the sequence out"
        )


def _require_same_sides(share: float, name: str, reference: str) -> None:
    if share > 1:
        raise DataError(
            f"{name} and {reference}: found that one fits better when mirrored left to right ({share:.2f}); expected "
            "both from one scanner's sides; look which of the two is wrong and convert it again, or leave it out"
        )


def _doubts(registered: Mapping[str, Registered]) -> list[str]:
    residuals = [
        f"registration of {name}: found a residual of {each.residual_mm:.1f} mm; expected at most {WARN_MM:g} mm; "
        "look at the edges"
        for name, each in registered.items()
        if each.residual_mm > WARN_MM
    ]
    covers = [
        f"registration of {name}: found {each.overlap:.0%} of the head covered; expected at least {WARN_OVERLAP:.0%}; "
        "its field of view is cut: look at it and at the brain mask"
        for name, each in registered.items()
        if each.overlap < WARN_OVERLAP
    ]
    return residuals + covers


def _to_atlas(
    head: Volume, brain: BrainMask, matrices: Mapping[str, Matrix], atlas: Volume
) -> tuple[dict[str, Matrix], BrainMask, list[str]]:
    """Everything once more, one rigid step further: atlas -> reference -> sequence."""
    stripped = Volume(np.where(brain.mask_XYZ, head.data, np.float32(0)), head.affine_44)
    found = register(atlas, stripped)
    _require_registered(found, "registration to the atlas")
    share = to_model(Volume(brain.mask_XYZ.astype(np.float32), head.affine_44), found.matrix_44, atlas.grid)
    moved = BrainMask(
        mask_XYZ=share > 0.5, volume_ml=brain.volume_ml, agreement=brain.agreement, warnings=brain.warnings
    )
    return {name: matrix @ found.matrix_44 for name, matrix in matrices.items()}, moved, _doubts({"atlas": found})


def _require_names(checks: tuple[Check, ...]) -> None:
    wrong = [str(check) for check in checks if check.id in _NAMING and check.verdict is Verdict.FAIL]
    if wrong:
        raise DataError("\n".join(["sequences: found images that contradict their names; correct the table", *wrong]))
