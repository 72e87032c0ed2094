"""One process of a study: plays one federation, then reads the test set once per cell that shares it.

Training draws from torch's global generator, so runs never share a process. What is printed is the run's log; its last
line is shown beside the progress bar, or as the reason when the process fails.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.config import load_config
from gmmas_core.schedule import schedule
from server.lab.engines import in_process
from server.lab.study.cells import Cell, write_result
from server.lab.study.data import shared_test_sites, site_yaml, variant_sites
from server.lab.study.own_models import reading_models
from server.lab.study.scoring import score_test_set
from server.lab.study.traffic import float32_bytes, traffic_of
from server.lab.study.worker_process import run_worker, say
from server.records.run_folder import RunFolder

DATA, RUNS, SITES = "data", "runs", "sites"
STEPLESS = ("calibrate", "pseudo_label")


def run_job(folder: Path, cells: Sequence[Cell]) -> None:
    """Train once and score every cell; all cells share their run.

    Args:
        folder: of the study.
        cells: of one job.

    Raises:
        GmmasError: the run failed.
    """
    torch.set_num_threads(1)
    train_s = train(folder, cells[0])
    loaded = load_model(RunFolder(folder / RUNS / cells[0].run).model)
    for cell in cells:
        write_result(folder, cell, _score(folder, cell, loaded) | {"train_s": train_s})


def train(folder: Path, cell: Cell) -> float | None:
    """Play the cell's federation from wherever it stands; a finished one is kept.

    Returns:
        Seconds it took, None when it was there already.
    """
    run = RunFolder(folder / RUNS / cell.run)
    if run.model.is_dir():
        return None
    started = time.monotonic()
    total = len(schedule(load_config(cell.training)))

    def tell(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "round-finished":
            say(f"round {fields['round']} of {total}")

    in_process(_own_sites(folder, cell, run.path), cell.training, run, tell)
    return time.monotonic() - started


def _score(folder: Path, cell: Cell, loaded: LoadedModel) -> dict[str, Any]:
    started = time.monotonic()
    sites = [site for site in shared_test_sites(folder / DATA) if cell.test_site in ("", site.name)]
    config = load_config([*cell.training, *cell.reading])
    run = RunFolder(folder / RUNS / cell.run)
    cases: list[dict[str, Any]] = []
    for group, model in reading_models(loaded, config, run.path / SITES, sites):
        say(f"{len(cases)} cases read")
        cases += score_test_set(group, model, config, cell.subset_cases, lambda number: say(f"case {number}"))
    return {
        "model_id": loaded.model_id,
        "core_fingerprint": loaded.provenance["training"]["core_fingerprint"],
        "steps_per_site": sum(slot.local_steps for slot in schedule(config) if slot.stage not in STEPLESS),
        "temperature": loaded.calibration.get("temperature", {}),
        "score_s": time.monotonic() - started,
        "traffic": traffic_of(run.ledger) | {"float32_bytes": float32_bytes(config)},
        "cases": cases,
    }


def _own_sites(folder: Path, cell: Cell, run: Path) -> list[Path]:
    """Site folders of this run alone: they share images with others, and the prepared cases by hard links.

    What a run leaves at a site (stored replies, pseudo-labels) must not meet another run's.
    """
    own = []
    for shared in variant_sites(folder / DATA, cell.variant):
        site = run / SITES / shared.name
        own.append(site)
        if (site / "site.yaml").exists():
            continue
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(
            shared / ".gmmas" / "prepared",
            site / ".gmmas" / "prepared",
            copy_function=os.link,
            ignore=shutil.ignore_patterns("lock"),
        )
        (site / "site.yaml").write_text(site_yaml(shared.name, os.path.relpath(shared, site)))
    return own


def main(arguments: Sequence[str]) -> int:
    """`python -m server.lab.study.worker STUDY_FOLDER JOB_FILE`."""
    return run_worker(arguments, lambda folder, job: run_job(folder, [Cell.from_json(values) for values in job]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
