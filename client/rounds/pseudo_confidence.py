"""How sure the model was of the pseudo-labels that this site's training uses."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gmmas_core.data.pseudo_labels import LABELS, read_pseudo_labels, table_home
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.training.pseudo_selection import still_unknown
from gmmas_core.types import Case


def accepted_confidences(state: Path, run_id: str, before: int, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Confidence in [0, 1] of every accepted pseudo-label that nothing better exists for: task or "segmentation", case.

    A label's is its class's mean probability over the stochastic passes; a mask's is exp(-entropy), the inverse
    perplexity inside its tumour (1 when every voxel is certain, 1/4 when every class is as likely).

    Args:
        state: the site's.
        run_id: of the plan.
        before: the newest table of a round before this one counts.
        cases: the site's training cases.

    Raises:
        DataError: a table that is not as it was written.
        FederationError: a run id that is no plain name.
    """
    used = still_unknown(read_pseudo_labels(state, run_id, before=before), cases)
    found: dict[str, dict[str, float]] = {}
    if not used:
        return found
    home = table_home(state, run_id)
    newest = max(path for path in home.glob("round-*") if int(path.name.removeprefix("round-")) < before)
    with (newest / LABELS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, dialect="excel-tab"):
            case, name = used.get(row["case_id"]), row["task"]
            if case is None or row["accepted"] != "yes":
                continue
            if name == SEGMENTATION and case.mask_XYZ is not None:
                found.setdefault(name, {})[row["case_id"]] = float(np.exp(-float(row["entropy"])))
            elif name in {task.value for task in case.labels}:
                found.setdefault(name, {})[row["case_id"]] = float(row["confidence"])
    return found
