"""A signed study becomes a training case of the site, and stops being one when somebody takes it back."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.checks.case import check_case
from client.reading_room.contributions import table
from client.reading_room.contributions.case_files import PROVENANCE, Content, content_of, write_case
from client.reading_room.contributions.pseudonyms import Names, names_of
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import SIGNED, standing
from client.reading_room.store.revisions import newest_revision
from client.reading_room.store.studies import Study, read_study
from client.site import SITE_FILE, read_site, write_site
from client.withdrawal.record import excluded
from gmmas_core import atomic
from gmmas_core.data.manifest import read_manifest
from gmmas_core.data.problems import TABLE
from gmmas_core.types import DataError

CONVENTION = "canonical"


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What was contributed of a study: of which revision, and where mask and labels come from."""

    revision: int
    mask: str
    labels: dict[str, dict[str, str]]


def contribute(connection: sqlite3.Connection, room: Room, record: Record, user: str) -> Contribution:
    """Put a signed study into the folder of contributions; what was contributed of it before is replaced.

    Raises:
        DataError: the study is not signed, was revised since, holds nothing to learn from, or `gmmas-site check` would
            refuse it, or the patient was withdrawn; nothing was changed.
    """
    _require_signature(connection, record)
    content = content_of(record)
    names = names_of(room.folder, record.study.patient, record.study.id)
    _require_here(room, names)
    with _stage(room) as stage:
        write_case(stage / names.case, record, names, content)
        _require_sound(stage, room.site, names, content)
        with transaction(connection):
            _require_signature(connection, record)
            if not (room.contributions / SITE_FILE).exists():
                write_site(room.contributions, room.site, CONVENTION, comment="Cases given by the reading room.")
            atomic.publish_folder(stage / names.case, room.contributions / names.case)
            table.put_row(room.contributions, content.row(names))
            audit.add_line(
                connection,
                at=now(),
                user=user,
                action="contributed",
                study=record.study.id,
                revision=record.revision.number,
            )
    given = contribution_of(room, record.study)
    assert given is not None
    return given


def take_back(connection: sqlite3.Connection, room: Room, study_id: str, user: str) -> None:
    """Remove what was contributed of a study; call it inside a transaction. Models that learnt from it are not undone.

    Raises:
        DataError: no such study, or nothing of it was contributed.
    """
    study = read_study(connection, study_id)
    if not is_given(room, study):
        raise DataError("contribution: found none of this study; expected one; there is nothing to take back")
    names = names_of(room.folder, study.patient, study.id)
    table.drop_row(room.contributions, names.case)
    shutil.rmtree(room.contributions / names.case)
    audit.add_line(connection, at=now(), user=user, action="took contribution back", study=study_id)


def is_given(room: Room, study: Study) -> bool:
    """Whether anything of a study lies in the folder, whole or damaged."""
    return (
        room.contributions.is_dir()
        and (room.contributions / names_of(room.folder, study.patient, study.id).case).exists()
    )


def contribution_of(room: Room, study: Study) -> Contribution | None:
    """What is contributed of a study at present."""
    if not room.contributions.is_dir():
        return None
    names = names_of(room.folder, study.patient, study.id)
    try:
        facts = json.loads((room.contributions / names.case / PROVENANCE).read_bytes())
        return Contribution(revision=facts["revision"], mask=facts["mask"], labels=facts["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _require_signature(connection: sqlite3.Connection, record: Record) -> None:
    decision, newest = standing(connection, record.study.id), newest_revision(connection, record.study.id)
    if decision is None or decision.kind != SIGNED:
        raise DataError("contribution: found a study that is not signed; expected a signature; sign it first")
    if newest is None or not decision.revision == newest.number == record.revision.number:
        raise DataError("contribution: found another revision than the signed one; expected that one; reload the page")


def _require_here(room: Room, names: Names) -> None:
    if (room.contributions / SITE_FILE).is_file():
        is_excluded = excluded(read_site(room.contributions).state)
        if is_excluded(names.patient, names.case):
            raise DataError("contribution: found a patient who was withdrawn; expected one who takes part; leave it")


@contextmanager
def _stage(room: Room) -> Iterator[Path]:
    """A folder beside the contributions, in the same file system; removed afterwards."""
    room.contributions.mkdir(mode=0o700, parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=room.folder, prefix=".contribution."))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _require_sound(stage: Path, site: str, names: Names, content: Content) -> None:
    """What `gmmas-site check` calls an error is refused here, in its words."""
    atomic.write_text(stage / TABLE, table.table_text({names.case: content.row(names)}))
    manifest = read_manifest(stage, site, holdout_share=0.0, validation_share=0.0)
    problems = [*manifest.problems, *(p for case in manifest.cases for p in check_case(case, CONVENTION).problems)]
    errors = [str(problem).replace(f"case {names.case}", "contribution") for problem in problems if problem.is_error]
    if errors:
        raise DataError("\n".join(errors))
