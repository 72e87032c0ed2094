"""What of a mask may be outlined: the labels that the sequences allow to be told apart, and no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import BACKGROUND, EDEMA, ENHANCING, LABEL_NAMES, NECROSIS, REGIONS

PART_UNKNOWN = 4
"""Label of tumour whose part cannot be told from these sequences."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A part of the tumour as an object of its own.

    Attributes:
        key: name of its volume in the document's measures.
        name: in words.
        labels: canonical labels that it joins.
        needs: findings that must be assessable for it.
    """

    key: str
    name: str
    labels: tuple[int, ...]
    needs: tuple[str, ...]


OUTLINES = (
    Outline(
        key="necrosis",
        name=LABEL_NAMES[NECROSIS],
        labels=(NECROSIS,),
        needs=("necrosis", "label_1_versus_3"),
    ),
    Outline(key="edema", name=LABEL_NAMES[EDEMA], labels=(EDEMA,), needs=("edema",)),
    Outline(key="et", name=LABEL_NAMES[ENHANCING], labels=(ENHANCING,), needs=("et", "label_1_versus_3")),
)
"""One for each label, in the labels' order."""

WHOLE = Outline(key="wt", name="whole tumour", labels=REGIONS["wt"], needs=("wt",))
"""Outlined where a part of it cannot be told."""


def outlines(document: Mapping[str, Any]) -> tuple[tuple[Outline, ...], dict[str, str]]:
    """What may be outlined.

    Returns:
        Outlines, and the name of each that is left out with the reason.
    """
    blocked: Mapping[str, str] = document["not_assessable"]
    left_out = {}
    for each in (*OUTLINES, WHOLE):
        reasons = [blocked[need] for need in each.needs if need in blocked]
        if reasons:
            left_out[each.name] = reasons[0]
    parts = tuple(each for each in OUTLINES if each.name not in left_out)
    if len(parts) < len(OUTLINES) and WHOLE.name not in left_out:
        parts = (WHOLE, *parts)
    return parts, left_out


def assessable(labels_XYZ: NDArray[Any], parts: tuple[Outline, ...]) -> NDArray[np.uint8]:
    """The labels that can be told apart; the rest of a tumour whose border can be told becomes PART_UNKNOWN."""
    kept = np.zeros(labels_XYZ.shape, np.uint8)
    if WHOLE in parts:
        kept[labels_XYZ != BACKGROUND] = PART_UNKNOWN
    for part in parts:
        if part is not WHOLE:
            (label,) = part.labels
            kept[labels_XYZ == label] = label
    return kept
