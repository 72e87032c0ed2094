"""What the viewer of the case page is told: where the files are, and what of the outline may be shown as what."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.reading.correct import MAX_MASK_BYTES, MAX_NOTE
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.store.revisions import MODEL, Revision, revisions_of
from gmmas_core.types import DISCLAIMER, EDEMA, ENHANCING, LABEL_NAMES, NECROSIS, SEQUENCES

TITLES = {"t1": "T1", "t1c": "T1c", "t2": "T2", "flair": "FLAIR"}

_PARTS = ((ENHANCING, "et", "et"), (NECROSIS, "necrosis", "necrosis"), (EDEMA, "edema", "edema"))
"""Label, id of its row, finding in `not_assessable`; in the order of the legend."""


def viewer_context(
    connection: sqlite3.Connection, room: Room, record: Record, session: Session
) -> dict[str, dict[str, Any]]:
    """Everything that `case_viewer.html` shows.

    Args:
        connection: of the room's database.
        room: unused, as every part of the page is asked in the same way.
        record: of the study.
        session: of who looks.
    """
    study = record.study
    revisions = revisions_of(connection, study.id)
    newest = f"/api/studies/{study.id}/revisions/{record.revision.number}"
    has_map = record.document["uncertainty_map"] is not None
    return {
        "viewer": {
            "study": study.id,
            "notice": DISCLAIMER,
            "sequences": [
                {
                    "name": name,
                    "title": TITLES[name],
                    "address": f"/api/studies/{study.id}/images/{name}.nii.gz" if name in record.images else None,
                }
                for name in SEQUENCES
            ],
            "rows": legend(record.document["not_assessable"]),
            "revisions": [_revision(each) for each in revisions],
            "first": f"{newest}/first.png",
            "uncertainty": f"{newest}/uncertainty.nii.gz" if has_map else None,
            "why_no_correction": _why_no_correction(record, session),
            "max_mask_mb": MAX_MASK_BYTES // 2**20,
            "max_note": MAX_NOTE,
        }
    }


def legend(blocked: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of the legend: what is drawn of the outline, in which colour, and what is not assessable and why.

    Args:
        blocked: `not_assessable` of the result.

    Returns:
        Rows with "id", "name", "labels" of the file that are drawn as this (none where not assessable), "colour" (of
        which label), and "reason" or None. Where necrosis and enhancement cannot be told apart, the border between
        core and edema cannot either: all three are drawn as the whole tumour, which can.
    """
    rows = []
    if "label_1_versus_3" in blocked:
        whole = blocked.get("wt")
        rows.append(_row("wt", "whole tumour, its parts not told apart", EDEMA, [1, 2, 3], whole))
    for label, name, finding in _PARTS:
        reason = blocked.get(finding) or blocked.get("label_1_versus_3" if label != EDEMA else "wt")
        if "label_1_versus_3" in blocked and label == EDEMA:
            reason = reason or blocked.get("tc")
        rows.append(_row(name, LABEL_NAMES[label], label, [label], reason))
    return rows


def _row(name: str, words: str, colour: int, labels: list[int], reason: str | None) -> dict[str, Any]:
    drawn = [] if reason else labels
    return {"id": name, "name": words, "colour": colour, "labels": drawn, "reason": reason}


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "number": revision.number,
        "by": "the model" if revision.author == MODEL else revision.author,
        "at": f"{revision.created_at[:10]} {revision.created_at[11:16]} UTC",
        "seg": f"/api/studies/{revision.study}/revisions/{revision.number}/seg.nii.gz",
    }


def _why_no_correction(record: Record, session: Session) -> str:
    """Empty where this user may correct the outline now."""
    if session.user.role not in MAY["correct"]:
        return f"The outline is corrected by a {' or '.join(sorted(MAY['correct']))}."
    if record.study.state == "signed":
        return "The study is signed: withdraw the signature to correct the outline."
    if record.study.state == "rejected":
        return "The study is rejected: withdraw the rejection to correct the outline."
    return "" if record.study.state == "done" else f"The study is {record.study.state}: wait until it has been read."
