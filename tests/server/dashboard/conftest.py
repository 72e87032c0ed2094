"""A run folder as a coordinator leaves it, written event by event with chosen times."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.config import Config, load_config, save_config
from server.dashboard.status import RunStatus
from server.dashboard.watching import RunWatcher
from server.records.run_folder import RunFolder

START = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
Entry = dict[str, Any]


class Scene:
    """Writes the ledger and the progress log of a run; `at` seconds after its start."""

    def __init__(self, folder: RunFolder, played_round: Callable[..., Entry]) -> None:
        self.folder = folder
        self._played_round = played_round
        self._watcher = RunWatcher(folder)

    def ledger(self, at: float, kind: str, **fields: Any) -> None:
        self._write(self.folder.ledger, at, kind, fields)

    def progress(self, at: float, kind: str, **fields: Any) -> None:
        self._write(self.folder.progress, at, kind, fields)

    def round(self, at: float, number: int, sites: Mapping[str, tuple[int, int, float]], **fields: Any) -> None:
        """A round's ledger line: site -> (training cases, validation cases, mean Dice)."""
        line = self._played_round(number, sites, **fields)
        for part in line["sites"].values():
            part |= {"bytes": 1000, "doubts": [], "norm": 1.0}
        moved = {"phases": {"collect_s": 30.0, "aggregate_s": 10.0}, "bytes": {"sent": 3000, "received": 2000}}
        self.ledger(at, **{"late": [], **moved, **line})

    def begin(self, sites: tuple[str, ...] = ("east", "north", "south")) -> None:
        self.ledger(0, "begun", run_id="ab12", name="smoke")
        facts = {"cases": {"train": 9, "validation": 3, "holdout": 8}, "sequences": {}, "labels": {}}
        self.ledger(5, "enlisted", sites=dict.fromkeys(sites, facts), left_out={})

    def start_round(self, at: float, number: int, sites: tuple[str, ...] = ("east", "north", "south")) -> None:
        self.progress(
            at, "round-started", round=number, stage="supervised", lr=1e-3, sites=sites, soft_s=50.0, hard_s=100.0
        )
        for site in sites:
            self.progress(at, "site-asked", site=site, sends=1)

    def status(self, at: float) -> RunStatus:
        return self._watcher.status(START + timedelta(seconds=at))

    def _write(self, path: Path, at: float, kind: str, fields: Mapping[str, Any]) -> None:
        time = (START + timedelta(seconds=at)).isoformat(timespec="milliseconds")
        with path.open("a") as file:
            file.write(json.dumps({**fields, "time": time, "kind": kind}) + "\n")


@pytest.fixture(scope="session")
def six_rounds() -> Config:
    """Four supervised rounds and two of fine-tuning."""
    stages = "curriculum.stages=[{stage:supervised,rounds:4},{stage:finetune,rounds:2}]"
    return load_config(["experiment=smoke", stages, "federation.mandatory=[north]", "notice='Phantoms: of no person.'"])


@pytest.fixture
def scene(tmp_path: Path, six_rounds: Config, played_round: Callable[..., Entry]) -> Scene:
    """An empty run folder with a configuration, to be filled."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    save_config(six_rounds, folder.config)
    return Scene(folder, played_round)


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """Two rounds played, the third being played: east has replied, north trains, south was left out of round 2."""
    scene.begin()
    scene.round(50, 1, {"east": (9, 3, 0.4), "north": (27, 3, 0.5), "south": (9, 0, 0.0)})
    scene.round(100, 2, {"east": (9, 3, 0.5), "north": (27, 3, 0.6)}, left_out={"south": "no reply within 100 s"})
    scene.start_round(101, 3)
    scene.progress(110, "site-counted", round=3, site="east", duration_s=8.0, bytes=1000, doubts=[])
    return scene
