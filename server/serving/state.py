"""superlink/serve.json: that `serve` runs, where, and how its children are; written again every few seconds.

It is there for as long as the server is and taken away by one that ends in order; one that is killed leaves it behind
with a heartbeat that grows old. `health` reads it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.software import installed
from gmmas_core.types import FederationError
from server.serving.child_processes import Children

FILE = "serve.json"
FORMAT = 1
EVERY_S = 5.0
MAX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class ServeState:
    """What serve.json says.

    Attributes:
        pid: of `serve`.
        host, port: on which hospitals are served.
        superlink_port: on this machine.
        started, heartbeat: ISO 8601, UTC.
        release, image: see `software`.
        children: name -> "pid", "alive", and "restarts" since it last lived long.
    """

    pid: int
    host: str
    port: int
    superlink_port: int
    started: str
    heartbeat: str
    release: str
    image: str
    children: Mapping[str, Mapping[str, Any]]

    def age_s(self, now: datetime) -> float:
        """Seconds since the last heartbeat."""
        return (now - datetime.fromisoformat(self.heartbeat)).total_seconds()


@contextmanager
def heartbeat(
    home: Path, started: Children, *, host: str, port: int, superlink_port: int, every_s: float = EVERY_S
) -> Iterator[None]:
    """Keep serve.json fresh inside the `with` block.

    A disk that is full does not end the server: the heartbeat grows old instead, which is what `health` then says.
    """
    own, began = installed(), _now()
    is_over = Event()

    def beat() -> None:
        state = ServeState(
            pid=os.getpid(),
            host=host,
            port=port,
            superlink_port=superlink_port,
            started=began,
            heartbeat=_now(),
            release=own.release,
            image=own.image,
            children=started.condition(),
        )
        with suppress(OSError):
            write_json(home / FILE, {"format": FORMAT, **asdict(state)})

    def keep_beating() -> None:
        while not is_over.wait(every_s):
            beat()

    beat()
    heart = Thread(target=keep_beating, daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()
        with suppress(OSError):
            (home / FILE).unlink(missing_ok=True)


def read_state(home: Path) -> ServeState:
    """What serve.json says.

    Raises:
        FederationError: there is none, or it is not as it was written.
    """
    path = home / FILE
    try:
        raw = path.read_bytes()
    except OSError:
        raise FederationError(
            f"serve: found no {FILE}; expected a server that runs; start gmmas-coordinator serve"
        ) from None
    try:
        values = json.loads(raw if len(raw) <= MAX_BYTES else b"")
        if values.pop("format") != FORMAT:
            raise ValueError
        state = ServeState(**values)
        state.age_s(datetime.now(UTC))
        if not all(0 < port < 2**16 for port in (state.port, state.superlink_port)):
            raise ValueError
        for child in state.children.values():
            if not isinstance(child["alive"], bool) or min(child["pid"], child["restarts"] + 1) < 1:
                raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FederationError(
            f"serve: found a {FILE} of another form; expected format {FORMAT}; restart gmmas-coordinator serve"
        ) from None
    return state


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
