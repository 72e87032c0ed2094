"""One process of a privacy study: the cells of one run, one after the other; each result is stored when it is there."""

import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gmmas_core.types import GmmasError
from server.lab.study.folder import ABOUT
from server.lab.study.privacy.exposure import run_inversion
from server.lab.study.privacy.plan import INVERSION, SHADOW, PrivacyCell, write_cell
from server.lab.study.privacy.shadow import train_shadow
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.privacy.utility import run_utility


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
        result = run_utility(folder, size, cell, _say)
    write_cell(folder, cell, result | {"seconds": time.monotonic() - started})


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """`python -m server.lab.study.privacy.worker STUDY_FOLDER JOB_FILE`."""
    folder, job = map(Path, arguments)
    values = json.loads((folder / ABOUT).read_text())["size"]
    size = PrivacySize(**values | {"epsilons": tuple(values["epsilons"])})
    try:
        for cell in json.loads(job.read_text()):
            run_cell(folder, size, PrivacyCell.from_json(cell))
    except GmmasError as error:
        _say(f"error: {' '.join(str(error).split())}")
        return 1
    except Exception as error:
        traceback.print_exc()
        _say(f"error: {type(error).__name__}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
