"""From tissue to brightness: the spin-echo and inversion-recovery equations of the four sequences.

Brightness is relative to normal brain (the mean of grey and white matter), so that gain is a matter of the site alone.
FLAIR's inversion time is computed from TR to null fluid, as a scanner does; a fixed one would leave ventricles grey.
Relaxation times of normal tissue follow BrainWeb (1.5 T); those of lesions are engineering choices that give the
contrast of real examinations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import SEQUENCES


class Tissue(IntEnum):
    """Rows of the relaxation table; the value is what tissue maps hold."""

    CSF = 0
    GREY = 1
    WHITE = 2
    DEEP_GREY = 3
    AGED_WHITE = 4
    VESSEL = 5
    EDEMA = 6
    SOLID = 7  # non-enhancing tumour
    ENHANCING = 8
    NECROTIC = 9
    MISMATCH = 10
    CYST = 11
    CALCIUM = 12


# Proton density, T1, T2, T1 after contrast agent; times in ms.
_RELAXATION: Mapping[Tissue, tuple[float, float, float, float]] = {
    Tissue.CSF: (1.0, 4000, 1000, 4000),
    Tissue.GREY: (0.86, 833, 83, 800),
    Tissue.WHITE: (0.77, 500, 70, 490),
    Tissue.DEEP_GREY: (0.84, 720, 74, 700),
    Tissue.AGED_WHITE: (0.82, 720, 98, 710),
    Tissue.VESSEL: (0.80, 900, 60, 330),
    Tissue.EDEMA: (0.90, 1100, 140, 1080),
    Tissue.SOLID: (0.93, 1350, 170, 1330),
    Tissue.ENHANCING: (0.90, 1150, 120, 420),
    Tissue.NECROTIC: (0.98, 1900, 230, 1850),
    Tissue.MISMATCH: (0.96, 2700, 290, 2700),
    Tissue.CYST: (0.99, 2400, 300, 2380),
    Tissue.CALCIUM: (0.35, 600, 35, 600),
}


@dataclass(frozen=True)
class Protocol:
    """Timing of one sequence in ms; `nulls_fluid` makes it an inversion recovery, `contrast` is gadolinium."""

    tr: float
    te: float
    nulls_fluid: bool = False
    contrast: bool = False


PROTOCOLS: Mapping[str, Protocol] = dict(
    zip(
        SEQUENCES,
        (
            Protocol(500, 15),
            Protocol(500, 15, contrast=True),
            Protocol(5000, 100),
            Protocol(9000, 110, nulls_fluid=True),
        ),
    )
)


def tissue_brightness(sequence: str, tr_scale: float = 1.0, te_scale: float = 1.0) -> NDArray[np.float32]:
    """Brightness of every tissue relative to normal brain.

    Args:
        sequence: of SEQUENCES.
        tr_scale: factor on the repetition time.
        te_scale: factor on the echo time.

    Returns:
        (number of tissues,), indexed by Tissue.
    """
    protocol = PROTOCOLS[sequence]
    tr, te = protocol.tr * tr_scale, protocol.te * te_scale
    density, t1, t2, t1_contrast = np.array([_RELAXATION[tissue] for tissue in Tissue]).T
    t1 = t1_contrast if protocol.contrast else t1
    recovered = 1 - np.exp(-tr / t1)
    if protocol.nulls_fluid:
        fluid_t1 = _RELAXATION[Tissue.CSF][1]
        inversion = fluid_t1 * np.log(2 / (1 + np.exp(-tr / fluid_t1)))
        recovered = np.abs(1 - 2 * np.exp(-inversion / t1) + np.exp(-tr / t1))
    signal = density * recovered * np.exp(-te / t2)
    normal = (signal[Tissue.GREY] + signal[Tissue.WHITE]) / 2
    return np.asarray(signal / normal, dtype=np.float32)


def texture_gain(sequence: str) -> float:
    """Sign and size of water's effect: more water is darker before inversion and echo matter, brighter after."""
    return 1.0 if PROTOCOLS[sequence].te > 50 else -0.5
