"""`gmmas-site check DIR --connect`: would this hospital's node start, reach its federation and have room to work?

Asks everything, changes nothing, and lists all answers at once. The floors are simple and stated here: on the
state folder's disk 2 GiB must be free (fail) and 20 GiB should be (warn; prepared cases and replies lie there); of
memory, 4 GiB must be there and 16 GiB should (the container's limit counts where there is one); of /dev/shm, 64 MiB
should, which is what a container gets by default; of a GPU's memory, 8 GiB should.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from client.joining.enrolment import (
    AUTHORITY,
    SOON_DAYS,
    check_key,
    days_left,
    enrolment_folder,
    read_authority,
    read_connection,
    server_address,
)
from client.joining.network import STEPS, Server, ask_server
from client.site import Site
from gmmas_core.data.problems import Problem
from gmmas_core.preflight import GIB, Line, Verdict, by_floor, line_of, memory, not_asked
from gmmas_core.provenance import Fingerprint, source_table
from gmmas_core.software import PROTOCOL, image, release
from gmmas_core.types import ConfigError, DataError

DISK_FAIL, DISK_WARN = 2 * GIB, 20 * GIB
MEMORY_FAIL, MEMORY_WARN = 4 * GIB, 16 * GIB
SHARED_WARN = 2**26
GPU_WARN = 8 * GIB
_SHARED = Path("/dev/shm")


def preflight(site: Site, problems: Sequence[Problem], now: datetime) -> list[Line]:
    """Every line of the preflight.

    Args:
        site: its settings.
        problems: what the check of the data found.
        now: UTC.
    """
    enrolled = _asked("enrolment", lambda: _enrolled(site))
    lines = [
        _software(),
        enrolled,
        _asked("key", lambda: _key(site)),
        _asked("authority", lambda: _authority(site, now)),
    ]
    lines += _network(site) if enrolled.verdict == "pass" else not_asked(("proxy", *STEPS), "enrolment comes first")
    lines += not_asked(("authentication",), "only the running node learns whether its key is accepted; its log says so")
    lines += [_state(site), _disk(site), memory(MEMORY_FAIL, MEMORY_WARN), _shared_memory(), _gpu(site)]
    return [*lines, _data(problems)]


def _asked(name: str, question: Callable[[], Line]) -> Line:
    try:
        return question()
    except DataError as error:
        return line_of(name, error)


def _software() -> Line:
    """What to read to the coordinator when the two sides seem to run different releases."""
    source = Fingerprint(source=source_table(), config={}, parameters={}, versions={}).parts["source"]
    told = f"release {release()}, protocol {PROTOCOL}, core {source[:16]}"
    try:
        return Line(name="software", verdict="pass", found=f"{told}, image {image() or 'not stated'}")
    except ConfigError as error:
        return Line(name="software", verdict="warn", found=told, action=str(error))


def _enrolled(site: Site) -> Line:
    connection = read_connection(site)
    found = f"as {connection.site} in {connection.federation} since {connection.enrolled[:10]}"
    return Line(name="enrolment", verdict="pass", found=found)


def _key(site: Site) -> Line:
    check_key(site)
    return Line(name="key", verdict="pass", found=f"its owner's alone, {read_connection(site).fingerprint}")


def _authority(site: Site, now: datetime) -> Line:
    days = days_left(read_authority(site), now)
    if days >= SOON_DAYS:
        return Line(name="authority", verdict="pass", found=f"its certificate holds for {days} days")
    verdict: Verdict = "warn" if days >= 0 else "fail"
    action = f"expected {SOON_DAYS} or more; ask the coordinator for an invitation with a new authority"
    return Line(name="authority", verdict=verdict, found=f"found {days} days left of its certificate", action=action)


def _network(site: Site) -> list[Line]:
    host, port = server_address(read_connection(site).server)
    return ask_server(Server(host, port, enrolment_folder(site) / AUTHORITY))


def _state(site: Site) -> Line:
    try:
        # Without a name where the system can: nothing is left, however this ends.
        with tempfile.TemporaryFile(dir=_nearest(site.state)):
            return Line(name="state folder", verdict="pass", found="can be written")
    except OSError as error:
        action = "expected to keep the node's state there; give this user the right to write, or set state in site.yaml"
        found = f"found that it cannot be written ({error.strerror})"
        return Line(name="state folder", verdict="fail", found=found, action=action)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if os.path.lexists(path))


def _disk(site: Site) -> Line:
    free = shutil.disk_usage(_nearest(site.state)).free
    return by_floor("disk", "free for the state folder", free, DISK_FAIL, DISK_WARN, "make room, or move state")


def _shared_memory() -> Line:
    if not _SHARED.is_dir():
        return Line(name="shared memory", verdict="not asked", found="this system has no /dev/shm")
    size = shutil.disk_usage(_SHARED).total
    return by_floor("shared memory", "of /dev/shm", size, 0, SHARED_WARN, "start the container with --shm-size=1g")


def _gpu(site: Site) -> Line:
    if site.device == "cpu":
        return Line(name="GPU", verdict="pass", found="none is used: site.yaml says cpu")
    import torch

    if not torch.cuda.is_available():
        if site.device == "auto":
            return Line(name="GPU", verdict="pass", found="none is seen, so the CPU works, as site.yaml (auto) allows")
        action = "expected one, as site.yaml says; mend the driver, give the container the GPU, or set device: cpu"
        return Line(name="GPU", verdict="fail", found="found that torch sees none", action=action)
    card = torch.cuda.get_device_properties(0)
    return by_floor("GPU", f"on {card.name}", card.total_memory, 0, GPU_WARN, "take smaller crops, or another card")


def _data(problems: Sequence[Problem]) -> Line:
    errors = sum(problem.is_error for problem in problems)
    found = f"{errors} errors, {len(problems) - errors} warnings"
    if not problems:
        return Line(name="data", verdict="pass", found=found)
    verdict: Verdict = "fail" if errors else "warn"
    return Line(name="data", verdict=verdict, found=f"found {found}", action="expected none; mend what check lists")
