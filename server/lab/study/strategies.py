"""`gmmas-lab study strategies`: which way of making one model out of many updates is worth having.

A study that was interrupted goes on where it stopped; a finished one is only drawn again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmmas_core.config import load_config
from server.lab.study.cells import Cell, Ground, plan_cells
from server.lab.study.folder import claim, complete
from server.lab.study.hard_sites import SITE_NAMES
from server.lab.study.running import Request, phantom_bar, prepare_cases, raise_failures, run_missing
from server.lab.study.strategy_arms import STRATEGY_ARMS, strategy_arms_of
from server.lab.study.strategy_data import strategy_cases, strategy_recipe, write_strategy_data
from server.lab.study.strategy_findings import find_strategies
from server.lab.study.strategy_report import write_strategy_study
from server.lab.study.strategy_sizes import StrategySize


def study_strategies(size: StrategySize, folder: Path, request: Request) -> dict[str, Any]:
    """Run what is missing of a strategy study and write its report; the baseline always runs.

    Arguments, result and errors are those of `method.study_method`.
    """
    chosen = strategy_arms_of(request.arms or [arm.name for arm in STRATEGY_ARMS if arm.name not in size.left_out])
    ground = Ground(experiment=size.experiment, sites=SITE_NAMES, subset_cases=0, recipe=strategy_recipe(size))
    cells = plan_cells(ground, chosen, request.repeats, request.overrides)
    folder = folder.resolve()
    claim(folder, "strategies", size)
    _make_data(folder / "data", size, cells)
    failures = run_missing(folder, cells, request.workers)
    settings = load_config([f"experiment={size.experiment}", *request.overrides])
    study = find_strategies(size, chosen, complete(folder, chosen, cells), failures, settings.federation)
    write_strategy_study(folder, study)
    raise_failures(study, cells)
    return study


def _make_data(folder: Path, size: StrategySize, cells: Sequence[Cell]) -> None:
    """Phantoms and prepared cases."""
    with phantom_bar(strategy_cases(size)) as on_case:
        write_strategy_data(folder, size, on_case)
    # So small are the cases that starting further processes would take longer than preparing them.
    config = load_config([*cells[0].training, "data.workers=1"])
    prepare_cases(folder, (cell.variant for cell in cells), config)
