"""Where a lab federation runs: Flower's simulation (Ray), this process, or real processes; always the same apps."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from client.app import app as client_app
from client.rounds.desk import LAB_SITES
from gmmas_core.config import load_config
from gmmas_core.types import ConfigError, FederationError
from server.app import run_federation
from server.lab.in_process_grid import InProcessGrid
from server.lab.loopback import processes
from server.lab.pinned_peers import pin_for_secure_sums
from server.records.run_folder import RunFolder
from server.run import Watch

RAY_VERSION = "2.55.1"
"""The release whose private name is used here."""

Engine = Callable[[Sequence[Path], Sequence[str], RunFolder, Watch], dict[str, Any]]


def flower(sites: Sequence[Path], overrides: Sequence[str], folder: RunFolder, watch: Watch) -> dict[str, Any]:
    """Flower's Simulation Engine: one virtual SuperNode per site, as many at a time as there are cores."""
    # Ray reads this when it is imported; unset, it warns about a change in a later release.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    from flwr.simulation import run_simulation

    # The release is pinned, so its advice to move on to a later interface would only drown the progress bars.
    logging.getLogger("flwr").setLevel(logging.ERROR)
    outcome: dict[str, Any] = {}
    server_app = ServerApp()

    @server_app.main()
    def main(grid: Grid, context: Context) -> None:
        try:
            outcome["report"] = run_federation(grid, overrides, folder, watch)
        except Exception as error:
            outcome["error"] = error
            raise

    try:
        with _lab_sites(sites, overrides), _no_ray_dashboard():
            run_simulation(
                server_app=server_app,
                client_app=client_app,
                num_supernodes=len(sites),
                backend_config={
                    "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
                    "init_args": {"include_dashboard": False},
                },
            )
    except RuntimeError:
        # The engine wraps whatever the ServerApp raised; the reason itself is raised below.
        if "error" not in outcome:
            raise
    if "error" in outcome:
        raise outcome["error"]
    if "report" not in outcome:
        raise FederationError(
            "simulation: ended without a report; expected one; run with --engine in-process to see why"
        )
    return dict(outcome["report"])


def in_process(sites: Sequence[Path], overrides: Sequence[str], folder: RunFolder, watch: Watch) -> dict[str, Any]:
    """All sites in this process, one after the other."""
    with _lab_sites(sites, overrides):
        grid = InProcessGrid(client_app, [{"partition-id": number} for number in range(len(sites))])
        return run_federation(grid, overrides, folder, watch)


@contextmanager
def _lab_sites(sites: Sequence[Path], overrides: Sequence[str]) -> Iterator[None]:
    """Tell the ClientApp of this process and its children where the site folders lie."""
    pin_for_secure_sums(sites, load_config(overrides))
    os.environ[LAB_SITES] = str(sites[0].parent.resolve())
    try:
        yield
    finally:
        del os.environ[LAB_SITES]


@contextmanager
def _no_ray_dashboard() -> Iterator[None]:
    """Keep Ray from starting its dashboard's process.

    Without a dashboard it would still be started, for reports of use. None is sent with these switched off, but the
    process first asks the metadata services of three clouds where it runs, and no setting keeps it from that.
    """
    from ray._private import services

    original = services.start_api_server
    services.start_api_server = lambda *_, **__: ("", None)
    try:
        yield
    finally:
        services.start_api_server = original


ENGINES: Mapping[str, Engine] = {"flower": flower, "in-process": in_process, "processes": processes}


def engine_of(name: str) -> Engine:
    """The engine of a name.

    Raises:
        ConfigError: unknown name.
    """
    if name not in ENGINES:
        raise ConfigError(f"--engine: found {name!r}; expected any of {sorted(ENGINES)}")
    return ENGINES[name]
