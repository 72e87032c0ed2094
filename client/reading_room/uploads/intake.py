"""From received files to a draft on the worklist: every file looked at, its sequence recognised, all put in place.

Nothing of an upload that is refused stays: files are looked at in a temporary folder beside the studies, which is
renamed into its place as the last step before the row is written, and removed on every other way out.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.store.database import transaction
from client.reading_room.store.studies import Image, Study, add_study, new_id
from client.reading_room.uploads.desk import PREFIX
from client.reading_room.uploads.limits import CHUNK
from client.reading_room.uploads.offers import Offer, Offers
from gmmas_core.atomic import sync_folder
from gmmas_core.data.nifti import load_volume, require_signal
from gmmas_core.types import DataError

IMAGES = "images"
"""Folder of the uploaded images within a study's folder."""

ORIGINALS = "dicom"
"""Folder of the DICOM files from which the images were made, `SSS-NNNNN.dcm`: series and file, each from 0."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who uploads, and of whom.

    Attributes:
        user: name in the table of users.
        patient: pseudonym.
        study_date: YYYY-MM-DD, or None.
    """

    user: str
    patient: str
    study_date: str | None


def take_in(connection: sqlite3.Connection, studies: Path, offers: Offers, sender: Sender) -> Study:
    """Make a draft of what was offered.

    Args:
        connection: of `open_database`.
        studies: folder of all studies.
        offers: of `look_through`, on the same disk.
        sender: who and of whom; without a day, the day that the files tell is taken.

    Raises:
        DataError: every file that cannot be used, and why; nothing of the upload is kept.
    """
    study_id = new_id()
    place = Path(tempfile.mkdtemp(dir=studies, prefix=PREFIX))
    try:
        images = _look_at(offers.images, place / IMAGES)
        if offers.originals:
            _keep_originals(offers.originals, {image.dicom for image in images}, place / ORIGINALS)
        _publish(place, studies / study_id)
        with transaction(connection):
            return add_study(
                connection,
                study_id=study_id,
                patient=sender.patient,
                study_date=sender.study_date or offers.study_date,
                source=offers.source,
                images=images,
                user=sender.user,
            )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(studies / study_id, ignore_errors=True)
        raise


def sweep(connection: sqlite3.Connection, studies: Path) -> int:
    """Remove folders without a row, which a killed process left; call it where nobody else serves the room.

    Returns:
        How many were removed.
    """
    known = {row["id"] for row in connection.execute("SELECT id FROM studies")}
    orphans = [folder for folder in studies.iterdir() if folder.name not in known] if studies.is_dir() else []
    for folder in orphans:
        shutil.rmtree(folder, ignore_errors=True)
    return len(orphans)


def _look_at(offers: Sequence[Offer], target: Path) -> list[Image]:
    """Read every file once; those that can be read are moved into the target under a number."""
    target.mkdir(mode=0o700)
    images, problems = [], []
    for number, offer in enumerate(offers, 1):
        file = offer.file
        try:
            require_signal(load_volume(file.path, file.label), file.label)
        except DataError as error:
            problems.append(str(error))
            continue
        with file.path.open("rb") as content:
            is_gzip = content.read(2) == b"\x1f\x8b"
        name = f"{number:02}.nii.gz" if is_gzip else f"{number:02}.nii"
        digest = _sha256(file.path)
        os.replace(file.path, target / name)
        images.append(
            Image(
                file=name,
                label=file.label,
                sequence=offer.sequence,
                recognized_by=offer.recognized_by,
                sha256=digest,
                dicom=offer.series,
            )
        )
    if problems:
        raise DataError("\n".join(problems))
    return images


def _keep_originals(originals: Mapping[int, Sequence[Path]], used: Collection[int | None], target: Path) -> None:
    """Move the files of the series that became images; what no image came from is not kept."""
    target.mkdir(mode=0o700)
    for series, files in originals.items():
        if series in used:
            for number, file in enumerate(files):
                os.replace(file, target / f"{series:03}-{number:05}.dcm")


def _publish(place: Path, final: Path) -> None:
    """Everything durable, then visible in one step under its final name."""
    for folder in place.iterdir():
        for file in folder.iterdir():
            with file.open("rb") as content:
                os.fsync(content.fileno())
        sync_folder(folder)
    os.rename(place, final)
    sync_folder(final.parent)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
