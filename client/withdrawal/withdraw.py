"""A patient leaves a site: excluded first, then purged, then looked for again, then written down as done.

Killed at any moment, the same command goes on: what is purged is found anew each time, and nothing that is excluded
comes back. The hospital's own files (images, its table) are the hospital's to delete and are not touched; what
importing and preparing wrote beside them is the program's, and goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from client.exporting.record import Exported, exports_with
from client.node.heartbeat import LIMIT_S, read_beat
from client.reading_room.room import CONTRIBUTIONS
from client.reading_room.store.database import FILE as ROOM_FILE
from client.site import Site
from client.withdrawal import record
from client.withdrawal.exposure import Exposure, exposure
from client.withdrawal.places import traces
from client.withdrawal.room import InRoom, look_into, purge_room
from client.withdrawal.search import is_searchable, traces_left
from client.withdrawal.site_files import still_named
from client.withdrawal.subject import Subject, find_subject
from client.withdrawal.trace import Trace
from gmmas_core.types import DataError

MAX_TEXT = 200


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a withdrawal would do.

    Attributes:
        site: whose.
        subject: who leaves.
        traces: place -> what is to be purged there.
        rooms: the patient in each reading room.
        exposure: what had seen the patient.
        exports: folders that hold the patient; they are the hospital's and are not touched.
        is_known: whether the patient left before.
    """

    site: Site
    subject: Subject
    traces: dict[str, list[Trace]]
    rooms: tuple[InRoom, ...]
    exposure: Exposure
    exports: tuple[Exported, ...]
    is_known: bool

    def counts(self) -> dict[str, int]:
        """Place -> number of things to purge there, places without any left out."""
        found = {place: len(there) for place, there in self.traces.items()}
        found["reading room studies"] = sum(len(room.studies) for room in self.rooms)
        return {place: count for place, count in found.items() if count}


def look_up(site: Site, given: str, rooms: Sequence[Path]) -> Found:
    """Find everything; nothing is changed.

    Args:
        site: of the patient.
        given: participant id or case id.
        rooms: folders of reading rooms; the one whose contributions the site is is looked into anyway.

    Raises:
        DataError: nobody of that id is known here, or a record or a room is damaged.
    """
    subject = find_subject(site, given)
    own = [site.folder.parent] if _is_contributions(site.folder) else []
    folders = {folder.resolve(): folder for folder in (*own, *rooms)}
    is_excluded = record.excluded(site.state)
    found = Found(
        site=site,
        subject=subject,
        traces=traces(site, subject),
        rooms=tuple(look_into(folder, subject) for folder in folders.values()),
        exposure=exposure(site, subject),
        exports=tuple(exports_with(site.state, record.recorded_names(site.state, subject.cases))),
        is_known=any(is_excluded(name, name) for name in subject.patients | subject.cases),
    )
    if not (subject.is_listed or found.is_known or found.exposure.runs or found.exports or _is_anywhere(found)):
        raise DataError("CASE: found nobody of that id; expected a participant id or case id of this site; check it")
    return found


def withdraw(found: Found, by: str = "", reason: str = "") -> dict[str, int]:
    """Do it.

    Args:
        found: of `look_up`.
        by, reason: kept in the record as they are given; may be empty, and may not name the patient.

    Returns:
        Place -> number of things purged.

    Raises:
        DataError: the node is at work, or something cannot be purged. The patient is excluded all the same, and the
            same command goes on.
    """
    _require_plain(found.subject, by=by, reason=reason)
    site, subject = found.site, found.subject
    names = record.own_pseudonyms(site.state)
    who = subject.patient_pseudonyms(names), subject.case_pseudonyms(names)
    if not record.unfinished_cases(site.state, *who) <= set(who[1]):
        raise DataError(
            "withdrawal: found one of this patient that was interrupted, and its rows gone from the table; expected "
            "them there until it is finished; put them back and give the same command again"
        )
    record.begin(site.state, *who, by, reason)
    _require_rest(site)
    purged = _purge(found)
    _require_gone(site.state.name, traces_left(site.state, subject), subject)
    _require_gone("the site folder", still_named(site, subject), subject)
    for room in found.rooms:
        _require_gone(room.folder.name, traces_left(room.folder, subject), subject)
    if purged or not record.is_finished(site.state, *who):
        record.finish(site.state, *who, purged)
    return purged


def _purge(found: Found) -> dict[str, int]:
    purged: dict[str, int] = {}
    place = ""
    try:
        for place, there in found.traces.items():
            for trace in there:
                trace.purge()
                purged[place] = purged.get(place, 0) + 1
    except OSError as error:
        raise DataError(
            f"withdrawal: cannot purge {place} ({error.strerror}); expected a state folder that can be written; "
            "mend that and give the same command again: the patient is excluded already, but not yet purged"
        ) from None
    for room in found.rooms:
        contributions = room.contributions
        if contributions is not None and contributions.folder != found.site.folder and room.contributed.cases:
            # The room's training cases are a site of their own, with its own cache and its own record.
            theirs = _of(contributions, room.contributed)
            for place, count in withdraw(theirs).items():
                purged[f"{CONTRIBUTIONS}: {place}"] = count
        count = purge_room(room, found.subject)
        if count:
            purged["reading room studies"] = purged.get("reading room studies", 0) + count
    return purged


def _of(site: Site, subject: Subject) -> Found:
    return Found(
        site=site,
        subject=subject,
        traces=traces(site, subject),
        rooms=(),
        exposure=exposure(site, subject),
        exports=tuple(exports_with(site.state, record.recorded_names(site.state, subject.cases))),
        is_known=False,
    )


def _is_contributions(folder: Path) -> bool:
    return folder.name == CONTRIBUTIONS and (folder.parent / ROOM_FILE).is_file()


def _is_anywhere(found: Found) -> bool:
    """Replies and residuals of unrecorded runs are purged to be safe; they do not show that anybody was here."""
    told = {place for place, there in found.traces.items() if there} - {"replies", "rounds"}
    return bool(told) or any(room.studies for room in found.rooms)


def _require_plain(subject: Subject, **given: str) -> None:
    for option, text in given.items():
        if len(text) > MAX_TEXT or not text.isprintable():
            raise DataError(f"--{option}: found more than {MAX_TEXT} characters or several lines; expected a few words")
        if any(name.lower() in text.lower() for name in subject.names):
            raise DataError(f"--{option}: found the patient's id in it; expected none: the record is kept for ever")


def _require_rest(site: Site) -> None:
    """A round under way holds the case open, would prepare it again, and ends in an update that is about it."""
    beat = read_beat(site.state)
    is_fresh = beat is not None and (datetime.now(UTC) - beat.time).total_seconds() < LIMIT_S
    if beat is not None and is_fresh and beat.state != "idle":
        raise DataError(
            f"node: found it {beat.state}; expected it idle; the patient is excluded from now on and this round will "
            "send nothing, but nothing is purged yet: give the same command again when gmmas-site health says idle"
        )


def _require_gone(where: str, left: Sequence[str], subject: Subject) -> None:
    if left and is_searchable(subject):
        shown = ", ".join(_hidden(name, subject) for name in left[:5])
        raise DataError(
            f"withdrawal: found the patient still named in {len(left)} files of {where}: {shown}; expected none; "
            "give the same command again, and if they stay remove them by hand"
        )


def _hidden(name: str, subject: Subject) -> str:
    for own in sorted(subject.names, key=len, reverse=True):
        name = name.replace(own, "CASE")
    return name
