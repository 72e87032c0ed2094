"""`gmmas-coordinator check`: is a federation folder whole, its server fit to serve, and who of its hospitals can come?

Asks everything, changes nothing. Floors: of the folder's disk 5 GiB must be free (fail) and 50 GiB should be (warn: a
run of the `paper` preset keeps up to 18 checkpoints of 250 MB); of memory, 4 GiB must be there and 16 GiB should.
"""

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from gmmas_core.preflight import GIB, Line, Verdict, by_floor, line_of, memory, not_asked
from gmmas_core.types import ConfigError, DataError, FederationError
from server.membership import authority, members
from server.membership.federation_file import Federation, read_federation
from server.membership.registration import superlink
from server.serving.front_door import nginx
from server.serving.software_line import software_line

DISK_FAIL, DISK_WARN = 5 * GIB, 50 * GIB
MEMORY_FAIL, MEMORY_WARN = 4 * GIB, 16 * GIB
_NEEDS_FILE = ("certificates", "authority key", "hospitals", "server")


def preflight(folder: Path, address: str, now: datetime) -> list[Line]:
    """Every line of the coordinator's preflight.

    Args:
        folder: of the federation.
        address: HOST:PORT of the SuperLink, as launch and approve use it.
        now: UTC.
    """
    try:
        federation = read_federation(folder)
    except (ConfigError, FederationError) as error:
        lines = [_failed("federation.yaml", error), *not_asked(_NEEDS_FILE, "federation.yaml comes first")]
    else:
        found = f"{federation.name}, {len(federation.sites)} hospitals, served at {federation.address}"
        lines = [Line(name="federation.yaml", verdict="pass", found=found)]
        lines += _asked("certificates", lambda: _certificates(folder, federation, now))
        lines += _asked("authority key", lambda: [_authority_key(folder)])
        lines += _asked("hospitals", lambda: _hospitals(folder, federation, now))
        lines += _asked("server", lambda: [_server(folder, address)])
    lines += _asked("nginx", lambda: [Line(name="nginx", verdict="pass", found=f"installed at {nginx()}")])
    free = shutil.disk_usage(folder if folder.is_dir() else folder.parent).free
    lines += [by_floor("disk", "free for the federation folder", free, DISK_FAIL, DISK_WARN, "make room")]
    return [*lines, software_line(), memory(MEMORY_FAIL, MEMORY_WARN)]


def _asked(name: str, question: Callable[[], list[Line]]) -> list[Line]:
    try:
        return question()
    except (ConfigError, DataError, FederationError, OSError) as error:
        return [_failed(name, error)]


def _failed(name: str, error: Exception) -> Line:
    return line_of(name, DataError(str(error)))


def _certificates(folder: Path, federation: Federation, now: datetime) -> list[Line]:
    ended = [
        (name, certificate.not_valid_after_utc)
        for name, certificate in (
            ("authority", authority.ca_certificate(folder)),
            ("server", authority.server_certificate(folder)),
        )
        if certificate.not_valid_after_utc <= now
    ]
    lines = [
        Line(name="certificates", verdict="fail", found=f"found that the {name}'s ended on {end:%Y-%m-%d}")
        for name, end in ended
    ]
    warned = authority.warnings(folder, federation, now)
    lines += [Line(name="certificates", verdict="warn", found=warning) for warning in warned]
    return lines or [Line(name="certificates", verdict="pass", found="hold, and name the server's address")]


def _authority_key(folder: Path) -> Line:
    key = folder / authority.CA_KEY
    if not key.exists():
        return Line(name="authority key", verdict="pass", found="is kept elsewhere")
    if key.stat().st_mode & 0o077:
        action = f"expected its owner's alone; run chmod 600 {authority.CA_KEY}"
        return Line(name="authority key", verdict="fail", found="found that others can read it", action=action)
    action = "expected offline where that is possible; it is needed to renew the server's certificate and nothing else"
    return Line(name="authority key", verdict="warn", found="found on this machine", action=action)


def _hospitals(folder: Path, federation: Federation, now: datetime) -> list[Line]:
    lines = []
    for site in federation.sites:
        standing = members.standing(members.read_member(folder, site), now)
        verdict, action = _STANDINGS[standing]
        lines.append(Line(name=f"hospital {site}", verdict=verdict, found=standing, action=action.format(site=site)))
    return lines


_STANDINGS: Mapping[str, tuple[Verdict, str]] = {
    members.APPROVED: ("pass", ""),
    members.REVOKED: ("pass", ""),
    members.INVITED: ("warn", "its answer has not been approved yet"),
    "expires soon": ("warn", "run rotate {site}"),
    "expired": ("fail", "it is left out of every run; run rotate {site}"),
    "invitation expired": ("warn", "run rotate {site} for another"),
}


def _server(folder: Path, address: str) -> Line:
    with superlink(folder, address) as link:
        if link.is_healthy():
            return Line(name="server", verdict="pass", found=f"answers at {address}")
    action = "expected a SuperLink of this federation; run gmmas-coordinator serve, or give its --superlink"
    return Line(name="server", verdict="warn", found=f"found none at {address}", action=action)
