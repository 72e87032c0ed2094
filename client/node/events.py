"""The site's own record of what its node did, one JSON line per event: `STATE/events.jsonl`.

Read it with `gmmas-site log`. Nothing in it names a patient: reasons are cleaned as if they were to leave the hospital.
A line that cannot be written (a full disk) costs the line, never the round it tells of.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime

from client.node.heartbeat import plain_run
from client.node.rotating_log import append_line
from client.rounds.outward import scrub
from client.site import Site

FILE = "events.jsonl"
EVENTS = (
    *("started", "restarted", "ended", "connected", "unconnected"),
    *("asked", "trained", "summed", "evaluated", "answered", "resent", "refused", "failed"),
    *("paused", "left", "resumed"),
)
LEVELS = ("info", "warning", "error")
FIELDS = ("time", "level", "event", "site", "run", "round", "reason")
MEGABYTE = 10**6


def tell(site: Site, event: str, *, level: str = "info", run_id: str = "", round: int = 0, reason: str = "") -> None:
    """Write one event down.

    Args:
        site: in whose state folder.
        event: one of EVENTS.
        level: one of LEVELS.
        run_id: of the request; what is no plain name is not repeated.
        round: of the request, 0 for none.
        reason: in words; shortened and cleaned.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "event": event,
        "site": site.name,
        "run": plain_run(run_id),
        "round": round,
        "reason": scrub(reason),
    }
    with suppress(OSError):
        append_line(site.state / FILE, json.dumps(line).encode(), log_bytes(site))


def log_bytes(site: Site) -> int:
    """Bytes that one log of this site may take."""
    return int(site.log_megabytes * MEGABYTE)
