"""What every exported object says about who made it, and the identifiers that make an export repeatable."""

import uuid
from datetime import datetime

from client.reading_room.record import Record
from gmmas_core.software import release

NAME = "GMMAS-Fed"
MANUFACTURER = "GMMAS-Fed (research software)"
RESEARCH = "RESEARCH"
"""Begins every description that an archive or a viewer lists."""

_SPACE = uuid.UUID("6f0f3a52-5d7b-4f0e-9a41-2f8e6a6b7c10")


def identity(record: Record, *what: str) -> uuid.UUID:
    """The same whenever this revision is exported again, and another for anything else.

    Args:
        record: whose study and revision give it.
        what: kind of object and whatever else its content depends on.
    """
    return uuid.uuid5(_SPACE, "\n".join((record.study.id, str(record.revision.number), record.revision.sha256, *what)))


def uid(record: Record, *what: str) -> str:
    """`identity` as DICOM writes it."""
    return f"2.25.{identity(record, *what).int}"


def model_id(record: Record) -> str:
    """Of the model that read the study."""
    return record.revision.model_id


def software() -> str:
    """Version of this software."""
    return release()


def made_at(record: Record) -> datetime:
    """When the revision was made, on this machine's clock: DICOM's dates are local."""
    return datetime.fromisoformat(record.revision.created_at).astimezone()


def is_mask_corrected(record: Record) -> bool:
    """Whether a person changed the outline."""
    corrected = record.document.get("corrected")
    return bool(corrected and corrected["mask"])
