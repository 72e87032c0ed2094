"""The registry of ways to find the brain, and the gate that every mask passes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.geometry import resample
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.strip.bet import bet_mask
from gmmas_core.onboarding.strip.programs import hd_bet_mask, require_weights, synthstrip_mask
from gmmas_core.onboarding.strip.tissue import tissue_mask
from gmmas_core.types import ConfigError, DataError

USUAL_ML = (900.0, 1700.0)
"""A brain with its fluid, of an adult, outside of which a person should look."""

POSSIBLE_ML = (500.0, 2300.0)
"""Outside of this the mask has failed: half a brain, or the head; as in gmmas_core/quality/thresholds.py."""

LEAST_AGREEMENT = 0.9
"""Of the votes of a method that votes; the one raw case measured has 0.98."""

AIR = 0.1
"""Of the median in the mask: darker than this in every sequence is air or bone. Fluid is dark in some, never in all."""

USUAL_AIR, POSSIBLE_AIR = 0.03, 0.1
"""Share of a mask. Of five real brains at most 0.0002, with any one sequence alone at most 0.021."""

POSSIBLE_LOSS = 0.05
"""Share of a given mask that may lie outside the images."""

Array = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class StripSettings:
    """Which way, and what it needs.

    Attributes:
        method: key of METHODS.
        weights: file or folder of the hospital, for methods with weights.
        weights_sha256: what `weights_digest` must give for it.
    """

    method: str = "tissue"
    weights: Path | None = None
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            known = ", ".join(METHODS)
            raise ConfigError(f"--strip: found {self.method!r}; expected one of {known}")
        if METHODS[self.method].has_weights:
            require_weights(self.weights, self.weights_sha256)
        elif self.weights is not None:
            raise ConfigError(f"--weights: found weights for {self.method}, which has none; leave them out")


@dataclass(frozen=True, kw_only=True)
class BrainMask:
    """A mask that passed the gate.

    Attributes:
        mask_XYZ: on the images' grid.
        volume_ml: of it.
        agreement: of the votes, None where the method does not vote.
        warnings: sentences for a person.
    """

    mask_XYZ: Array
    volume_ml: float
    agreement: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way: `run(images, settings, given)` gives a mask and an agreement or None."""

    run: Callable[[Mapping[str, Volume], StripSettings, Path | None], tuple[Array, float | None]]
    has_weights: bool = False


def brain_mask(images: Mapping[str, Volume], settings: StripSettings, given: Path | None = None) -> BrainMask:
    """Find the brain.

    Args:
        images: sequence -> head on one RAS+ grid of 1 mm; the reference first.
        settings: which way.
        given: a mask's file, for the way "given".

    Raises:
        DataError: no mask, an empty one, one of a volume that no brain has, or one that lies beside the head.
    """
    mask, agreement = METHODS[settings.method].run(images, settings, given)
    first = next(iter(images.values()))
    volume_ml = float(np.count_nonzero(mask) * math.prod(first.grid.spacing_mm) / 1000)
    if not POSSIBLE_ML[0] <= volume_ml <= POSSIBLE_ML[1]:
        raise DataError(
            f"brain mask ({settings.method}): found {volume_ml:.0f} mL; expected {USUAL_ML[0]:.0f} to "
            f"{USUAL_ML[1]:.0f} mL; give a mask or choose another --strip"
        )
    air = _share_of_air(mask, images)
    if air > POSSIBLE_AIR:
        raise DataError(
            f"brain mask ({settings.method}): found {air:.0%} of it in air; expected a brain in it; look whether "
            "it lies where the images do; give a mask or choose another --strip"
        )
    warnings = []
    if air > USUAL_AIR:
        warnings.append(f"brain mask: found {air:.0%} of it in air or bone; expected less than 3%; look at it")
    if not USUAL_ML[0] <= volume_ml <= USUAL_ML[1]:
        usual = f"{USUAL_ML[0]:.0f} to {USUAL_ML[1]:.0f} mL"
        warnings.append(f"brain mask: found {volume_ml:.0f} mL; expected {usual}; look at it")
    if agreement is not None and agreement < LEAST_AGREEMENT:
        warnings.append(f"brain mask: found votes that agree to {agreement:.2f}; expected 0.9 and more; look at it")
    return BrainMask(mask_XYZ=mask, volume_ml=volume_ml, agreement=agreement, warnings=tuple(warnings))


def _share_of_air(mask_XYZ: Array, images: Mapping[str, Volume]) -> float:
    """How much of a mask is dark in every sequence."""
    dark = np.ones(int(np.count_nonzero(mask_XYZ)), bool)
    for volume in images.values():
        values = volume.data[mask_XYZ]
        dark &= values <= AIR * np.median(values)
    return float(dark.mean())


def _tissue(images: Mapping[str, Volume], settings: StripSettings, given: Path | None) -> tuple[Array, float | None]:
    return tissue_mask(images)


def _bet(images: Mapping[str, Volume], settings: StripSettings, given: Path | None) -> tuple[Array, float | None]:
    return bet_mask(next(iter(images.values()))), None


def _hd_bet(images: Mapping[str, Volume], settings: StripSettings, given: Path | None) -> tuple[Array, float | None]:
    return hd_bet_mask(next(iter(images.values())), require_weights(settings.weights, settings.weights_sha256)), None


def _synthstrip(
    images: Mapping[str, Volume], settings: StripSettings, given: Path | None
) -> tuple[Array, float | None]:
    weights = require_weights(settings.weights, settings.weights_sha256)
    return synthstrip_mask(next(iter(images.values())), weights), None


def _given(images: Mapping[str, Volume], settings: StripSettings, given: Path | None) -> tuple[Array, float | None]:
    """A mask drawn in the reference's own space."""
    if given is None:
        raise DataError("brain mask: found none in the study; expected a NIfTI file named like CASE_brain_mask.nii.gz")
    volume = load_volume(given, "brain mask")
    grid = next(iter(images.values())).grid
    drawn = (volume.data > 0).astype(np.float32)
    mask = np.asarray(resample(Volume(drawn, volume.affine_44), grid, 1) > 0.5)
    before, after = (
        float(np.count_nonzero(each) * math.prod(of.spacing_mm)) for each, of in ((drawn, volume.grid), (mask, grid))
    )
    if after < (1 - POSSIBLE_LOSS) * before:
        raise DataError(
            f"brain mask: found {1 - after / before:.0%} of it outside the images; expected it drawn in the space of "
            "the reference; give one that is"
        )
    return mask, None


METHODS: Mapping[str, Method] = {
    "tissue": Method(run=_tissue),
    "bet": Method(run=_bet),
    "given": Method(run=_given),
    "hd-bet": Method(run=_hd_bet, has_weights=True),
    "synthstrip": Method(run=_synthstrip, has_weights=True),
}
"""Name -> way; the first is the default."""
