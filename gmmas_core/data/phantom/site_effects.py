"""How one hospital differs from the next: scanner, protocol, patients, and what its records leave out.

Nothing here looks at the tumour's class, so neither brightness, noise nor a missing file can betray a label.
What is missing is dealt by low-discrepancy sequences over the case number: shares hold from the first dozen cases on,
the first case of a hospital lacks only what the hospital never has, and more cases never change earlier ones.

=====  ===========  ============================================  ==================================  ==================
name   orientation  scanner                                       never or seldom                     patients
=====  ===========  ============================================  ==================================  ==================
north  LPS          3 T, little noise, thin slices                t1c missing 8 %; 1p/19q unknown 10 % lower grade x 1.6
east   RAS          bright, strong bias, T2 and FLAIR 5 mm        t2 missing 25 %; masks missing 25 %  as the literature
south  LAS          1.5 T, noisy, dim, 6 mm                       no t1; no 1p/19q; masks missing 30 % older, x 0.6
west   PSR          sagittal, soft contrast                       flair missing 20 %; masks missing 40 % younger, x 1.3
=====  ===========  ============================================  ==================================  ==================

From the fifth hospital on, everything is drawn from the seed within the range of these four.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.phantom.anatomy import Bool3d, Float3d, smooth_field, voxel_mm
from gmmas_core.types import SEQUENCES, Task

GOLDEN = (np.sqrt(5) - 1) / 2
# Step per thing that may be missing: square roots of primes, so that no two things go missing together by rule.
_STEPS: Mapping[str, float] = {
    name: float(np.sqrt(prime) % 1)
    for name, prime in zip((*SEQUENCES, "mask", Task.IDH, Task.CODEL, Task.HISTOLOGY), (2, 3, 7, 11, 13, 17, 19, 23))
}


@dataclass(frozen=True, kw_only=True)
class SiteEffects:
    """One hospital.

    Attributes:
        name: of the site and its folder.
        orientation: axis codes of its files.
        bias: relative amplitude of the coil's shading; 0.05 is about BrainWeb's 20 %.
        noise: standard deviation relative to normal brain, Rician.
        gain: factor on brightness; 1,000 is normal brain at gain 1.
        gamma: exponent of the vendor's curve.
        tr_scale, te_scale: factors on the protocol's times.
        slice_mm: slice thickness of T2 and FLAIR.
        missing: sequence -> share of cases without it.
        unknown: task -> share of cases whose label nobody determined.
        unmasked: share of cases without a segmentation.
        lower_grade_odds: factor on the prior of every class but glioblastoma, IDH-wildtype.
        age_shift: years.
    """

    name: str
    orientation: str = "RAS"
    bias: float = 0.03
    noise: float = 0.02
    gain: float = 1.0
    gamma: float = 1.0
    tr_scale: float = 1.0
    te_scale: float = 1.0
    slice_mm: float = 1.0
    missing: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[Task, float] = field(default_factory=dict)
    unmasked: float = 0.0
    lower_grade_odds: float = 1.0
    age_shift: float = 0.0


HOSPITALS = (
    SiteEffects(
        name="north",
        orientation="LPS",
        missing={"t1c": 0.08},
        unknown={Task.IDH: 0.05, Task.CODEL: 0.10},
        lower_grade_odds=1.6,
    ),
    SiteEffects(
        name="east",
        orientation="RAS",
        bias=0.09,
        noise=0.035,
        gain=2.6,
        gamma=0.92,
        tr_scale=0.9,
        te_scale=1.1,
        slice_mm=5.0,
        missing={"t2": 0.25},
        unknown={Task.IDH: 0.10, Task.CODEL: 0.30, Task.HISTOLOGY: 0.05},
        unmasked=0.25,
    ),
    SiteEffects(
        name="south",
        orientation="LAS",
        bias=0.05,
        noise=0.055,
        gain=0.35,
        gamma=1.1,
        tr_scale=1.12,
        te_scale=0.92,
        slice_mm=6.0,
        missing={"t1": 1.0},
        unknown={Task.IDH: 0.15, Task.CODEL: 1.0},
        unmasked=0.30,
        lower_grade_odds=0.6,
        age_shift=4.0,
    ),
    SiteEffects(
        name="west",
        orientation="PSR",
        bias=0.06,
        noise=0.03,
        gain=0.8,
        gamma=1.05,
        tr_scale=1.05,
        te_scale=0.95,
        slice_mm=3.0,
        missing={"flair": 0.20, "t1": 0.10},
        unknown={Task.IDH: 0.20, Task.CODEL: 0.40, Task.HISTOLOGY: 0.10},
        unmasked=0.40,
        lower_grade_odds=1.3,
        age_shift=-4.0,
    ),
)


def hospital(number: int, seed: int) -> SiteEffects:
    """The hospital of a number from 0: the four above, then hospitals drawn from (seed, number)."""
    if number < len(HOSPITALS):
        return HOSPITALS[number]
    rng = np.random.default_rng([seed, number])
    return SiteEffects(
        name=f"site-{number + 1:02d}",
        orientation=str(rng.choice(["LPS", "RAS", "LAS", "RPI"])),
        bias=rng.uniform(0.02, 0.09),
        noise=rng.uniform(0.02, 0.055),
        gain=float(np.exp(rng.uniform(np.log(0.35), np.log(2.6)))),
        gamma=rng.uniform(0.9, 1.1),
        tr_scale=rng.uniform(0.88, 1.12),
        te_scale=rng.uniform(0.88, 1.12),
        slice_mm=rng.uniform(1.0, 6.0),
        missing={str(rng.choice(SEQUENCES)): rng.uniform(0.0, 0.25)},
        unknown={task: rng.uniform(0.0, 0.3) for task in (Task.IDH, Task.CODEL)},
        unmasked=rng.uniform(0.0, 0.4),
        lower_grade_odds=rng.uniform(0.6, 1.6),
        age_shift=rng.uniform(-4.0, 4.0),
    )


def is_left_out(what: str, share: float, number: int) -> bool:
    """Whether case `number` (from 0) lacks something that `share` of the cases lack."""
    return bool((number * _STEPS[what]) % 1 >= 1 - share)


def sequences_of(effects: SiteEffects, number: int) -> tuple[str, ...]:
    """Sequences that case `number` has; FLAIR at least."""
    kept = tuple(s for s in SEQUENCES if not is_left_out(s, effects.missing.get(s, 0.0), number))
    return kept or ("flair",)


def acquire(
    brightness_XYZ: Float3d, brain_XYZ: Bool3d, sequence: str, effects: SiteEffects, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Scan it: point spread, slices, a little movement, shading, noise, the vendor's curve, skull stripping.

    Args:
        brightness_XYZ: relative to normal brain; outside the brain whatever may bleed into its rim.
        brain_XYZ: voxels that keep a value; all others become 0.
        sequence: T2 and FLAIR are acquired in slices of the site's thickness.
        effects: of the site.
        rng: draws movement, shading and noise.

    Returns:
        int16, at least 1 inside the brain and 0 outside.
    """
    size = brain_XYZ.shape[0]
    shift_x, shift_y, shift_z = rng.normal(0.0, 0.4, 3) if sequence != "t1c" else np.zeros(3)
    slice_mm = effects.slice_mm if sequence in ("t2", "flair") else 0.0
    seen = brightness_XYZ.transpose(0, 2, 1) @ _point_spread(size, shift_y).T
    seen = _slices(size, slice_mm) @ (_point_spread(size, shift_z) @ seen)
    seen = (_point_spread(size, shift_x) @ seen.reshape(size, -1)).reshape(size, size, size).transpose(0, 2, 1)

    shading = np.exp(np.float32(effects.bias) * smooth_field(rng, size, 70.0)[brain_XYZ])
    true = np.maximum(seen[brain_XYZ] * shading, 0)
    noise = np.float32(effects.noise) * rng.standard_normal((2, true.size), dtype=np.float32)
    measured = np.hypot(true + noise[0], noise[1])
    gain = 1000.0 * effects.gain * float(np.exp(rng.normal(0.0, 0.08)))
    image = np.zeros(brain_XYZ.shape, dtype=np.int16)
    image[brain_XYZ] = np.clip(np.rint(gain * measured**effects.gamma), 1, 32767)
    return image


def _point_spread(size: int, shift_mm: float) -> NDArray[np.float32]:
    """(size, size) matrix that blurs one axis by a Gaussian of 0.42 voxels and moves it."""
    position = np.arange(size)
    offset = position[:, None] - position[None, :] - shift_mm / voxel_mm(size)
    weights = np.exp(-0.5 * (offset / 0.42) ** 2) + 1e-12
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _slices(size: int, slice_mm: float) -> NDArray[np.float32]:
    """(size, size) matrix that averages one axis over thick slices and interpolates back between their centres."""
    thickness = slice_mm / voxel_mm(size)
    if thickness <= 1:
        return np.eye(size, dtype=np.float32)
    centres = np.arange(0.5 * thickness - 0.5, size, thickness)
    position = np.arange(size)
    overlap = np.clip(0.5 + thickness / 2 - np.abs(position[None, :] - centres[:, None]), 0, 1)
    averaged = overlap / overlap.sum(axis=1, keepdims=True)
    back = np.stack([np.interp(position, centres, unit) for unit in np.eye(len(centres))], axis=1)
    return np.asarray(back @ averaged, dtype=np.float32)
