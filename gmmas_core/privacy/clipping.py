"""Scaling a site's change of the weights down to a norm: what the coordinator does, and the site where sums are secret.

One function for both sides, so that a site which clips and a coordinator which trusts it mean the same bytes.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.parameter_groups import group_of

Floats = NDArray[np.float32]

MARGIN = 1e-6
"""Rounding to float32 may lengthen a change by a millionth part; it is scaled down by that much more."""


@dataclass(frozen=True, eq=False)
class Clipped:
    """A change within a norm.

    Attributes:
        change: parameter name -> float32 array, zeros where the site does not speak; every parameter of the reference.
        norm: L2 norm over all parameters before clipping.
        within: whether it was within the norm already.
    """

    change: Mapping[str, Floats]
    norm: float
    within: bool


def clip_change(
    weights: Mapping[str, Floats], reference: Mapping[str, Floats], groups: Collection[str], norm: float
) -> Clipped:
    """The change that a site made to some parameter groups, of at most a given L2 norm.

    Args:
        weights: trained, finite; the reference's names and shapes.
        reference: the weights that were sent.
        groups: that the site speaks for; what it changed elsewhere is not looked at.
        norm: above 0.
    """
    change = {
        name: weights[name] - sent if group_of(name) in groups else np.zeros_like(sent)
        for name, sent in reference.items()
    }
    length = l2_norm(change)
    if length <= norm:
        return Clipped(change, length, within=True)
    factor = np.float32(norm / length * (1 - MARGIN))
    return Clipped({name: np.asarray(value * factor) for name, value in change.items()}, length, within=False)


def l2_norm(arrays: Mapping[str, Floats]) -> float:
    """Over all values of all arrays, in float64."""
    return math.sqrt(math.fsum(float(np.sum(np.square(value, dtype=np.float64))) for value in arrays.values()))
