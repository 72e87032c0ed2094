"""Signs of life of this hospital's node: `STATE/heartbeat.json`, and what `gmmas-site health` reads from it.

The worker beats while it waits for messages. While a message's own process lives, only that one beats, from a thread of
its own and for as long as its work moves: a process that hangs or is stopped lets the file grow old, whichever of the
two it is. A beat that cannot be written is none, so a full disk shows as a stale one.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from gmmas_core.atomic import write_json

FILE = "heartbeat.json"
BEAT_S = 5.0
LIMIT_S = 120.0
"""A heartbeat older than this is stale, unless a person says otherwise."""

STILL_S = 3600.0
"""Work that has begun no step, crop or case for so long counts as hanging; the longest of them takes minutes."""

MAX_BYTES = 2**14
_RUN = re.compile(r"[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What a node is at: "idle", "training", "evaluating" or "counting", and of which run and round."""

    state: str = "idle"
    run_id: str = ""
    round: int = 0


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One heartbeat as it was read."""

    time: datetime
    state: str
    run_id: str
    round: int
    process: int


_doing: dict[Path, Doing] = {}  # of this process, by state folder
_moved_at: dict[Path, float] = {}  # likewise, monotonic seconds


def beat(state: Path) -> None:
    """Write that this process lives, and what it is at."""
    doing = _doing.get(state, Doing())
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with suppress(OSError):
        write_json(state / FILE, {"time": now, **asdict(doing), "process": os.getpid()})


@contextmanager
def at_work(state: Path, what: str, run_id: str, round: int) -> Iterator[None]:
    """This process trains or evaluates until the block ends."""
    _doing[state] = Doing(state=what, run_id=plain_run(run_id), round=round)
    beat(state)
    try:
        yield
    finally:
        del _doing[state]
        beat(state)


def moved(state: Path) -> None:
    """The work of this process has just begun another step, crop or case."""
    _moved_at[state] = time.monotonic()


def beat_if_moving(state: Path, still_s: float = STILL_S) -> None:
    """`beat`, unless the work has stood still for so many seconds."""
    if time.monotonic() - _moved_at.get(state, float("-inf")) <= still_s:
        beat(state)


def keep_beating(state: Path) -> None:
    """Beat from a thread of its own while the work moves: a step on a CPU can take longer than the limit."""
    moved(state)

    def run() -> None:
        while True:
            beat_if_moving(state)
            time.sleep(BEAT_S)

    threading.Thread(target=run, daemon=True, name="heartbeat").start()


class Pulse:
    """Does something at most every BEAT_S, for a loop that turns more often."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._last = float("-inf")

    def beat(self) -> None:
        """Act if it is time."""
        if time.monotonic() - self._last >= BEAT_S:
            self._act()
            self._last = time.monotonic()


def plain_run(run_id: str) -> str:
    """A run id that came over the wire, "" where it is no plain name."""
    return run_id if _RUN.fullmatch(run_id) else ""


def read_beat(state: Path) -> Beat | None:
    """The newest heartbeat, None when there is none that can be read."""
    try:
        with (state / FILE).open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        return Beat(
            time=datetime.fromisoformat(content["time"]).astimezone(UTC),
            state=str(content["state"]),
            run_id=str(content["run_id"]),
            round=int(content["round"]),
            process=int(content["process"]),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
