"""Who has left: `<state>/withdrawals.jsonl`, a hash chain that names patients and cases by keyed pseudonym alone.

Two lines per withdrawal. "begun" is on disk before anything is purged: from then on the case is not read, whatever
happens next. "finished" says what was purged; a withdrawal without it was interrupted, and the same command goes on.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.exporting.record import FILE as EXPORTS
from client.privacy.participation import FILE as PARTICIPATION
from client.privacy.pseudonyms import Pseudonyms, pseudonyms
from gmmas_core import hash_chain

FILE = "withdrawals.jsonl"
BEGUN, FINISHED = "begun", "finished"

IsExcluded = Callable[[str, str], bool]
"""(patient id, case id) -> whether the case may not be read."""


def own_pseudonyms(state: Path) -> Pseudonyms:
    """The site's, with every record that depends on them.

    Raises:
        DataError: see `pseudonyms`.
    """
    return pseudonyms(state, FILE, PARTICIPATION, EXPORTS)


def recorded_names(state: Path, cases: Iterable[str]) -> set[str]:
    """Pseudonyms of cases, where there is any record that could hold them; else none, and no key is made.

    Raises:
        DataError: see `pseudonyms`.
    """
    if not any((state / name).exists() for name in (FILE, PARTICIPATION, EXPORTS)):
        return set()
    names = own_pseudonyms(state)
    return {names.of_case(case) for case in cases}


def excluded(state: Path) -> IsExcluded:
    """Who may not be read any more.

    Raises:
        DataError: the record was changed, or its key is gone: nothing is read rather than somebody who has left.
    """
    lines = withdrawals(state)
    if not lines:
        return nobody
    left = {name for line in lines if line["kind"] == BEGUN for name in (*line["patients"], *line["cases"])}
    names = own_pseudonyms(state)
    return lambda patient_id, case_id: names.of_patient(patient_id) in left or names.of_case(case_id) in left


def nobody(patient_id: str, case_id: str) -> bool:
    """At a site that nobody has left."""
    return False


def unfinished_cases(state: Path, patients: list[str], cases: list[str]) -> set[str]:
    """Cases, by pseudonym, of withdrawals of any of these that were begun and not carried out to their end."""
    lines, who = withdrawals(state), {*patients, *cases}
    done = [(line["patients"], line["cases"]) for line in lines if line["kind"] == FINISHED]
    begun = [line for line in lines if line["kind"] == BEGUN and who & {*line["patients"], *line["cases"]}]
    return {case for line in begun if (line["patients"], line["cases"]) not in done for case in line["cases"]}


def is_finished(state: Path, patients: list[str], cases: list[str]) -> bool:
    """Whether a withdrawal of just these, given by pseudonym, was carried out to its end."""
    done = [line for line in withdrawals(state) if line["kind"] == FINISHED]
    return any((line["patients"], line["cases"]) == (sorted(patients), sorted(cases)) for line in done)


def begin(state: Path, patients: list[str], cases: list[str], by: str, reason: str) -> None:
    """Exclude patients and cases, given by pseudonym; a withdrawal that began before is not begun again.

    Raises:
        DataError: the line cannot be written; then nothing may be purged.
    """
    for line in withdrawals(state):
        if line["kind"] == BEGUN and set(patients) <= set(line["patients"]) and set(cases) <= set(line["cases"]):
            return
    told = {"by": by, "reason": reason, "cases": sorted(cases), "patients": sorted(patients)}
    hash_chain.append(state / FILE, {"kind": BEGUN, "time": _now(), **told})


def finish(state: Path, patients: list[str], cases: list[str], purged: Mapping[str, int]) -> None:
    """Say what was purged.

    Args:
        state: the site's.
        patients, cases: by pseudonym.
        purged: kind of trace -> how many.

    Raises:
        DataError: the line cannot be written.
    """
    told = {"cases": sorted(cases), "patients": sorted(patients), "purged": dict(purged)}
    hash_chain.append(state / FILE, {"kind": FINISHED, "time": _now(), **told})


def withdrawals(state: Path) -> tuple[dict[str, Any], ...]:
    """All lines, oldest first.

    Raises:
        DataError: a line was changed.
    """
    return hash_chain.verify(state / FILE).entries


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
