"""Everything that is known of a study that has been read: what pages, reports and exports speak of."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.reading_room.room import Room
from client.reading_room.store.decisions import Decision, release_of, standing
from client.reading_room.store.pathology import Entry, pathology_of, tissue_findings
from client.reading_room.store.revisions import Revision, revisions_of
from client.reading_room.store.studies import Study, read_study
from gmmas_core.diagnosis import Diagnosis, integrate, with_imaging
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DataError, Task

FINDINGS, MASK, UNCERTAINTY = "findings.json", "seg.nii.gz", "uncertainty.nii.gz"
"""Files of a revision."""

REVISIONS, IMAGES, DICOM = "revisions", "images", "dicom"
"""Folders of a study."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One study with one of its revisions.

    Attributes:
        study: its row.
        revision: the newest, or the one that was asked for.
        document: content of its findings file.
        folder: of the revision.
        images: sequence -> file, of those that were read.
        decision: signature or rejection that stands.
        release: of the patient's report, where it stands.
        pathology: the newest result of each marker.
        diagnosis: from tissue, completed by imaging where tissue is silent.
    """

    study: Study
    revision: Revision
    document: Mapping[str, Any]
    folder: Path
    images: Mapping[str, Path]
    decision: Decision | None
    release: Decision | None
    pathology: Mapping[Marker, Entry]
    diagnosis: Diagnosis


def open_record(connection: sqlite3.Connection, room: Room, study_id: str, number: int | None = None) -> Record:
    """A study as it stands.

    Args:
        connection: of the room's database.
        room: where its files lie.
        study_id: of the worklist.
        number: of a revision; None for the newest.

    Raises:
        DataError: no such study or revision, it has not been read yet, or its findings are not what was stored.
    """
    study = read_study(connection, study_id)
    revisions = [each for each in revisions_of(connection, study_id) if number in (None, each.number)]
    if not revisions:
        what = "no reading" if number is None else f"no revision {number}"
        raise DataError(f"study: found {what} of it; expected one; it is {study.state}")
    revision = revisions[-1]
    home = room.studies / study.id
    folder = home / REVISIONS / revision.folder
    document = read_document(folder / FINDINGS, revision.sha256)
    pathology = pathology_of(connection, study_id)
    return Record(
        study=study,
        revision=revision,
        document=document,
        folder=folder,
        images={image.sequence: home / IMAGES / image.file for image in study.images if image.sequence is not None},
        decision=standing(connection, study_id),
        release=release_of(connection, study_id),
        pathology=pathology,
        diagnosis=diagnosis_of(document, pathology),
    )


def read_document(path: Path, sha256: str) -> dict[str, Any]:
    """A revision's findings.

    Raises:
        DataError: the file is gone or is not the one that was stored.
    """
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            "findings: found a file that is missing or was changed; expected the one that was stored; read it again"
        )
    document: dict[str, Any] = json.loads(content)
    return document


def diagnosis_of(document: Mapping[str, Any], pathology: Mapping[Marker, Entry]) -> Diagnosis:
    """What tissue and image together say under WHO CNS5; a known result on tissue is never replaced."""
    probability = {Task(task): value for task, value in document["probability"].items()}
    return integrate(with_imaging(tissue_findings(pathology), probability, abstained=tuple(document["abstained"])))
