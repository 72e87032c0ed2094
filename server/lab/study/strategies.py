"""`gmmas-lab study strategies`: which way of making one model out of many updates is worth having.

A study that was interrupted goes on where it stopped; a finished one is only drawn again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from gmmas_core.config import load_config
from gmmas_core.types import ConfigError, FederationError
from server.lab.simulate import prepare_sites
from server.lab.study.cells import Cell, Ground, plan_cells, read_result
from server.lab.study.data import shared_test_sites, variant_sites
from server.lab.study.folder import claim, complete, failed_text, named
from server.lab.study.hard_sites import SITE_NAMES
from server.lab.study.jobs import jobs_of, run_jobs
from server.lab.study.strategy_arms import STRATEGY_ARMS, strategy_arms_of
from server.lab.study.strategy_data import strategy_cases, strategy_recipe, write_strategy_data
from server.lab.study.strategy_findings import find_strategies
from server.lab.study.strategy_report import write_strategy_study
from server.lab.study.strategy_sizes import StrategySize


def study_strategies(
    size: StrategySize,
    folder: Path,
    *,
    arms: Sequence[str] = (),
    repeats: int = 3,
    workers: int = 2,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Run what is missing of a study and write its report.

    Args:
        size: of the study.
        folder: of the study; an existing one is continued.
        arms: names beside the baseline; empty for those of the size.
        repeats: seeds.
        workers: runs at the same time, each on one thread.
        overrides: Hydra overrides for every arm.

    Returns:
        The content of study.json.

    Raises:
        ConfigError: an unknown arm, a bad number, a configuration that does not compose.
        DataError: `folder` holds something foreign or another study.
        FederationError: a run failed; all others finished and the report was written.
    """
    if repeats < 1 or workers < 1:
        raise ConfigError(f"--repeats, --workers: found {repeats}, {workers}; expected at least 1")
    chosen = strategy_arms_of(arms or [arm.name for arm in STRATEGY_ARMS if arm.name not in size.left_out])
    ground = Ground(experiment=size.experiment, sites=SITE_NAMES, subset_cases=0, recipe=strategy_recipe(size))
    cells = plan_cells(ground, chosen, repeats, overrides)
    folder = folder.resolve()
    claim(folder, "strategies", size)
    _make_data(folder / "data", size, cells)
    pending = [cell for cell in cells if read_result(folder, cell) is None]
    failures = run_jobs(folder, jobs_of(pending), workers) if pending else {}
    settings = load_config([f"experiment={size.experiment}", *overrides])
    results = complete(folder, chosen, cells)
    study = find_strategies(size, chosen, results, named(cells, failures), settings.federation)
    write_strategy_study(folder, study)
    if failures:
        raise FederationError(failed_text(study["failures"], len(jobs_of(cells))))
    return study


def _make_data(folder: Path, size: StrategySize, cells: Sequence[Cell]) -> None:
    """Phantoms and prepared cases, with progress on a terminal."""
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("making phantoms", total=strategy_cases(size))
        write_strategy_data(folder, size, lambda: progress.advance(bar))
    variants = dict.fromkeys(cell.variant for cell in cells)
    sites = [*shared_test_sites(folder), *(site for variant in variants for site in variant_sites(folder, variant))]
    # So small are the cases that starting further processes would take longer than preparing them.
    prepare_sites(sites, load_config([*cells[0].training, "data.workers=1"]))
