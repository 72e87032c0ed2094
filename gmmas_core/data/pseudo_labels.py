"""Labels that a model gave to a site's own unlabelled cases: where they lie on the hospital's disk, and reading them.

`<state>/pseudo_labels/<run id>/round-<NNNNN>/` holds labels.tsv (one row per question asked, refused ones with the
reason), masks/ (accepted masks only, their names digests of pseudonyms) and about.json (model, thresholds, audit, gate,
sha256 of the other files). It is never sent. The folder appears in one rename, so whatever has its name was whole once;
a file that has changed since is named in an error and nothing of the table is used.
"""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import CLASS_NAMES, DataError, FederationError, Task

FOLDER, ABOUT, LABELS, MASKS = "pseudo_labels", "about.json", "labels.tsv", "masks"
MAX_BYTES = 2**26
"""A larger labels.tsv or about.json is none of ours and is not read into memory."""

_ROUND = re.compile(r"round-([0-9]{5,9})")


@dataclass(frozen=True, kw_only=True, eq=False)
class PseudoCase:
    """What a model said about one case, where pathology or a reader said nothing.

    Attributes:
        labels: accepted class per task; never a task whose label is known from pathology.
        mask_XYZ: uint8 canonical labels on the prepared crop, or None; never for a case that has a mask.
    """

    labels: Mapping[Task, int]
    mask_XYZ: NDArray[np.uint8] | None


def read_pseudo_labels(state: Path, run_id: str, *, before: int | None = None) -> dict[str, PseudoCase]:
    """What training may use of the newest table of a run.

    Args:
        state: the site's folder for what must survive.
        run_id: of the plan.
        before: only tables of earlier rounds count, so that a round played again finds what it found the first time.

    Returns:
        Case id -> accepted labels and mask (memory-mapped); cases of which nothing was accepted are absent. Empty
        without a table.

    Raises:
        FederationError: a run id that is no plain name.
        DataError: a file of the newest table is missing, added or changed.
    """
    folder = _newest(table_home(state, run_id), before)
    if folder is None:
        return {}
    where = f"pseudo-labels of run {run_id}, {folder.name}"
    try:
        _require_whole(folder, where)
        labels, masks = _accepted(folder)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise _damaged(where, LABELS, type(error).__name__) from None
    return {
        case_id: PseudoCase(labels=labels.get(case_id, {}), mask_XYZ=masks.get(case_id))
        for case_id in sorted({*labels, *masks})
    }


def read_thresholds(state: Path, run_id: str, *, before: int | None = None) -> dict[str, float]:
    """The settings under which the newest table of a run was made; {} without a table.

    Raises:
        FederationError: a run id that is no plain name.
        DataError: the table's about.json does not state them.
    """
    folder = _newest(table_home(state, run_id), before)
    if folder is None:
        return {}
    try:
        return dict(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["thresholds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(f"pseudo-labels of run {run_id}, {folder.name}", ABOUT, "no readable thresholds") from None


def table_home(state: Path, run_id: str) -> Path:
    """The folder of one run's tables.

    Raises:
        FederationError: a run id that is no plain name; it came over the wire and must not leave the folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{1,64}", run_id):
        raise FederationError(
            "pseudo-labels: found a run id with unusual characters; expected 1 to 64 letters and digits; start the run "
            "with the coordinator's own command"
        )
    return state / FOLDER / run_id


def mask_name(case_id: str) -> str:
    """A mask's path inside its table, whatever characters the pseudonym has."""
    return f"{MASKS}/{hashlib.sha256(case_id.encode()).hexdigest()[:32]}.npy"


def content_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file by its path inside a table; about.json, which states them, is left out."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / ABOUT:
            with path.open("rb") as file:
                hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _newest(home: Path, before: int | None) -> Path | None:
    if not home.is_dir():
        return None
    rounds = {int(found[1]): child for child in home.iterdir() if (found := _ROUND.fullmatch(child.name))}
    earlier = [number for number in rounds if before is None or number < before]
    return rounds[max(earlier)] if earlier else None


def _require_whole(folder: Path, where: str) -> None:
    """Every file is there with the content that about.json states, and there is no other."""
    try:
        if (folder / ABOUT).stat().st_size > MAX_BYTES:
            raise ValueError
        expected = dict(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(where, ABOUT, "no readable record of the files") from None
    found = content_hashes(folder)
    for name in sorted({*expected, *found, LABELS}):
        if name not in found:
            raise _damaged(where, name, "no such file")
        if expected.get(name) != found[name]:
            raise _damaged(where, name, f"content that {ABOUT} does not state")
    if (folder / LABELS).stat().st_size > MAX_BYTES:
        raise _damaged(where, LABELS, f"more than {MAX_BYTES} bytes")


def _accepted(folder: Path) -> tuple[dict[str, dict[Task, int]], dict[str, NDArray[np.uint8]]]:
    labels: dict[str, dict[Task, int]] = {}
    masks: dict[str, NDArray[np.uint8]] = {}
    with (folder / LABELS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, dialect="excel-tab"):
            case_id = row["case_id"]
            if row["accepted"] != "yes":
                continue
            if row["task"] == SEGMENTATION:
                masks[case_id] = _read_mask(folder / mask_name(case_id))
            else:
                task = Task(row["task"])
                labels.setdefault(case_id, {})[task] = CLASS_NAMES[task].index(row["class"])
    return labels, masks


def _read_mask(path: Path) -> NDArray[np.uint8]:
    mask_XYZ: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    if mask_XYZ.dtype != np.uint8 or mask_XYZ.ndim != 3:
        raise ValueError("no uint8 volume")
    return mask_XYZ


def _damaged(where: str, name: str, found: str) -> DataError:
    return DataError(
        f"{where}: {name}: found {found}; expected the file as it was written; remove the folder and let the "
        "coordinator repeat the pseudo_label round"
    )
