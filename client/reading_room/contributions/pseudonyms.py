"""New names for contributed patients and cases, from a key that never leaves the room's folder.

The same patient gets the same name, so that no split parts them; without the key nobody can tell whose it is.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.atomic import sync_folder
from gmmas_core.types import DataError

KEY = "contributions.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class Names:
    """Of one contribution."""

    patient: str
    case: str


def names_of(folder: Path, patient: str, study_id: str) -> Names:
    """The contribution's names.

    Args:
        folder: of the room; the key is made there when there is none, readable by its owner alone.
        patient: the room's pseudonym.
        study_id: the room's id.

    Raises:
        DataError: the key is damaged.
    """
    key = _key(folder)
    return Names(patient=f"rr-{_digest(key, 'patient', patient)}", case=f"rr-{_digest(key, 'study', study_id)}")


def _digest(key: bytes, kind: str, name: str) -> str:
    return hmac.new(key, f"{kind}\0{name}".encode(), hashlib.sha256).hexdigest()[:16]


def _key(folder: Path) -> bytes:
    path = folder / KEY
    if not path.exists():
        temporary = folder / f".{KEY}.{secrets.token_hex(8)}"
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a rename it never replaces a key that somebody else just made
            sync_folder(folder)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise DataError(
            f"{KEY}: found {len(key)} bytes; expected {KEY_BYTES}; restore it from a backup, or patients get new names"
        )
    return key
