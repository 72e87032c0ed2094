"""A real run of three phantom hospitals, played once."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.data.phantom import write_federation
from server.dashboard.web import serve
from server.lab.engines import in_process
from server.run_folder import RunFolder

OVERRIDES = (
    "experiment=smoke",
    "rounds=3",
    "data.spacing_mm=6",
    "data.validation_share=0.25",
    "model=smallest",
    "training.local_steps=2",
    "evaluation.overlap=0",
    "evaluation.bootstrap=20",
    "federation.poll_s=0.02",
)
"""A round takes about a second."""


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The folder of a run that was played to its end; read only."""
    folder = tmp_path_factory.mktemp("played")
    sites = sorted(write_federation(folder / "sites", sites=3, cases=8, size=32, seed=1))
    run = RunFolder(folder / "run")
    in_process(sites, OVERRIDES, run, lambda kind, fields: None)
    return run


@pytest.fixture
def served() -> Callable[[Path], str]:
    """Serves the dashboard of a run folder on a free port; returns its address."""

    def start(folder: Path) -> str:
        addresses: list[str] = []
        ready = threading.Event()

        def on_ready(address: str) -> None:
            addresses.append(address)
            ready.set()

        threading.Thread(target=serve, args=(RunFolder(folder), "127.0.0.1", 0, on_ready), daemon=True).start()
        assert ready.wait(20)
        return addresses[0]

    return start
