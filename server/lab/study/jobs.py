"""The processes of a study: as many at a time as asked for, one job each, none outliving the study."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gmmas_core.atomic import write_json
from server.serving.child_processes import Child, Children, children

POLL_S = 0.2
WORKER = "server.lab.study.worker"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Work(Protocol):
    """What a process is told of one cell."""

    @property
    def arm(self) -> str:
        """What a person calls it."""

    @property
    def seed(self) -> int:
        """Of its repeat."""

    @property
    def run(self) -> str:
        """Cells of one run share a process."""

    def to_json(self) -> dict[str, Any]:
        """For the job file."""


AnyWork = TypeVar("AnyWork", bound=Work)


def jobs_of(cells: Sequence[AnyWork]) -> dict[str, list[AnyWork]]:
    """Run -> its cells, in order; a run is trained once."""
    jobs: dict[str, list[AnyWork]] = {}
    for cell in cells:
        jobs.setdefault(cell.run, []).append(cell)
    return jobs


def run_jobs(folder: Path, jobs: Mapping[str, Sequence[Work]], workers: int, worker: str = WORKER) -> dict[str, str]:
    """Run every job in a process of its own; one that fails stops no other.

    Args:
        folder: of the study, absolute.
        jobs: from `jobs_of`.
        workers: processes at a time.
        worker: module that runs a job.

    Returns:
        Run -> reason, for those that failed.
    """
    logs = folder / "jobs"
    logs.mkdir(parents=True, exist_ok=True)
    waiting = list(jobs.items())
    running: dict[str, tuple[Child, TaskID]] = {}
    failures: dict[str, str] = {}
    with _bar() as progress, children(logs) as started:
        total = progress.add_task("training runs", total=len(jobs))
        while waiting or running:
            while waiting and len(running) < workers:
                run, cells = waiting.pop(0)
                running[run] = (
                    _start(folder, started, run, cells, worker),
                    progress.add_task(cells[0].arm, total=None),
                )
            for run, (child, task) in list(running.items()):
                name = f"{jobs[run][0].arm} seed {jobs[run][0].seed}"
                if not child.has_ended():
                    progress.update(task, description=f"{name}: {child.last_words()}")
                    continue
                child.end()  # a study takes days: its number may be another's by the end
                del running[run]
                progress.remove_task(task)
                progress.advance(total)
                if child.process.returncode:
                    failures[run] = f"{child.last_words().removeprefix('error: ')}"
                    progress.console.print(f"{name} failed: {failures[run]}; its log is jobs/{run}.log")
            time.sleep(POLL_S)
    return failures


def _start(folder: Path, started: Children, run: str, cells: Sequence[Work], worker: str) -> Child:
    job = folder / "jobs" / f"{run}.json"
    write_json(job, [cell.to_json() for cell in cells])
    command = [sys.executable, "-m", worker, str(folder), str(job)]
    return started.start(run, command, _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))})


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
