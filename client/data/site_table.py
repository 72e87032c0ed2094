"""The first participants.tsv of a new site: one row per case folder found, everything that only people know as n/a."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from gmmas_core.atomic import write_text
from gmmas_core.data.case_folders import find_case_folders, known_patient
from gmmas_core.data.problems import TABLE
from gmmas_core.types import DataError

COLUMNS = (
    *("participant_id", "case_id", "folder", "idh", "codel_1p19q", "histology", "mgmt", "split", "age", "sex"),
    "field_strength_t",
)


def require_cases(folder: Path) -> tuple[str, ...]:
    """Case folders below a site folder.

    Raises:
        DataError: none is there, or one has a name that cannot be written into a table.
    """
    found = find_case_folders(folder)
    if not found:
        raise DataError(
            "site folder: found no folder with known sequences; expected one folder per case with NIfTI files named "
            "like CASE_t1.nii.gz, CASE_t1ce.nii.gz, CASE_t2.nii.gz, CASE_flair.nii.gz; copy the cases there first"
        )
    odd = sum(not name.isprintable() for name in found)
    if odd:
        raise DataError(
            f"site folder: found {odd} folder names with unprintable characters; expected text; rename them"
        )
    return found


def write_table(folder: Path, case_folders: tuple[str, ...]) -> None:
    """Write participants.tsv; an existing one is never touched.

    Args:
        folder: the site's data folder.
        case_folders: relative to it, POSIX form.

    Raises:
        DataError: there is a table already.
    """
    if (folder / TABLE).exists():
        raise DataError(f"{TABLE}: found one already; expected none; edit it, or remove it to start again")
    names = [_as_id(_study(name)) for name in case_folders]
    taken = Counter(names)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, path in zip(names, case_folders, strict=True):
        case_id = name if taken[name] == 1 else _as_id(path)
        patient = known_patient(path) or case_id
        writer.writerow([patient, case_id, path, *["n/a"] * (len(COLUMNS) - 3)])
    write_text(folder / TABLE, text.getvalue())


def _study(path: str) -> str:
    """The part of a case folder's path that names the study."""
    last = path.rsplit("/", 1)[-1]
    return path if last.startswith("ses-") else last


def _as_id(name: str) -> str:
    """A folder name as a case id: other characters become dashes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace("/", "_")).strip("-._")[:64] or "case"
