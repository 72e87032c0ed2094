"""Every place that the program writes to, and whether a case leaves a trace there. A new writer adds itself here.

| place | what it holds of a case | when the patient leaves |
|---|---|---|
| prepared/ | its images on the network's grid, its mask | removed, under every configuration |
| quality/ | what the checks of its images say, a picture | removed; the page is elsewhere: make it anew |
| pseudo_labels/ | rows, refused ones too, and masks | rows and masks removed, the table published anew |
| reports/ | scores per case, pictures | pages and files that name it removed; `gmmas-site evaluate` writes them anew |
| replies/, rounds/ | weights trained with it | those of runs that it was part of are removed: nothing that it was |
| | | part of leaves after it has left, and its rounds are not trained anew |
| secure/ | the same, of rounds under masks | the same; a phase that was waited for is then answered no more |
| statistics/ | what was measured of its images, and | files that name it removed, measured anew when asked; of |
| | digests of the cells it was counted in | the patient's cells no digest stays in the last answer |
| events.jsonl, failures.log | its name, in an error | the name overwritten |
| import.json, sequences.tsv, | of the data folder: where it came from, | its rows and entries removed, raw.json too, |
| CASE/raw.json | what its series were called | and all that a killed `prepare --raw` left |
| unfinished files (`.NAME.XXXX`) | what a killed process was writing | removed where they name it |

The rest (`NAMELESS`) holds no case: settings, keys, weights of the federation, sums above the cohort floor, and hash
chains in which cases have keyed pseudonyms, which must not change. `search.traces_left` looks through all of it in the
end and is believed more than this table.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from client.node.events import FILE as EVENTS
from client.node.rotating_log import files_of
from client.node.site_log import FILE as FAILURES
from client.privacy.participation import participation, rounds_with
from client.site import Site
from client.statistics.patients import FOLDER
from client.statistics.stored_answer import FILE as ANSWER
from client.statistics.stored_answer import forget, holds_any, read_stored
from client.withdrawal.pseudo_tables import rewrite_without, tables_with
from client.withdrawal.record import recorded_names
from client.withdrawal.search import blacken, is_named
from client.withdrawal.site_files import site_files
from client.withdrawal.subject import Subject
from client.withdrawal.trace import Trace
from gmmas_core.data.cache import safe_name

NAMELESS = (
    *("attendance.json", "coordinator.json", "egress.jsonl", "enrolment", "exports.jsonl", "flower", "heartbeat.json"),
    *("models", "participation.jsonl", "peers.json", "populations.json", "populations.json.lock"),
    *("privacy_budget.head", "privacy_budget.jsonl", "privacy_budget.lock", "pseudonym.key", "server_answered"),
    *("withdrawals.jsonl", "witness.jsonl"),
)
"""Places without a trace of a case."""


def traces(site: Site, subject: Subject) -> dict[str, list[Trace]]:
    """Everything that is to be purged, by place; nothing is changed.

    Raises:
        DataError: the record of participation was changed.
    """
    return {place: list(find(site, subject)) for place, find in PLACES.items()}


def _prepared(site: Site, subject: Subject) -> Iterator[Trace]:
    for case in sorted(subject.cases):
        for home in sorted((site.state / "prepared").glob(f"*/{safe_name(case)}")):
            yield Trace(path=home, purge=partial(_remove_locked, home))


def _remove_locked(home: Path) -> None:
    """A case's cache entries, not under the hands of whoever prepares it at this moment."""
    home.mkdir(exist_ok=True)
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        shutil.rmtree(home)
    finally:
        os.close(handle)


def _quality(site: Site, subject: Subject) -> Iterator[Trace]:
    for case in sorted(subject.cases):
        home = site.state / "quality" / safe_name(case)
        if home.exists():
            yield Trace(path=home, purge=partial(shutil.rmtree, home))


def _pseudo_labels(site: Site, subject: Subject) -> Iterator[Trace]:
    for path in tables_with(site.state, subject):
        yield Trace(path=path, purge=partial(rewrite_without, path, subject))


def _reports(site: Site, subject: Subject) -> Iterator[Trace]:
    """A page and its numbers go together."""
    files = _files(site.state / "reports")
    named = {path.with_suffix("") for path in files if is_named(path.read_bytes(), subject)}
    for path in files:
        if path.with_suffix("") in named or is_named(path.name.encode(), subject):
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))


def _weights(place: str, site: Site, subject: Subject) -> Iterator[Trace]:
    """Of runs that the case was part of, or that were begun before participation was recorded."""
    lines, cases = participation(site.state), recorded_names(site.state, subject.cases)
    clean = {line["run_id"] for line in lines} - {line["run_id"] for line in rounds_with(lines, cases)}
    home = site.state / place
    for path in _files(home):
        folders = path.relative_to(home).parts[:-1]
        if folders and not clean & {*folders}:
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))


def _statistics(site: Site, subject: Subject) -> Iterator[Trace]:
    for path in _files(site.state / "statistics"):
        if is_named(path.read_bytes(), subject):
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))
    answer = read_stored(site)
    if answer is not None and holds_any(answer, subject.patients):
        yield Trace(path=site.state / FOLDER / ANSWER, purge=partial(forget, site, subject.patients))


def _log(name: str, site: Site, subject: Subject) -> Iterator[Trace]:
    for path in files_of(site.state / name):
        if is_named(path.read_bytes(), subject):
            yield Trace(path=path, purge=partial(blacken, path, subject))


def _unfinished(site: Site, subject: Subject) -> Iterator[Trace]:
    """What `atomic` was writing into the state folder itself when its process was killed."""
    for path in sorted(site.state.glob(".*")):
        if path.is_file() and is_named(path.read_bytes(), subject):
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


PLACES: Mapping[str, Callable[[Site, Subject], Iterator[Trace]]] = {
    "prepared": _prepared,
    "quality": _quality,
    "pseudo_labels": _pseudo_labels,
    "reports": _reports,
    "replies": partial(_weights, "replies"),
    "rounds": partial(_weights, "rounds"),
    "secure": partial(_weights, "secure"),
    "statistics": _statistics,
    EVENTS: partial(_log, EVENTS),
    FAILURES: partial(_log, FAILURES),
    "unfinished": _unfinished,
    "site_files": site_files,
}
"""Name of a place in the state folder, or `site_files` -> what of the patient lies there."""
