"""A federation and its runs stand up again from a backup, in an empty folder, or nothing is left there.

Everything is written beside its place and checked against the manifest before any of it appears under its name.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from gmmas_core.atomic import sync_folder, write_bytes
from gmmas_core.types import FederationError
from server.backup.archive import TOPS, unpack
from server.backup.restored import note_restored
from server.launching.launch_plan import FILE as LAUNCH_PLAN
from server.launching.launch_plan import moved_plan
from server.ledger import Ledger, verify


def restore(archive: Path, into: Path, now: datetime) -> dict[str, Any]:
    """Unpack a backup.

    Args:
        archive: the file.
        into: a folder that is absent or empty; afterwards it holds federation/ and, where there were any, runs/.
        now: UTC.

    Returns:
        The manifest.

    Raises:
        FederationError: a folder that is not empty, or a backup that is damaged, hostile or has a broken ledger;
            nothing is left then.
    """
    if not archive.is_file():
        raise FederationError(f"{archive.name}: found no such file; expected a backup; check the path")
    if archive.stat().st_size > shutil.disk_usage(_existing(into)).free:
        raise FederationError(f"restore: found less room than {archive.name} takes; expected as much; make room")
    was_there = into.is_dir()
    if into.exists() and (not was_there or any(into.iterdir())):
        raise FederationError(f"{into.name}: found something there; expected an empty folder; choose another")
    temporary = None
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=into, prefix=".restore."))
        manifest = unpack(archive, temporary)
        _finish(temporary, into, manifest, now)
        for top in TOPS:
            if (temporary / top).is_dir():
                os.rename(temporary / top, into / top)
    except OSError as error:
        raise FederationError(
            f"restore: found that it cannot be written ({error.strerror}); expected room and permission"
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if not was_there:
            with suppress(OSError):
                into.rmdir()  # only if nothing was restored
    sync_folder(into)
    return manifest


def _finish(temporary: Path, into: Path, manifest: dict[str, Any], now: datetime) -> None:
    """Modes, the note, a line in every ledger, the federation's new place in launch plans; a broken chain ends it."""
    federation = temporary / "federation"
    if not federation.is_dir():
        raise FederationError("backup: found no federation in it; expected a whole backup; use another")
    for name, file in manifest["files"].items():
        (temporary / name).chmod(file["mode"])
    for run in sorted((temporary / "runs").glob("*")):
        ledger = run / "ledger.jsonl"
        if not ledger.is_file() or verify(ledger):
            raise FederationError(f"backup: found a broken ledger in runs/{run.name}; expected an unbroken chain")
        Ledger(ledger).append("restored", backup=manifest["made"])
        plan = run / LAUNCH_PLAN
        if plan.is_file():
            here = (into / "federation").resolve()
            write_bytes(plan, moved_plan(plan.read_bytes(), Path(str(manifest.get("folder"))), here))
    note_restored(federation, manifest["made"], now.isoformat(timespec="seconds"))


def _existing(path: Path) -> Path:
    """The nearest folder above that is there."""
    return next(parent for parent in (path, *path.resolve().parents) if parent.is_dir())
