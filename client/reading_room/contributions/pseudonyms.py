"""New names for contributed patients and cases, from a key that never leaves the room's folder.

The same patient gets the same name, so that no split parts them; without the key nobody can tell whose it is.
"""

from dataclasses import dataclass
from pathlib import Path

from client.privacy.pseudonyms import keyed_digest, read_key

KEY = "contributions.key"


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
        DataError: the key is damaged, or cannot be read or written.
    """
    key = read_key(folder / KEY)
    patient, case = (keyed_digest(key, *what)[:16] for what in (("patient", patient), ("study", study_id)))
    return Names(patient=f"rr-{patient}", case=f"rr-{case}")
