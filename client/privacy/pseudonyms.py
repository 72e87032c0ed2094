"""Names for patients and cases that only this hospital can tell: HMAC-SHA256 with a key that never leaves its disk.

A plain hash of a patient's id is no pseudonym: whoever has a list of ids hashes them all and compares. With a key of 32
random bytes that cannot be done without the key. `<state>/pseudonym.key` names patients and cases in the records of
participation and of withdrawals; the reading room has a key of its own for what it contributes.

Source: NIST FIPS 198-1 (HMAC); ENISA, Pseudonymisation techniques and best practices, 2019, section 5.1.3.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.atomic import sync_folder
from gmmas_core.types import DataError

KEY = "pseudonym.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class Pseudonyms:
    """The names that one key gives."""

    key: bytes

    def of_patient(self, patient_id: str) -> str:
        """32 hexadecimal digits; the same patient always gets the same."""
        return keyed_digest(self.key, "patient", patient_id)[:32]

    def of_case(self, case_id: str) -> str:
        """32 hexadecimal digits; never those of a patient, even where both have one id."""
        return keyed_digest(self.key, "case", case_id)[:32]


def pseudonyms(state: Path, *records: str) -> Pseudonyms:
    """The site's own; its key is made when there is none.

    Args:
        state: the site's state folder.
        records: files of it that hold names under this key: where one of them is there, a missing key is an error,
            because a new one would not recognise whom they name.

    Raises:
        DataError: the key is damaged, missing beside such a record, or cannot be written.
    """
    kept = [name for name in records if (state / name).exists()]
    if kept and not (state / KEY).exists():
        raise DataError(
            f"{KEY}: found none beside {kept[0]}; expected the key that its names were made with; restore it from a "
            "backup: without it a withdrawn patient is not recognised"
        )
    return Pseudonyms(read_key(state / KEY))


def read_key(path: Path) -> bytes:
    """A key; made when there is none, readable by its owner alone.

    Raises:
        DataError: it is damaged, or cannot be read or written.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: cannot be read or written ({error.strerror}); expected a folder with space that this user "
            "may write; free space or correct the permissions"
        ) from None
    if len(key) != KEY_BYTES:
        raise DataError(
            f"{path.name}: found {len(key)} bytes; expected {KEY_BYTES}; restore it from a backup, "
            "or patients get new names"
        )
    return key


def keyed_digest(key: bytes, kind: str, name: str) -> str:
    """64 hexadecimal digits of a name of one kind."""
    text = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename it never replaces a key that somebody else just made
        sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
