"""The answer that was given last, kept so that asking again tells nothing new.

Noise is drawn once: the same data get the same noised answer, however often anybody asks, or its mean would be the
truth. And a data set in which fewer patients than the floor came, left or changed gets the old answer, or the
difference of two answers would be about those few. From the floor on a new answer is made; the difference of the two is
about at least that many patients, though a single cell of it may be about fewer: only noise covers that. Each new
answer spends statistics_epsilon again, and how many were made is counted.

Patients stand in the file as keyed digests; the key lies beside them, so the file belongs into the hospital.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.site import Site
from client.statistics.patients import FOLDER
from gmmas_core.atomic import write_json
from gmmas_core.statistics.form import VERSION, Statistics, require_form
from gmmas_core.types import DataError, FederationError

FILE = "answer.json"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An answer and what it was made from.

    Attributes:
        told: the answer.
        form: VERSION of the form when it was made.
        key: hex, of the digests.
        patients: digest of a patient -> digest of the cells in which the patient was counted.
        made: answers made so far, this one included.
        spent: sum of the epsilons of their noise.
    """

    told: Statistics
    form: int
    key: str
    patients: Mapping[str, str]
    made: int
    spent: float


def read_stored(site: Site) -> Stored | None:
    """The last answer, None when none was ever made.

    Raises:
        DataError: there is one that cannot be read; a fresh one might tell by its difference, so a person must decide.
    """
    try:
        content = json.loads(_file(site).read_bytes())
        counts = {str(name): tuple(map(int, cells)) for name, cells in content["told"].pop("counts").items()}
        stored = Stored(**{**content, "told": Statistics(**content["told"], counts=counts)})
        if stored.form == VERSION:
            require_form(counts)
        return stored
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, FederationError):
        raise DataError(
            f"{FILE}: found a stored answer that cannot be read; expected it as it was written; restore it, or remove "
            "the file if the old answer and a new one may both be known"
        ) from None


def store(site: Site, told: Statistics, patients: Mapping[str, Mapping[str, int]], before: Stored | None) -> Stored:
    """Keep a new answer, durably, before it is told to anybody."""
    key = secrets.token_hex(32) if before is None else before.key
    stored = Stored(
        told=told,
        form=VERSION,
        key=key,
        patients=_digests(patients, key),
        made=1 + (before.made if before is not None else 0),
        spent=told.epsilon + (before.spent if before is not None else 0.0),
    )
    write_json(_file(site), asdict(stored))
    return stored


def changed(stored: Stored, patients: Mapping[str, Mapping[str, int]]) -> int:
    """Patients who came, left, or are counted in another cell since an answer was made."""
    now = _digests(patients, stored.key)
    return sum(now.get(name) != stored.patients.get(name) for name in now.keys() | stored.patients.keys())


def holds_any(stored: Stored, patients: Collection[str]) -> bool:
    """Whether an answer still knows in which cells any of these patients was counted."""
    return any(stored.patients.get(_digest(patient, stored.key)) for patient in patients)


def forget(site: Site, patients: Collection[str]) -> None:
    """Take from the answer in which cells patients were counted; that they are gone still counts as a change.

    The key of the digests lies beside them: whoever knows an id could try cells until the digest fits.

    Raises:
        DataError: see `read_stored`.
        OSError: the file cannot be written.
    """
    stored = read_stored(site)
    if stored is not None and holds_any(stored, patients):
        gone = dict.fromkeys((_digest(patient, stored.key) for patient in patients), "")
        known = {name: gone.get(name, cells) for name, cells in stored.patients.items()}
        write_json(_file(site), asdict(replace(stored, patients=known)))


def is_valid(stored: Stored, site: str, floor: int, epsilon: float) -> bool:
    """Whether an answer was made under this policy; the hospital alone can change it."""
    told = stored.told
    return (stored.form, told.site, told.floor, told.epsilon) == (VERSION, site, floor, epsilon)


def _digests(patients: Mapping[str, Mapping[str, int]], key: str) -> dict[str, str]:
    return {_digest(name, key): _digest([name, sorted(cells.items())], key) for name, cells in patients.items()}


def _digest(value: Any, key: str) -> str:
    return hmac.new(bytes.fromhex(key), json.dumps(value).encode(), hashlib.sha256).hexdigest()


def _file(site: Site) -> Path:
    return site.state / FOLDER / FILE
