"""The site's own log of failures, with their tracebacks; it never leaves the hospital."""

import traceback
from datetime import UTC, datetime
from pathlib import Path


def log_failure(state: Path, error: BaseException) -> None:
    """Append an unexpected error with its traceback to `failures.log` in the state folder."""
    state.mkdir(parents=True, exist_ok=True)
    text = "".join(traceback.format_exception(error))
    with (state / "failures.log").open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{text}\n")
