"""A federation of real processes on this machine: one SuperLink, one SuperNode per site, and our launcher.

The same commands as in deploy/by_hand.md, typed by a program. Nothing is encrypted and nobody is authenticated, so it
listens on 127.0.0.1 only; it is how a laboratory sees the real runtime, not how hospitals are connected. The bundle
that Flower sends names modules and holds no code: each side runs what is installed on it. Every process that dies is
started again, and a run that Flower loses with it is continued, as it would be by whoever runs them at the hospitals.
"""

import shutil
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.policy.overrides import without_lab_keys
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.types import ConfigError
from server.lab.pinned_peers import pin_for_secure_sums
from server.launching.flower_commands import QUIET
from server.launching.launch_plan import LaunchPlan
from server.launching.launcher import Launcher, sole_launcher
from server.records.run_folder import RunFolder
from server.run import Watch
from server.serving.child_processes import Child, Children, children, free_ports, wait_until
from server.serving.direct import open_directly

START_TIMEOUT_S = 180.0

PROMPT = {"FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1"}
"""A SuperNode's worker looks for work this often, in seconds; the SuperLink's keeps to Flower's 1 s."""


def processes(sites: Sequence[Path], overrides: Sequence[str], folder: RunFolder, watch: Watch) -> dict[str, Any]:
    """Flower's deployment runtime on 127.0.0.1; every process is stopped before this returns or raises.

    Logs and Flower's own files go to `flower/` in the run folder, anew in every attempt.

    Raises:
        FederationError: a process did not start or stay, or the run failed; the message gives the run's own reason.
    """
    pin_for_secure_sums(sites, load_config(overrides))
    with sole_launcher(folder):
        home = folder.path.resolve() / "flower"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        link_port, *node_ports = free_ports(1 + len(sites))
        plan = LaunchPlan(
            overrides=without_lab_keys(overrides),  # these nodes are hospitals' nodes, which refuse what is the lab's
            superlink=f"127.0.0.1:{link_port}",
            root_certificates=None,
            flower_runs=(),
        )
        with children(home) as started:
            start_superlink(started, link_port)
            start_supernodes(started, sites, plan.superlink, node_ports)
            started.keep_alive()
            return Launcher(folder, plan, plan.link(folder), watch, started.require_kept).play()


def start_superlink(started: Children, port: int) -> Child:
    """Start one and wait until it answers. Its state stays in memory, see deploy/by_hand.md.

    Raises:
        FederationError: it ended, or time is up.
    """
    command = ["flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--disable-runtime-dependency-installation"]
    link = started.start("superlink", command, QUIET | {"FLWR_HOME": str(started.logs / "superlink")})
    wait_until(lambda: _is_healthy(port), [link], START_TIMEOUT_S)
    return link


def start_supernodes(started: Children, sites: Sequence[Path], superlink: str, ports: Sequence[int]) -> list[Child]:
    """Start one per site and wait until all are connected.

    Raises:
        ConfigError: a site's path that Flower's notation cannot hold.
        FederationError: one ended, or time is up.
    """
    nodes = [_start_supernode(started, site, superlink, port) for site, port in zip(sites, ports, strict=True)]
    wait_until(lambda: all("SuperNode ID" in node.log_text() for node in nodes), nodes, START_TIMEOUT_S)
    return nodes


def _start_supernode(started: Children, site: Path, superlink: str, port: int) -> Child:
    """One command per site; a home of its own, because nodes that unpack into the same folder collide."""
    name = f"supernode-{read_site(site / 'site.yaml').name}"
    path = (site / "site.yaml").resolve()
    if '"' in str(path):
        raise ConfigError(f"{name}: found a quotation mark in its folder's path; expected none; rename the folder")
    command = [sys.executable, "-m", "client.node.supernode", "--insecure", "--superlink", superlink]
    command += ["--host", "127.0.0.1", "--port", str(port), "--node-config", f'site="{path}"']
    return started.start(name, command, QUIET | PROMPT | {"FLWR_HOME": str(started.logs / name)})


def _is_healthy(port: int) -> bool:
    try:
        with open_directly(urllib.request.Request(f"http://127.0.0.1:{port}/health"), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
