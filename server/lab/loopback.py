"""A federation of real processes on this machine: one SuperLink, one SuperNode per site, then `flwr run`.

The same commands as in deploy/README.md, typed by a program. Nothing is encrypted and nobody is authenticated, so it
listens on 127.0.0.1 only; it is how a laboratory sees the real runtime, not how hospitals are connected. The bundle
that Flower sends names modules and holds no code: each side runs what is installed on it.
"""

import json
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from client.site import read_site
from gmmas_core.atomic import write_text
from gmmas_core.types import ConfigError, FederationError
from server import flower_app
from server.lab.child_processes import Child, Children, children, environment_with_programs, free_ports
from server.lab.ledger_follower import LedgerFollower
from server.run import Watch
from server.run_folder import RunFolder

START_TIMEOUT_S = 180.0
STATUS_EVERY_S = 30.0
LEDGER_EVERY_S = 0.5
CONNECTION = "loopback"

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
}
"""Flower's settings: nothing phones home, nothing is installed at run time."""

PROMPT = {"FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1"}
"""A SuperNode's worker looks for work this often, in seconds; the SuperLink's keeps to Flower's 1 s."""


def processes(sites: Sequence[Path], overrides: Sequence[str], folder: RunFolder, watch: Watch) -> dict[str, Any]:
    """Flower's deployment runtime on 127.0.0.1; every process is stopped before this returns or raises.

    Logs and Flower's own files go to `flower/` in the run folder, anew in every attempt.

    Raises:
        FederationError: a process did not start, or the run did not finish; the message gives the run's own reason.
    """
    home = folder.path.resolve() / "flower"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    follower = LedgerFollower(folder.ledger, watch)
    link_port, *node_ports = free_ports(1 + len(sites))
    address = f"127.0.0.1:{link_port}"
    with children(home) as started:
        link = _start_superlink(started, link_port, home)
        nodes = [
            _start_supernode(started, site, address, port, home) for site, port in zip(sites, node_ports, strict=True)
        ]
        _wait_until(lambda: all("SuperNode ID" in node.log_text() for node in nodes), [link, *nodes])
        run_id = _submit(_run_config(overrides, folder), address, home)
        status, details = _wait_for_end(run_id, home, link, nodes, follower)
    if status != "finished:completed":
        reason = follower.failure or f"{details or 'no reason given'}; superlink.log in the run folder has more"
        raise FederationError(reason if follower.failure else f"run: found {status}; expected it to finish; {reason}")
    return dict(json.loads(folder.report_json.read_text()))


def _run_config(overrides: Sequence[str], folder: RunFolder) -> dict[str, str]:
    """The three strings of a run, as `server.app.main` reads them."""
    chosen = [text.partition("=")[2] for text in overrides if text.startswith("experiment=")]
    others = [text for text in overrides if not text.startswith("experiment=")]
    return {
        "experiment": chosen[-1] if chosen else "null",
        "overrides": shlex.join(others),
        "run-dir": str(folder.path.resolve()),
    }


def _start_superlink(started: Children, port: int, home: Path) -> Child:
    """Its state stays in memory: runs continue from checkpoints, and Flower's SQLite locks itself out under load."""
    command = ["flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--disable-runtime-dependency-installation"]
    link = started.start("superlink", command, QUIET | {"FLWR_HOME": str(home / "superlink")})
    _wait_until(lambda: _is_healthy(port), [link])
    return link


def _start_supernode(started: Children, site: Path, superlink: str, port: int, home: Path) -> Child:
    """One command per site; a home of its own, because nodes that unpack into the same folder collide."""
    name = f"supernode-{read_site(site / 'site.yaml').name}"
    path = (site / "site.yaml").resolve()
    if '"' in str(path):
        raise ConfigError(f"{name}: found a quotation mark in its folder's path; expected none; rename the folder")
    command = [sys.executable, "-m", "client.supernode", "--insecure", "--superlink", superlink]
    command += ["--host", "127.0.0.1", "--port", str(port), "--node-config", f'site="{path}"']
    return started.start(name, command, QUIET | PROMPT | {"FLWR_HOME": str(home / name)})


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait_until(is_ready: Callable[[], bool], needed: Sequence[Child]) -> None:
    """Wait for a start.

    Raises:
        FederationError: one of the processes ended, or time is up.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        for child in needed:
            child.require_alive()
        if is_ready():
            return
        if time.monotonic() > deadline:
            words = "; ".join(f"{child.name} said last: {child.last_words()}" for child in needed)
            raise FederationError(f"start: found processes not ready after {START_TIMEOUT_S:g} s; {words}")
        time.sleep(0.1)


def _submit(run_config: Mapping[str, str], superlink: str, home: Path) -> str:
    """`flwr run`; the run's number.

    The strings travel in a file, because Flower's key=value notation cannot hold a quotation mark.
    """
    client = home / "cli"
    client.mkdir()
    write_text(client / "config.toml", f'[superlink.{CONNECTION}]\naddress = "{superlink}"\ninsecure = true\n')
    values = home / "run-config.toml"
    # JSON's strings are TOML's basic strings.
    write_text(values, "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in run_config.items()))
    answer = _flwr(home, "run", str(flower_app.FOLDER), CONNECTION, "--run-config", str(values))
    if "run-id" not in answer:
        raise FederationError(f"flwr run: found no run started; expected one; it said: {answer.get('error-message')}")
    return str(answer["run-id"])


def _wait_for_end(
    run_id: str, home: Path, link: Child, nodes: Sequence[Child], follower: LedgerFollower
) -> tuple[str, str]:
    """The status a run ends with and its details, from `flwr ls`: exit codes are 0 for failed runs too.

    The ledger tells when to ask, because every question starts a Python process, seconds of work on a busy machine.
    The rare questions in between are for a ServerApp that died without a word.
    """
    asked = time.monotonic()
    while True:
        link.require_alive()
        if all(node.process.poll() is not None for node in nodes):
            nodes[0].require_alive()
        follower.follow()
        if follower.has_ended or time.monotonic() - asked > STATUS_EVERY_S:
            asked = time.monotonic()
            (run,) = _flwr(home, "ls", CONNECTION, "--run-id", run_id).get("runs") or [{}]
            if str(run.get("status")).startswith("finished"):
                follower.follow()
                return str(run["status"]), str(run.get("status-details") or "")
        time.sleep(LEDGER_EVERY_S)


def _flwr(home: Path, *arguments: str) -> dict[str, Any]:
    """What a `flwr` command prints as JSON, or its complaint as "error-message"."""
    done = subprocess.run(
        ["flwr", *arguments, "--format", "json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment_with_programs(QUIET | {"FLWR_HOME": str(home / "cli")}),
        cwd=home,
        timeout=START_TIMEOUT_S,
        check=False,
    )
    start = done.stdout.find("{")
    return dict(json.loads(done.stdout[start:])) if start >= 0 else {"error-message": done.stderr.strip()[-300:]}
