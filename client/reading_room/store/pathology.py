"""What the pathologist reported of a study's tumour, entered by a clinician whenever it arrives."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.studies import read_study
from gmmas_core.diagnosis import Finding, Findings, from_tissue
from gmmas_core.diagnosis.findings import GRADES
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh, Marker, Mgmt
from gmmas_core.types import DataError

VALUES: Mapping[Marker, Mapping[str, Any]] = {
    Marker.HISTOLOGY: {value.value: value for value in Histology},
    Marker.GRADE: {str(grade): grade for grade in GRADES},
    Marker.IDH: {value.value: value for value in Idh},
    Marker.CODEL: {value.value: value for value in Codel},
    Marker.MGMT: {value.value: value for value in Mgmt},
    Marker.H3: {value.value: value for value in H3},
    **{
        marker: {value.value: value for value in Alteration}
        for marker in (
            Marker.ATRX,
            Marker.CDKN2A,
            Marker.TERT,
            Marker.EGFR,
            Marker.CHR7_10,
            Marker.PROLIFERATION,
            Marker.NECROSIS,
        )
    },
}
"""Marker that tissue can tell -> its values as they are stored."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One result, who entered it and when."""

    marker: Marker
    value: str
    user: str
    at: str


def enter(connection: sqlite3.Connection, study_id: str, values: Mapping[Marker, str], user: str) -> None:
    """Enter results; "" takes the present one back. What stays as it was makes no new entry.

    Call it inside a transaction.

    Raises:
        DataError: no such study, or a marker or value that does not exist; all listed at once.
    """
    read_study(connection, study_id)
    problems = [
        f"{marker}: found {value[:40]!r}; expected {', '.join(VALUES.get(marker, ())) or 'no such marker'}"
        for marker, value in values.items()
        if value and value not in VALUES.get(marker, ())
    ]
    if problems:
        raise DataError("\n".join(problems))
    present = pathology_of(connection, study_id)
    changed = {
        marker: value
        for marker, value in values.items()
        if value != (present[marker].value if marker in present else "")
    }
    if not changed:
        return
    at = now()
    connection.executemany(
        "INSERT INTO pathology (study, marker, value, user, at) VALUES (?, ?, ?, ?, ?)",
        [(study_id, marker.value, value, user, at) for marker, value in changed.items()],
    )
    audit.add_line(connection, at=at, user=user, action="entered pathology", study=study_id, markers=sorted(changed))


def pathology_of(connection: sqlite3.Connection, study_id: str) -> dict[Marker, Entry]:
    """The newest result of every marker that has one."""
    rows = connection.execute("SELECT marker, value, user, at FROM pathology WHERE study = ? ORDER BY id", (study_id,))
    newest = {Marker(row["marker"]): row for row in rows.fetchall()}
    return {
        marker: Entry(marker=marker, value=row["value"], user=row["user"], at=row["at"])
        for marker, row in newest.items()
        if row["value"]
    }


def tissue_findings(entries: Mapping[Marker, Entry]) -> Findings:
    """What the decision table needs of them."""
    found: dict[str, Finding[Any]] = {
        marker.value: from_tissue(VALUES[marker][entry.value]) for marker, entry in entries.items()
    }
    return Findings(**found)
