"""What every BIDS derivative of ours has in common: names, the table of labels, and how it says what it is."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.exporting.outlines import OUTLINES, PART_UNKNOWN, WHOLE, Outline
from gmmas_core.software import release
from gmmas_core.types import BACKGROUND

BIDS_VERSION = "1.10.0"
TITLE = "RESEARCH: outlines and measures of gliomas"

_ROWS = {
    BACKGROUND: ("background", "BG", "#000000", "0"),
    1: (OUTLINES[0].name, "NCR", "#3b6fd4", "7"),
    2: (OUTLINES[1].name, "ED", "#3fa34d", "7"),
    3: (OUTLINES[2].name, "ET", "#d1495b", "7"),
    PART_UNKNOWN: ("tumour, part not assessable", "TU", "#d9b310", "7"),
}
"""Index -> name, abbreviation, color and BIDS's own index of a lesion."""


def subject_label(pseudonym: str) -> str:
    """Letters and digits of a pseudonym, which is all that BIDS allows; two pseudonyms never become one label."""
    plain = "".join(sign for sign in pseudonym if sign.isascii() and sign.isalnum())
    return plain if plain == pseudonym else f"{plain}x{hashlib.sha256(pseudonym.encode()).hexdigest()[:6]}"


def dataset_description(about: str) -> bytes:
    """Content of dataset_description.json.

    Args:
        about: what made the data set, in words, with the disclaimer.
    """
    return as_json(
        {
            "Name": TITLE,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "GMMAS-Fed", "Version": release(), "Description": about}],
        }
    )


def label_table(labels_XYZ: NDArray[np.uint8], parts: tuple[Outline, ...]) -> bytes:
    """Content of `*_dseg.tsv`: the labels that could be there, and those that are."""
    told = {BACKGROUND, *(label for part in parts if part is not WHOLE for label in part.labels)}
    indices = sorted(told | {int(label) for label in np.unique(labels_XYZ)})
    lines = ["\t".join(("index", "name", "abbreviation", "color", "mapping"))]
    lines += ["\t".join((str(index), *_ROWS[index])) for index in indices]
    return ("\n".join(lines) + "\n").encode()


def as_json(value: Mapping[str, Any]) -> bytes:
    """Readable JSON; NaN is refused."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
