"""What this hospital answers when it is asked for its statistics; `gmmas-site stats` and the node call the same."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from client.site import Site
from client.statistics.patients import FOLDER, Progress, patients_of
from client.statistics.stored_answer import Stored, changed, is_valid, read_stored, store
from gmmas_core.statistics.form import Counts, Statistics
from gmmas_core.statistics.noise import noised
from gmmas_core.statistics.patient import count
from gmmas_core.statistics.suppress import effective_floor, hide_small, suppress
from gmmas_core.types import DataError, FederationError

PER_SITE, SUMMED = "per_site", "summed"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """For the hospital's own eyes.

    Attributes:
        counts: every cell, as it is.
        stored: the answer that leaves; None where policy lets none out.
        changed: patients who came, left or changed since that answer was made.
        refusal: why none leaves, "" where one does.
    """

    counts: Counts
    stored: Stored | None
    changed: int
    refusal: str


def count_site(site: Site, on_progress: Progress) -> Counted:
    """Count, and make the answer that would be sent, or find the one that was made before.

    Raises:
        DataError: see `patients_of` and `read_stored`.
    """
    patients = patients_of(site, on_progress)
    refusal = refusal_of(site)
    if refusal:
        return Counted(counts=count(patients.values()), stored=None, changed=0, refusal=refusal)
    stored = _answer(site, patients)
    return Counted(counts=count(patients.values()), stored=stored, changed=changed(stored, patients), refusal="")


def tell_statistics(site: Site, on_progress: Progress) -> Statistics:
    """The answer to the coordinator, through the gate.

    Raises:
        FederationError: policy lets none out.
        DataError: see `count_site`.
    """
    refusal = refusal_of(site)
    if refusal:
        raise FederationError(refusal)
    return gate_statistics(_answer(site, patients_of(site, on_progress)).told, site)


def gate_statistics(told: Statistics, site: Site) -> Statistics:
    """The last look, which trusts none of the steps before.

    Raises:
        DataError: a cell below the cohort floor, or another policy than the site's; nothing leaves then.
    """
    if told.floor < site.cohort_floor or told.epsilon != (site.privacy.statistics_epsilon or 0.0):
        raise DataError("policy: found statistics made under another policy; expected this site's; nothing was sent")
    if any(0 < cell < site.cohort_floor for cells in told.counts.values() for cell in cells):
        raise DataError("policy: found a cell below the cohort floor; expected none; nothing was sent")
    return told


def refusal_of(site: Site) -> str:
    """Why policy lets no statistics out, in words fit for the coordinator; "" where it does."""
    if site.privacy.statistics == PER_SITE:
        return ""
    if site.privacy.statistics == SUMMED:
        return (
            "policy: found that this site tells statistics only inside a secure sum; expected one, which statistics do "
            "not have yet; go on without this site's"
        )
    return "policy: found that this site tells no statistics; expected to go on without"


def _answer(site: Site, patients: Mapping[str, Mapping[str, int]]) -> Stored:
    floor, epsilon = effective_floor(site.cohort_floor), float(site.privacy.statistics_epsilon or 0.0)
    with _alone(site):
        stored = read_stored(site)
        is_same = stored is not None and is_valid(stored, site.name, floor, epsilon)
        if stored is not None and is_same and changed(stored, patients) < floor:
            return stored
        counts = count(patients.values())
        if epsilon:
            noisy = noised(counts, epsilon, secrets.randbelow)
            shown = {name: hide_small(cells, floor) for name, cells in noisy.items()}
        else:
            shown = suppress(counts, floor)
        told = Statistics(site=site.name, floor=floor, epsilon=epsilon, counts=shown)
        return store(site, told, patients, stored)


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    """One process at a time: two that make an answer at once would make two."""
    folder = site.state / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # closing releases the lock
