"""Fixtures of the whole suite: torch on one thread, the tiny configuration, and where real data lies."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import settings

from gmmas_core.config import Config, load_config

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# No test is timed: on a busy machine a deadline fails for reasons that are not the code's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """Parallel pytest workers and torch threads fight for the same cores."""
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Tests marked `realdata` are skipped, visibly, where the folder is absent."""
    if not REAL_DATA.is_dir():
        for item in items:
            if item.get_closest_marker("realdata"):
                item.add_marker(pytest.mark.skip(reason="no folder of real MRI beside the project"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real MRI and tables; only for tests marked `realdata`."""
    return REAL_DATA


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no Chromium found; install it (Debian: apt-get install chromium)"
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    """One browser for all tests of a process, which can hold no second one; it draws in software."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # what is expected comes late on a busy machine
    graphics = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=graphics)
        yield browser
        browser.close()


OVERRIDES = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=2",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
    "evaluation.bootstrap=20",
    "federation.poll_s=0.02",
)


@pytest.fixture(scope="session")
def overrides() -> tuple[str, ...]:
    """The smallest configuration that still has every part: a round of three small hospitals takes about a second."""
    return OVERRIDES


@pytest.fixture
def play(sites: list[Path], overrides: Sequence[str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Play a federation of `sites` in this process: `play(*extra_overrides, folder=...)` returns the report."""
    from server.lab.engines import in_process
    from server.records.run_folder import RunFolder

    def run(*extra: str, folder: Path = tmp_path / "run") -> dict[str, Any]:
        return in_process(sites, [*overrides, *extra], RunFolder(folder), lambda kind, fields: None)

    return run


@pytest.fixture
def tiny_config() -> Config:
    """The smallest complete configuration: tiny preset, 4 mm grid, 48-voxel phantoms."""
    return load_config(["experiment=smoke"])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write every skip, with its reason, where `.ci/run` compares it with the list of allowed ones."""
    record = os.environ.get("GMMAS_SKIPS")
    if record and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        with Path(record).open("a") as file:
            file.write(f"{report.nodeid}: {reason}\n")
