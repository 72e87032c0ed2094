"""A world of its own for the drills: processes, mounts and networks that the system clears away, however they end.

The drills run in new namespaces of Linux: what they mount, join, cut or leave behind exists only there. When the first
process in there ends, the system ends all others with it, and mounts, bridges and network namespaces go with them;
nothing has to be remembered and nothing outside is touched. The interface out of it does not exist: there is no network
but the one that the drills lay.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from gmmas_core.types import ConfigError

NEW_MOUNTS, NEW_PROCESSES, NEW_NETWORK = 0x00020000, 0x20000000, 0x40000000  # linux/sched.h
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
PROGRAMS = {"ip": "iproute2", "tc": "iproute2", "nft": "nftables", "nsenter": "util-linux", "mount": "mount"}
"""Program -> Debian package."""

_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def missing(programs: Sequence[str] = ()) -> str | None:
    """Why no drill can be played on this machine, or None.

    Args:
        programs: needed beside PROGRAMS.
    """
    if os.geteuid() != 0:
        return "drills: found no network namespaces (not root); expected root; run them with sudo"
    packages = {name: PROGRAMS.get(name, name) for name in (*PROGRAMS, *programs) if shutil.which(name) is None}
    if packages:
        return (
            f"drills: found no network namespaces (no {', '.join(packages)}); expected them installed; Debian: "
            f"apt install {' '.join(sorted(set(packages.values())))}"
        )
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "ip", "link", "add", "br0", "type", "bridge"],
        capture_output=True,
        check=False,
    )
    if tried.returncode != 0:
        return (
            "drills: found no network namespaces (the system refuses them); expected the right to make some; run them "
            "outside a container, or in one with --privileged"
        )
    return None


def secluded(work: Callable[[], int]) -> int:
    """Run some work in a world of its own and return its exit code; this process waits and passes signals on.

    Args:
        work: returns an exit code; runs as a grandchild of this process, which must have no other threads.

    Raises:
        ConfigError: the system refuses the namespaces.
    """
    if _libc().unshare(NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK) != 0:
        raise ConfigError(missing() or "drills: found no network namespaces; expected the right to make some")
    sys.stdout.flush()
    sys.stderr.flush()
    first = os.fork()
    if first == 0:
        _libc().prctl(DIES_WITH_PARENT, signal.SIGKILL)
        _first_process(work)
    return _wait_for(first)


def _first_process(work: Callable[[], int]) -> None:
    """Process 1 of the new world: it starts the work, takes leave of orphans, and ends the world when it ends."""
    code = 1
    try:
        for command in (
            ["mount", "--make-rprivate", "/"],
            ["mount", "-t", "proc", "proc", "/proc"],
            ["mount", "-t", "tmpfs", "tmpfs", "/run"],  # `ip netns` keeps its names there
            ["ip", "link", "set", "lo", "up"],
        ):
            subprocess.run(command, check=True)
        Path("/run/netns").mkdir()
        worker = os.fork()
        if worker == 0:
            os.setpgid(0, 0)  # a Ctrl-C of the terminal reaches it once, through process 1
            code = work()
        else:
            code = _wait_for(worker)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait_for(process: int) -> int:
    """The exit code of a child, which is told what this process is told; other children's ends are taken note of."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(process, number)

    before = {number: signal.signal(number, pass_on) for number in _TOLD}
    try:
        while True:
            ended, status = os.wait()
            if ended == process:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
