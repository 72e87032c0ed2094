"""Files of a revision, only as its findings name them."""

import hashlib

from client.reading_room.record import MASK, Record
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import DataError


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
