"""A patient's rows and masks out of the tables of pseudo-labels, each table published anew in one step.

A table is content that later rounds read, with hashes of its files: the masks that stay are linked, not copied, rows
and hashes are written anew. A table that is not as it was written goes whole: training would refuse it too.
"""

import csv
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

from client.withdrawal.subject import Subject
from gmmas_core import atomic
from gmmas_core.data.pseudo_labels import ABOUT, FOLDER, LABELS, MASKS, content_hashes, mask_name

_TEMPORARY = ".withdrawal-"


def tables_with(state: Path, subject: Subject) -> list[Path]:
    """Tables that hold anything of the patient, and what an interrupted writer left beside them."""
    found = []
    for path in sorted((state / FOLDER).glob("*/*")):
        is_left_over = path.name.startswith(".")
        if is_left_over or _has_mask(path, subject) or _names_anybody(path / LABELS, subject):
            found.append(path)
    return found


def rewrite_without(path: Path, subject: Subject) -> None:
    """Take the patient out of one table.

    Raises:
        OSError: the folder cannot be written; the table is as before or without the patient.
    """
    if path.name.startswith("."):
        shutil.rmtree(path)
        return
    try:
        about = json.loads((path / ABOUT).read_bytes())
        header, rows = _rows(path / LABELS)
    except (OSError, ValueError, KeyError, TypeError, csv.Error, RecursionError):
        shutil.rmtree(path)
        return
    gone = {mask_name(case) for case in subject.cases}
    fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=_TEMPORARY))
    try:
        (fresh / MASKS).mkdir()
        for mask in (path / MASKS).iterdir():
            if f"{MASKS}/{mask.name}" not in gone:
                os.link(mask, fresh / MASKS / mask.name)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, header, dialect="excel-tab", lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(row for row in rows if row["case_id"] not in subject.cases)
        atomic.write_text(fresh / LABELS, text.getvalue())
        atomic.write_json(fresh / ABOUT, {**about, "files": content_hashes(fresh)})
        atomic.publish_folder(fresh, path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _has_mask(path: Path, subject: Subject) -> bool:
    return any((path / mask_name(case)).exists() for case in subject.cases)


def _names_anybody(labels: Path, subject: Subject) -> bool:
    """A table that cannot be read may name the patient."""
    try:
        return any(row["case_id"] in subject.cases for row in _rows(labels)[1])
    except (OSError, ValueError, KeyError, csv.Error):
        return True


def _rows(labels: Path) -> tuple[list[str], list[dict[str, str]]]:
    with labels.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, dialect="excel-tab")
        return list(reader.fieldnames or ()), list(reader)
