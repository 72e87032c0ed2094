"""Label values of masks: each site declares its convention, it is checked against the values found and never guessed.

The same number means different tissue in different data sets: 4 is enhancing tumour up to BraTS 2021 but a resection
cavity from 2024 on, and MSD swaps 1 and 2. Conventions with the same set of values cannot be told apart by a program.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import BACKGROUND, EDEMA, ENHANCING, NECROSIS, DataError

LABEL_CONVENTIONS: Mapping[str, Mapping[int, int]] = {
    "canonical": {0: BACKGROUND, 1: NECROSIS, 2: EDEMA, 3: ENHANCING},
    "brats2021": {0: BACKGROUND, 1: NECROSIS, 2: EDEMA, 4: ENHANCING},
    "brats2023": {0: BACKGROUND, 1: NECROSIS, 2: EDEMA, 3: ENHANCING},
    "msd": {0: BACKGROUND, 1: EDEMA, 2: NECROSIS, 3: ENHANCING},
}
"""Name -> file value -> canonical label. "brats2021" also means BraTS 2017-2020, FeTS, TCGA (Bakas), UPENN-GBM."""


def to_canonical(values: NDArray[Any], convention: str) -> NDArray[np.uint8]:
    """Translate a mask's file values into canonical labels.

    Args:
        values: any shape, integers or whole numbers stored as floats (as some tools write them).
        convention: key of LABEL_CONVENTIONS.

    Returns:
        uint8, same shape, values 0 background, 1 NCR, 2 ED, 3 ET.

    Raises:
        DataError: unknown convention, a value that is no whole number, or one outside the convention.
    """
    table = _table(convention)
    whole = _whole_numbers(values)
    low, high = (int(whole.min()), int(whole.max())) if whole.size else (0, 0)
    if low < 0 or high > max(table):
        raise _outside(set(np.unique(whole).tolist()), convention)
    illegal = 255
    lookup = np.full(max(table) + 1, illegal, dtype=np.uint8)
    for value, label in table.items():
        lookup[value] = label
    canonical: NDArray[np.uint8] = lookup[whole]
    if (canonical == illegal).any():
        raise _outside(set(np.unique(whole).tolist()), convention)
    return canonical


def from_canonical(seg: NDArray[Any], convention: str) -> NDArray[np.uint8]:
    """Translate canonical labels into a convention's file values, for writing.

    Raises:
        DataError: unknown convention.
        ValueError: a value is not a canonical label.
    """
    table = _table(convention)
    lookup = np.zeros(ENHANCING + 1, dtype=np.uint8)
    for value, label in table.items():
        lookup[label] = value
    if seg.size and (seg.min() < BACKGROUND or seg.max() > ENHANCING):
        raise ValueError(f"labels {seg.min()} to {seg.max()} are not canonical (0 to {ENHANCING})")
    values: NDArray[np.uint8] = lookup[seg.astype(np.uint8, copy=False)]
    return values


def conventions_fitting(values: Iterable[int]) -> tuple[str, ...]:
    """Names of the conventions whose values include all of these."""
    found = set(values)
    return tuple(name for name, table in LABEL_CONVENTIONS.items() if found <= set(table))


def _table(convention: str) -> Mapping[int, int]:
    if convention not in LABEL_CONVENTIONS:
        names = ", ".join(LABEL_CONVENTIONS)
        raise DataError(f"label_convention: found {convention!r}; expected one of {names}; correct it in site.yaml")
    return LABEL_CONVENTIONS[convention]


def _whole_numbers(values: NDArray[Any]) -> NDArray[Any]:
    if np.issubdtype(values.dtype, np.integer):
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    rounded = np.rint(values)
    with np.errstate(invalid="ignore"):  # infinities are refused like any other value that is no label
        # Scaled storage leaves rounding errors of this size; interpolated masks are far off.
        is_whole = (np.abs(values - rounded) <= 1e-3).all()
    if not is_whole:
        raise DataError(
            "mask: found values between whole numbers; expected labels; "
            "take the original mask, or resample it with nearest neighbour"
        )
    if np.abs(rounded).max(initial=0) > np.iinfo(np.int16).max:
        raise DataError("mask: found values beyond 32767; expected labels; check that this file is the mask")
    whole: NDArray[np.int16] = rounded.astype(np.int16)
    return whole


def _outside(found: set[int], convention: str) -> DataError:
    shown = ", ".join(str(value) for value in sorted(found)[:8]) + (", ..." if len(found) > 8 else "")
    legal = ", ".join(str(value) for value in sorted(LABEL_CONVENTIONS[convention]))
    fitting = conventions_fitting(found)
    if fitting:
        action = f"if these are {' or '.join(fitting)} masks, declare that as label_convention in site.yaml"
    elif found <= {0, 1, 2, 3, 4}:
        action = "3 and 4 together suggest post-treatment masks (BraTS 2024: 4 is a resection cavity): not supported"
    else:
        action = "no known convention has these values; check that this file is the tumour mask"
    return DataError(f"mask: found label values {shown}; expected only {legal} ({convention}); {action}")
