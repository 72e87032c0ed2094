"""What every study does between its plan and its report: draw its phantoms, prepare its cases, run what is missing.

The two studies differ in their arms, their data and what they find; how they run is written once, here.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from gmmas_core.config import Config
from gmmas_core.types import ConfigError, FederationError
from server.lab.simulate import prepare_sites
from server.lab.study.cells import Cell, read_result
from server.lab.study.data import OnCase, Variant, shared_test_sites, variant_sites
from server.lab.study.jobs import jobs_of, run_jobs


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks of a study beside its size.

    Attributes:
        arms: names; empty for those of the size.
        repeats: seeds.
        workers: runs at the same time, each on one thread.
        overrides: Hydra overrides for every arm.

    Raises:
        ConfigError: a number below one.
    """

    arms: Sequence[str] = ()
    repeats: int = 3
    workers: int = 2
    overrides: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.workers < 1:
            raise ConfigError(f"--repeats, --workers: found {self.repeats}, {self.workers}; expected at least 1")


@contextmanager
def phantom_bar(phantoms: int) -> Iterator[OnCase]:
    """Progress on a terminal; what it gives is called after each phantom."""
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("making phantoms", total=phantoms)
        yield lambda: progress.advance(bar)


def prepare_cases(data: Path, variants: Iterable[Variant], config: Config) -> None:
    """Prepare the shared test set and every variant, once each.

    Args:
        data: folder of the study's phantoms.
        variants: that arms train on; made where they are not there yet.
        config: that cases are prepared with.
    """
    trained = [site for variant in dict.fromkeys(variants) for site in variant_sites(data, variant)]
    prepare_sites([*shared_test_sites(data), *trained], config)


def run_missing(folder: Path, cells: Sequence[Cell], workers: int) -> dict[str, str]:
    """Run the cells that have no result yet.

    Returns:
        Reasons of those that failed, by what a person calls the run.
    """
    pending = [cell for cell in cells if read_result(folder, cell) is None]
    failures = run_jobs(folder, jobs_of(pending), workers) if pending else {}
    return {
        f"{cell.arm} ({cell.group}, seed {cell.seed})": failures[cell.run] for cell in cells if cell.run in failures
    }


def raise_failures(study: Mapping[str, Any], cells: Sequence[Cell]) -> None:
    """End a study, its report being written, that lacks runs.

    Raises:
        FederationError: some failed.
    """
    failures: Mapping[str, str] = study["failures"]
    if failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
        raise FederationError(
            f"study: found {len(failures)} of {len(jobs_of(cells))} runs failed ({reasons}); expected none; the report "
            "holds the others; run the command again to retry"
        )
