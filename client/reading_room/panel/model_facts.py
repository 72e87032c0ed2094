"""Model Facts: what the model is for, what it was made from, how well it did, and when not to use it.

Only what the model folder itself says is stated; what nobody measured is named as missing.

Source: the form of Sendak 2020, npj Digital Medicine 3:41.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from client.reading_room.panel.markdown import markup_of, section_of
from gmmas_core.types import DISCLAIMER

CARD, PROVENANCE = "model_card.md", "provenance.json"
MAX_BYTES = 2**22
HOLDOUT = "Results on the holdouts"

PURPOSE = (
    "Outlines an adult's diffuse glioma on MRI before treatment, measures it, and suggests histology, IDH and 1p/19q. "
    "A second reader beside a neuroradiologist, for research."
)
DIRECTIONS = (
    "Look at the outline before any number. Read probabilities together with their intervals, the checks and what is "
    "not assessable. Correct what is wrong. The type and the grade are established on tissue."
)
WARNINGS = (
    "Not for children, not after surgery or radiotherapy, not for other diseases: a metastasis, a lymphoma or an "
    "abscess is read as if it were a glioma, and the checks do not catch them all.",
    "Not for images with the skull on, thick slices or another protocol, unless the checks pass.",
    "Not for deciding on treatment, and not instead of a biopsy.",
    "Not for survival: the model knows nothing about it.",
)


def model_facts_of(folder: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the room's model.

    Args:
        folder: of the model.
        document: of a study; it may have been read by another model, then this is said.
    """
    card, record = (
        _card(folder / CARD, _stamp(folder / CARD)),
        _record(folder / PROVENANCE, _stamp(folder / PROVENANCE)),
    )
    training = record.get("training", {})
    results = section_of(card, HOLDOUT)
    return {
        "model_id": record.get("model_id", ""),
        "read_by": document["model"]["model_id"],
        "purpose": PURPOSE,
        "directions": DIRECTIONS,
        "do_not_use": WARNINGS,
        "warnings": document["model"]["warnings"],
        "notice": document["notice"] or training.get("notice", ""),
        "sites": training.get("sites", []),
        "cases": training.get("training_cases", {}),
        "rounds": training.get("rounds"),
        "results": markup_of(results, 3) if results else Markup(""),
        "card": markup_of(card, 3) if card else Markup(""),
        "disclaimer": DISCLAIMER,
    }


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _card(path: Path, stamp: int) -> str:
    content = _content(path) if stamp else b""
    return content.decode("utf-8", "replace")


@lru_cache(maxsize=8)
def _record(path: Path, stamp: int) -> dict[str, Any]:
    try:
        found = json.loads(_content(path)) if stamp else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _content(path: Path) -> bytes:
    """At most MAX_BYTES; more is no card of ours."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        return b""
    return content if len(content) <= MAX_BYTES else b""
