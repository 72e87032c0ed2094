"""Do the slices of a series make up one straight stack? dcm2niix places what does not as if it did, in silence."""

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

_UNEVEN = 0.2
"""Of the usual distance of two slices; scanners round to less."""

_DRIFT_MM = 1.0
"""Sideways, from the first slice to the last."""


def reason_against(headers: Sequence[Dataset]) -> str | None:
    """Why the slices are no straight, even stack; None where they are, or where the headers do not tell.

    Args:
        headers: one per file of a series. Several orientations are several stacks, which dcm2niix parts.
    """
    try:
        places = np.array([header.ImagePositionPatient for header in headers], dtype=np.float64)
        turns = np.array([header.ImageOrientationPatient for header in headers], dtype=np.float64)
    except (AttributeError, TypeError, ValueError):
        return None
    if places.shape != (len(headers), 3) or turns.shape != (len(headers), 6) or np.ptp(turns, axis=0).max() > 0.01:
        return None
    normal = np.cross(turns[0, :3], turns[0, 3:])
    heights = np.unique(np.round(places @ normal, 2))
    steps = np.diff(heights)
    if not len(steps):
        return None
    usual = float(np.median(steps))
    num_odd = int(np.count_nonzero(np.abs(steps - usual) > _UNEVEN * usual))
    if num_odd:
        return f"found {num_odd} gaps or uneven distances between its slices; expected none: slices may be missing"
    sideways = places - np.outer(places @ normal, normal)
    if np.ptp(sideways, axis=0).max() > _DRIFT_MM:
        return "found slices that are shifted sideways; expected a straight stack"
    return None
