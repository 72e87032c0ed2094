"""The site's own log of failures, with their tracebacks; it never leaves the hospital."""

import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from client.node.rotating_log import append_line

FILE = "failures.log"
LIMIT_BYTES = 20 * 10**6


def log_failure(state: Path, error: BaseException, limit_bytes: int = LIMIT_BYTES) -> None:
    """Append an error with its traceback to `failures.log` in the state folder.

    What cannot be written (a full disk) is lost: it must not take the place of the refusal that it explains.
    """
    text = "".join(traceback.format_exception(error))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(OSError):
        append_line(state / FILE, f"{when}\n{text}".encode(errors="replace"), limit_bytes)
