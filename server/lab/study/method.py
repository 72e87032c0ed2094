"""`gmmas-lab study method`: what each part of the method is worth. Read it as the story of a study.

A study that was interrupted goes on where it stopped; a finished one is only drawn again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from gmmas_core.config import load_config
from gmmas_core.data.phantom import HOSPITALS
from gmmas_core.types import ConfigError, FederationError
from server.lab.simulate import prepare_sites
from server.lab.study.arms import EVERYBODY, arms_of
from server.lab.study.cells import Cell, Ground, plan_cells, read_result
from server.lab.study.data import Variant, cases_to_write, data_recipe, shared_test_sites, variant_sites, write_data
from server.lab.study.findings import find
from server.lab.study.folder import claim, complete, failed_text, named
from server.lab.study.jobs import jobs_of, run_jobs
from server.lab.study.report import write_study
from server.lab.study.sizes import StudySize


def study_method(
    size: StudySize,
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
        arms: names; empty for those of the size.
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
    chosen = arms_of(arms or size.arms)
    cells = plan_cells(ground_of(size), chosen, repeats, overrides)
    folder = folder.resolve()
    claim(folder, "method", size)
    _make_data(folder / "data", size, cells)
    pending = [cell for cell in cells if read_result(folder, cell) is None]
    failures = run_jobs(folder, jobs_of(pending), workers) if pending else {}
    study = find(size, chosen, complete(folder, chosen, cells), named(cells, failures))
    config = load_config([f"experiment={size.experiment}", *overrides])
    write_study(folder, study, _pictured(folder / "data"), config)
    if failures:
        raise FederationError(failed_text(study["failures"], len(jobs_of(cells))))
    return study


def ground_of(size: StudySize) -> Ground:
    """What all arms of a study of this size stand on."""
    return Ground(
        experiment=size.experiment,
        sites=tuple(effects.name for effects in HOSPITALS[: size.sites]),
        subset_cases=size.subset_cases,
        recipe=data_recipe(size),
    )


def _make_data(folder: Path, size: StudySize, cells: Sequence[Cell]) -> None:
    """Phantoms, label shares and prepared cases, with progress on a terminal."""
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("making phantoms", total=cases_to_write(size))
        write_data(folder, size, lambda: progress.advance(bar))
    variants = dict.fromkeys([_all_labelled(), *(cell.variant for cell in cells)])
    sites = [*shared_test_sites(folder), *(site for variant in variants for site in variant_sites(folder, variant))]
    prepare_sites(sites, load_config(cells[0].training))


def _all_labelled() -> Variant:
    return Variant(EVERYBODY, 100, masks=True)


def _pictured(folder: Path) -> Path:
    """The hospital whose cases the report shows composites of."""
    return variant_sites(folder, _all_labelled())[0]
