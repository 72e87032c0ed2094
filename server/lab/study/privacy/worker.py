"""One process of a privacy study: the cells of one run, one after the other; each result is stored when it is there."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from server.lab.study.folder import ABOUT
from server.lab.study.privacy.exposure import run_inversion
from server.lab.study.privacy.plan import INVERSION, SHADOW, PrivacyCell, write_cell
from server.lab.study.privacy.shadow import train_shadow
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.privacy.utility import run_utility
from server.lab.study.worker_process import run_worker, say


def run_cell(folder: Path, size: PrivacySize, cell: PrivacyCell) -> None:
    """Produce and store one result.

    Raises:
        GmmasError: it failed.
    """
    torch.set_num_threads(1)
    started = time.monotonic()
    if cell.kind == SHADOW:
        result: dict[str, Any] = train_shadow(folder, size, cell)
    elif cell.kind == INVERSION:
        result = run_inversion(folder, size, cell)
    else:
        result = run_utility(folder, size, cell, say)
    write_cell(folder, cell, result | {"seconds": time.monotonic() - started})


def main(arguments: Sequence[str]) -> int:
    """`python -m server.lab.study.privacy.worker STUDY_FOLDER JOB_FILE`."""
    return run_worker(arguments, _run_job)


def _run_job(folder: Path, job: list[Any]) -> None:
    values = json.loads((folder / ABOUT).read_text())["size"]
    size = PrivacySize(**values | {"epsilons": tuple(values["epsilons"])})
    for cell in job:
        run_cell(folder, size, PrivacyCell.from_json(cell))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
