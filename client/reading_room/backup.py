"""A copy of a room that is itself a room: the database first, then the files that it speaks of.

Contributed cases and the key of their names go with it: without the key the same patient would get another name and
could land on both sides of a split.

Files of a study are never changed once their row is written, so what the copied database names is still there when the
files are copied, unless somebody removed the study meanwhile; then its row is taken out of the copy.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from client.reading_room.contributions.pseudonyms import KEY
from client.reading_room.record import REVISIONS
from client.reading_room.room import CONTRIBUTIONS
from client.reading_room.store.database import FILE, back_up, open_database, transaction
from client.reading_room.store.revisions import revisions_of
from client.reading_room.store.studies import worklist
from gmmas_core.atomic import publish_folder
from gmmas_core.types import DataError

EVERYTHING = 10**9


def back_up_room(folder: Path, target: Path) -> int:
    """Copy a room.

    Args:
        folder: of the room.
        target: must not exist yet; appears when everything is in it.

    Returns:
        Number of studies copied.

    Raises:
        DataError: no room, a target that is there already, or a disk that cannot be written.
    """
    if not (folder / FILE).is_file():
        raise DataError("--data: found no reading room; expected the folder of one; give it with --data")
    if target.exists():
        raise DataError("backup: found a target that is there already; expected a new folder; give another name")
    try:
        temporary = Path(tempfile.mkdtemp(dir=target.absolute().parent, prefix=f".{target.name}."))
    except OSError as error:
        raise _unwritable(error) from None
    try:
        with closing(open_database(folder)) as connection:
            back_up(connection, temporary / FILE)
            _copy_contributions(connection, folder, temporary)
        copied = _copy_studies(folder / "studies", temporary)
        for name in (FILE + "-wal", FILE + "-shm"):
            (temporary / name).unlink(missing_ok=True)
        publish_folder(temporary, target)
    except OSError as error:
        raise _unwritable(error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return copied


def _copy_contributions(connection: sqlite3.Connection, folder: Path, temporary: Path) -> None:
    """Inside a transaction: cases come and go in one."""
    with transaction(connection):
        if (folder / CONTRIBUTIONS).is_dir():
            shutil.copytree(folder / CONTRIBUTIONS, temporary / CONTRIBUTIONS)
        if (folder / KEY).is_file():
            shutil.copy2(folder / KEY, temporary / KEY)


def _copy_studies(studies: Path, temporary: Path) -> int:
    copied = 0
    with closing(open_database(temporary)) as copy:
        for study in worklist(copy, limit=EVERYTHING):
            try:
                shutil.copytree(studies / study.id, temporary / "studies" / study.id)
            except (FileNotFoundError, shutil.Error):  # removed since the database was copied
                shutil.rmtree(temporary / "studies" / study.id, ignore_errors=True)
                with transaction(copy):
                    copy.execute("DELETE FROM studies WHERE id = ?", (study.id,))
                continue
            copied += 1
            kept = {revision.folder for revision in revisions_of(copy, study.id)}
            for later in (temporary / "studies" / study.id / REVISIONS).glob("*"):
                if later.name not in kept:
                    shutil.rmtree(later, ignore_errors=True)
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copied


def _unwritable(error: OSError) -> DataError:
    return DataError(f"backup: cannot be written ({error.strerror}); expected free space; choose another folder")
