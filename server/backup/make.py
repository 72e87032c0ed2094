"""What a coordinator needs to stand up again elsewhere, copied while it serves and plays.

Of the federation: federation.yaml, the authority and the server's keys and certificates, the members, the open
invitations, and a consistent copy of the SuperLink's database, which holds the registered keys. Of each run folder:
configuration, launch plan, open orders, every checkpoint that reads back, and then the ledger: a ledger may be ahead of
its checkpoints, as after a crash, never behind. Reports are made again from the ledger; releases are signed copies that
hospitals have and are not part of it.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gmmas_core.software import installed
from gmmas_core.types import DataError, FederationError
from server.backup.archive import Packer, packing
from server.launching.launch_plan import FILE as LAUNCH_PLAN
from server.membership.federation_file import FEDERATION_FILE, read_federation
from server.records.checkpoints import checkpoints_of, path_of, read_checkpoint
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock
from server.serving.serve import DATABASE, STATE

FOLDERS = ("ca", "server", "members", "invitations")
BUSY_S = 60.0
"""How long the database is waited for while somebody writes into it."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What was written: its path, how many files and bytes, and the newest checkpoint's round by run folder."""

    path: Path
    files: int
    bytes: int
    runs: dict[str, int | None]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"path": str(self.path), "files": self.files, "bytes": self.bytes, "runs": self.runs}


def back_up(folder: Path, runs: Sequence[Path], out: Path, now: datetime) -> Backup:
    """Write a backup in one step, readable by its owner only.

    Args:
        folder: of the federation.
        runs: run folders, of different names.
        out: the file to be written; nothing may be there.
        now: UTC.

    Raises:
        ConfigError: no readable federation.yaml.
        FederationError: a folder that is no run, two of the same name, a file that is there, or a disk without room.
    """
    federation, own = read_federation(folder), installed()
    _require_runs(runs)
    about = {
        "made": now.isoformat(timespec="seconds"),
        "federation": federation.name,
        "folder": str(folder.resolve()),
        "release": own.release,
        "image": own.image,
    }
    rounds: dict[str, int | None] = {}
    try:
        with packing(out, about) as packer:
            with run_lock(folder):  # no longer: a hospital must be shut out while gigabytes of runs are copied
                _add_federation(packer, folder, out.parent)
            for run in runs:
                rounds[run.resolve().name] = _add_run(packer, RunFolder(run), f"runs/{run.resolve().name}")
    except OSError as error:
        raise FederationError(
            f"backup: found that it cannot be written ({error.strerror}); expected room and permission beside "
            f"{out.name}"
        ) from None
    size = sum(file["bytes"] for file in packer.files.values())
    return Backup(path=out, files=len(packer.files), bytes=size, runs=rounds)


def _require_runs(runs: Sequence[Path]) -> None:
    names = [run.resolve().name for run in runs]
    for run in runs:
        if not RunFolder(run).ledger.is_file():
            raise FederationError(f"--runs {run.name}: found no ledger.jsonl; expected the folder of a run")
    if len({name.casefold() for name in names}) != len(names):
        raise FederationError("--runs: found two folders of the same name; expected different ones; back up one alone")


def _add_federation(packer: Packer, folder: Path, room: Path) -> None:
    packer.add_path(f"federation/{FEDERATION_FILE}", folder / FEDERATION_FILE)
    for top in FOLDERS:
        for path in _files_of(folder / top):
            packer.add_path(f"federation/{path.relative_to(folder).as_posix()}", path)
    database = folder / STATE / DATABASE
    if database.is_file():
        with tempfile.TemporaryDirectory(dir=room, prefix=".backup.") as home:
            copy = Path(home) / DATABASE
            _copy_database(database, copy)
            packer.add_path(f"federation/{STATE}/{DATABASE}", copy)


def _files_of(folder: Path) -> Iterator[Path]:
    """Files, also behind links, as Kubernetes mounts keys; none that is hidden, as one that is being written."""
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not is_hidden:
            yield path


def _own_files_of(folder: Path) -> Iterator[Path]:
    """Those that are in a folder themselves: what a link in a run's folder leads to is no part of the run."""
    return (path for path in _files_of(folder) if not path.is_symlink())


def _copy_database(database: Path, copy: Path) -> None:
    """One moment of it, whoever writes meanwhile."""
    try:
        with (
            closing(sqlite3.connect(database, timeout=BUSY_S)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # Without the sidecar files that the server's own mode would ask for.
            target.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise FederationError(f"{STATE}/{DATABASE}: found that it cannot be copied ({error}); try again") from None
    if verdict != "ok":
        raise FederationError(f"{STATE}/{DATABASE}: found it damaged; expected a sound database; see server/README.md")


def _add_run(packer: Packer, folder: RunFolder, where: str) -> int | None:
    """The newest round of which a checkpoint was taken along."""
    newest = None
    for path in (folder.config, folder.path / LAUNCH_PLAN, *_own_files_of(folder.orders)):
        with suppress(FileNotFoundError):  # an order may be taken at any moment
            packer.add_path(f"{where}/{path.relative_to(folder.path).as_posix()}", path)
    for number in reversed(checkpoints_of(folder.checkpoints)):
        if _add_checkpoint(packer, folder, number, where):
            newest = number if newest is None else newest
    content = folder.ledger.read_bytes()
    packer.add_bytes(f"{where}/{folder.ledger.name}", content[: content.rfind(b"\n") + 1])
    return newest


def _add_checkpoint(packer: Packer, folder: RunFolder, number: int, where: str) -> bool:
    """Whether it is whole; its files are held open first, so that pruning it meanwhile changes nothing."""
    path = path_of(folder.checkpoints, number)
    with ExitStack() as stack:
        try:
            files = [stack.enter_context(file.open("rb")) for file in _own_files_of(path)]
            read_checkpoint(path)
        except (OSError, DataError):
            return False
        for file in files:
            name = f"{where}/{folder.checkpoints.name}/{path.name}/{Path(file.name).name}"
            packer.add(name, file, os.fstat(file.fileno()).st_size)
    return True
