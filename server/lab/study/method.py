"""`gmmas-lab study method`: what each part of the method is worth. Read it as the story of a study.

A study that was interrupted goes on where it stopped; a finished one is only drawn again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmmas_core.config import load_config
from gmmas_core.data.phantom import HOSPITALS
from server.lab.study.arms import EVERYBODY, arms_of
from server.lab.study.cells import Cell, Ground, plan_cells
from server.lab.study.data import Variant, cases_to_write, data_recipe, variant_sites, write_data
from server.lab.study.findings import find
from server.lab.study.folder import claim, complete
from server.lab.study.report import write_study
from server.lab.study.running import Request, phantom_bar, prepare_cases, raise_failures, run_missing
from server.lab.study.sizes import StudySize


def study_method(size: StudySize, folder: Path, request: Request) -> dict[str, Any]:
    """Run what is missing of a study and write its report.

    Args:
        size: of the study.
        folder: of the study; an existing one is continued.
        request: which arms, how often and with what.

    Returns:
        The content of study.json.

    Raises:
        ConfigError: an unknown arm, or a configuration that does not compose.
        DataError: `folder` holds something foreign or another study.
        FederationError: a run failed; all others finished and the report was written.
    """
    chosen = arms_of(request.arms or size.arms)
    cells = plan_cells(ground_of(size), chosen, request.repeats, request.overrides)
    folder = folder.resolve()
    claim(folder, "method", size)
    _make_data(folder / "data", size, cells)
    failures = run_missing(folder, cells, request.workers)
    study = find(size, chosen, complete(folder, chosen, cells), failures)
    config = load_config([f"experiment={size.experiment}", *request.overrides])
    write_study(folder, study, _pictured(folder / "data"), config)
    raise_failures(study, cells)
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
    """Phantoms, label shares and prepared cases."""
    with phantom_bar(cases_to_write(size)) as on_case:
        write_data(folder, size, on_case)
    prepare_cases(folder, [_all_labelled(), *(cell.variant for cell in cells)], load_config(cells[0].training))


def _all_labelled() -> Variant:
    return Variant(EVERYBODY, 100, masks=True)


def _pictured(folder: Path) -> Path:
    """The hospital whose cases the report shows composites of."""
    return variant_sites(folder, _all_labelled())[0]
