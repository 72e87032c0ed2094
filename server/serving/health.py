"""`gmmas-coordinator health`: does the server that should be running serve hospitals right now?

Reads serve.json and asks each part itself; changes nothing. `check` asks whether a federation is fit to be served, this
asks whether it is being served, in about a second: fit for a container's health check and for a monitoring system.
"""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gmmas_core.preflight import GIB, Line, by_floor, line_of, not_asked
from gmmas_core.types import DataError, FederationError
from server.backup.restored import restored_line
from server.membership.authority import ca_certificate, server_certificate
from server.membership.federation_file import SOON
from server.serving.serve import LOOPBACK, Server
from server.serving.software_line import software_line
from server.serving.state import ServeState, read_state

STALE_S = 60.0
"""A heartbeat so old is that of a server that was killed, hangs, or cannot write to its disk."""

DISK_FAIL, DISK_WARN = 1 * GIB, 5 * GIB
_NEEDS_SERVER = ("superlink", "executor", "proxy")


def health(folder: Path, now: datetime) -> list[Line]:
    """Every line of the coordinator's health.

    Args:
        folder: of the federation.
        now: UTC.
    """
    server = Server(federation=folder, host=LOOPBACK, port=0, superlink_port=0)
    try:
        state = read_state(server.home)
    except FederationError as error:
        lines = [_failed("serve", error), *not_asked(_NEEDS_SERVER, "serve comes first")]
    else:
        server = Server(federation=folder, host=state.host, port=state.port, superlink_port=state.superlink_port)
        beat = _heartbeat(state, now)
        lines = [beat]
        lines += [_answers("superlink", state.superlink_port, lambda: server.answers(LOOPBACK, state.superlink_port))]
        is_silent = beat.verdict == "fail"
        lines += not_asked(["executor"], "only serve knows it, which is silent") if is_silent else [_executor(state)]
        lines += [_answers("proxy", state.port, server.is_open)]
    lines += _certificates(folder, now)
    free = shutil.disk_usage(folder if folder.is_dir() else folder.parent).free
    lines += [by_floor("disk", "free for the federation folder", free, DISK_FAIL, DISK_WARN, "make room")]
    return [*lines, software_line(), *restored_line(folder)]


def _heartbeat(state: ServeState, now: datetime) -> Line:
    age = state.age_s(now)
    if abs(age) > STALE_S:
        when = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s ahead of the clock"
        found = f"found a heartbeat {when}, of process {state.pid}"
        action = f"expected one within {STALE_S:.0f} s; look at its terminal and its disk, then restart it"
        return Line(name="serve", verdict="fail", found=found, action=action)
    restarts = {name: child["restarts"] for name, child in state.children.items() if child["restarts"]}
    found = f"runs since {state.started}"
    if restarts:
        told = ", ".join(f"{name} {number} times" for name, number in sorted(restarts.items()))
        action = "expected none; see their logs in superlink/"
        return Line(name="serve", verdict="warn", found=f"{found}; restarted lately: {told}", action=action)
    return Line(name="serve", verdict="pass", found=found)


def _executor(state: ServeState) -> Line:
    child = state.children.get("executor")
    if child is not None and child["alive"]:
        return Line(name="executor", verdict="pass", found=f"runs as process {child['pid']}")
    action = "expected it to run, because nothing else plays rounds; see superlink/executor.log"
    return Line(name="executor", verdict="fail", found="found that it has ended", action=action)


def _answers(name: str, port: int, asks: Callable[[], bool]) -> Line:
    if asks():
        return Line(name=name, verdict="pass", found=f"answers on port {port} over TLS")
    log = {"superlink": "superlink.log", "proxy": "nginx.log"}[name]
    action = f"expected /health to answer over TLS; see superlink/{log}"
    return Line(name=name, verdict="fail", found=f"found no answer on port {port}", action=action)


def _certificates(folder: Path, now: datetime) -> list[Line]:
    lines = []
    for name, read in (("authority", ca_certificate), ("server certificate", server_certificate)):
        try:
            ends = read(folder).not_valid_after_utc
        except (FederationError, DataError) as error:
            lines.append(_failed(name, error))
            continue
        days = (ends - now).days
        told = f"{days} days left" if ends > now else f"ended on {ends:%Y-%m-%d}"
        action = {
            "authority": "expected a valid one; make a new federation folder and invite every site again",
            "server certificate": "expected a valid one; run gmmas-coordinator provision --renew-server, then restart",
        }[name]
        if ends - now > SOON:
            lines.append(Line(name=name, verdict="pass", found=told))
        else:
            verdict = "fail" if ends <= now else "warn"
            lines.append(Line(name=name, verdict=verdict, found=f"found {told}", action=action))  # type: ignore[arg-type]
    return lines


def _failed(name: str, error: Exception) -> Line:
    return line_of(name, DataError(str(error)))
