"""restored.json: that a federation folder came out of a backup, and what that means for who may take part.

A backup knows nothing of what was decided after it: a hospital revoked since then may connect again. The note stays,
and `health` repeats it, until a person has looked and removes the file.
"""

import json
from pathlib import Path

from gmmas_core.atomic import write_json
from gmmas_core.preflight import Line

FILE = "restored.json"
WARNING = (
    "everything decided after the backup is undone, revocations of hospitals too: compare gmmas-coordinator list with "
    "your own notes, and revoke, approve and rotate again what is missing"
)


def note_restored(folder: Path, made: str, now: str) -> None:
    """Write the note.

    Args:
        folder: of the federation.
        made: when the backup was made, ISO 8601, UTC.
        now: ISO 8601, UTC.
    """
    write_json(folder / FILE, {"backup": made, "restored": now})


def restored_line(folder: Path) -> list[Line]:
    """A warning, or nothing where nothing was restored."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        made = str(json.loads(path.read_bytes())["backup"])[:40]
    except (OSError, ValueError, TypeError, KeyError):
        made = "an unknown time"
    found = f"found that this folder was restored from a backup of {made}"
    return [Line(name="restored", verdict="warn", found=found, action=f"{WARNING}; then remove {FILE}")]
