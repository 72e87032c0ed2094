"""What of a mask may be outlined in an export: the labels that the sequences allow to be told apart, and no other."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.record import MASK, Record
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import EDEMA, ENHANCING, LABEL_NAMES, NECROSIS, REGIONS, DataError


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


def load_mask(record: Record) -> Volume:
    """The revision's mask, canonical labels on the study's own grid.

    Raises:
        DataError: the file is gone or is not the one that the findings name.
    """
    path = record.folder / MASK
    stored(record, path.name, record.document["segmentation"]["sha256"])
    return load_volume(path, "mask")


def stored(record: Record, name: str, sha256: str) -> bytes:
    """A file of the revision.

    Args:
        record: whose revision.
        name: of the file.
        sha256: that its findings state for it.

    Raises:
        DataError: the file is gone or is another.
    """
    try:
        content = (record.folder / name).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{name}: found it missing or changed; expected the one that was stored; read the study again")
    return content
