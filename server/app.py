"""The coordinator's ServerApp: configuration -> sites -> rounds -> release. Read it as the story of a federation."""

import shlex
from collections.abc import Mapping, Sequence
from logging import INFO
from pathlib import Path
from typing import Any

from flwr.app import Context
from flwr.common.logger import log
from flwr.serverapp import Grid, ServerApp

from gmmas_core.config import load_config
from gmmas_core.schedule import schedule
from server.membership.enlist import enlist
from server.records.progress_log import ProgressLog
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock
from server.release.finish import release
from server.rounds.between import between_rounds, repeat_orders
from server.rounds.evaluation import evaluate_everywhere
from server.rounds.patient_grid import PatientGrid
from server.rounds.training import play_round
from server.run import Run, RunPaused, Watch, open_run
from server.statistics.question import ask

app = ServerApp()

STATISTICS = "statistics"
"""The task of a run that only asks what the hospitals have; "train" is the other."""


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Entry point of Flower's deployment runtime; the task, two strings and two folders are the run configuration."""
    settings = context.run_config
    overrides = [f"experiment={settings['experiment']}", *shlex.split(str(settings["overrides"]))]
    federation = str(settings["federation"])
    run_dir, members = Path(str(settings["run-dir"])), Path(federation) if federation else None
    if settings["task"] == STATISTICS:
        ask(PatientGrid(grid), run_dir, _log, members)
    else:
        run_federation(grid, overrides, RunFolder(run_dir), _log, members)


def run_federation(
    grid: Grid, overrides: Sequence[str], folder: RunFolder, watch: Watch, federation: Path | None = None
) -> dict[str, Any]:
    """Play a whole federation, from wherever its run folder stands, and release the model.

    Args:
        grid: Flower's grid, of the simulation, the deployment or the test bench.
        overrides: Hydra overrides; every site composes the same configuration from them.
        folder: of this run; an existing one is continued from its newest valid checkpoint.
        watch: told of every event.
        federation: folder with the members and their keys; None where nodes have no keys.

    Returns:
        The report, as written to report.json.

    Raises:
        ConfigError: the configuration is wrong.
        RunPaused: by an order, or because rounds were void; it can be resumed.
        FederationError: too few sites at the start, or an acceptance check that failed.
    """
    config = load_config(overrides)
    folder.path.mkdir(parents=True, exist_ok=True)
    with run_lock(folder.path):
        run = open_run(
            PatientGrid(grid), config, overrides, folder, _both(watch, ProgressLog(folder.progress)), federation
        )
        try:
            return _play(run)
        except RunPaused as pause:
            _close(run, "paused", str(pause))
            raise
        except Exception as error:
            _close(run, "failed", f"{type(error).__name__}: {error}"[:500])
            raise


def _play(run: Run) -> dict[str, Any]:
    repeat_orders(run.memory.screen, run.ledger, run.round)
    enlist(run)
    if run.config.acceptance.check == "beats_untrained" and run.round == 0:
        evaluate_everywhere(run, split="holdout", subject="global")
    for slot in schedule(run.config)[run.round :]:
        between_rounds(run)
        play_round(run, slot)
    return release(run)


def _close(run: Run, kind: str, reason: str) -> None:
    run.ledger.append(kind, reason=reason)
    run.watch(kind, {"reason": reason})


def _both(first: Watch, second: Watch) -> Watch:
    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        second(kind, fields)
        first(kind, fields)

    return watch


def _log(kind: str, fields: Mapping[str, Any]) -> None:
    log(INFO, "%s %s", kind, " ".join(f"{key}={value}" for key, value in fields.items()))
