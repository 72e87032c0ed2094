"""BIDS: `sub-X[/ses-Y]/anat/sub-X[_ses-Y][_ce-Z]_{T1w,T2w,FLAIR}.nii.gz` with participants.tsv.

Every session is a case of its subject. `ce-*_T1w` is the contrast-enhanced T1. A mask is the `dseg` beside the images,
else the only one of that session below `derivatives/`. What its values mean must be declared on the command line.

Source: BIDS specification 1.10, modality-specific files and derivatives.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gmmas_core.data.importers.case_folder import found_case
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.tree import require_cases, require_source, skipped, subfolders, unsafe_files
from gmmas_core.data.problems import TABLE
from gmmas_core.data.sequences import find_sequences
from gmmas_core.data.table import read_table
from gmmas_core.types import DataError

_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9]+")
_NO_LABELS = ("participant_id", "case_id", "folder")


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find every session of every subject.

    Args:
        source: root of the BIDS data set.
        tables: instead of the tree's participants.tsv; at most one.

    Raises:
        DataError: no subject, or a table that cannot be read.
    """
    require_source(source)
    if len(tables) > 1:
        raise DataError(f"--table: found {len(tables)} tables; expected one participants.tsv; name one")
    own = source / TABLE
    beside = () if tables or unsafe_files(source, [own]) else (own,)
    left: list[Skipped] = []
    rows = _rows([*tables, *beside], left)
    cases: list[FoundCase] = []
    for subject in subfolders(source, left):
        if not _SUBJECT.fullmatch(subject.name):
            continue  # derivatives, code, sourcedata: BIDS gives them other meanings
        sessions = [folder for folder in subfolders(subject, left) if _SESSION.fullmatch(folder.name)]
        for place in sessions or [subject]:
            case = _case(source, subject.name, place, rows.get(subject.name, {}), left)
            if case is not None:
                cases.append(case)
    require_cases(len(cases) + len(left), "folder named sub-LABEL")
    taken = {case.patient_id for case in cases}
    left += [skipped(name, "a row of the table without a folder that was taken") for name in rows if name not in taken]
    return Found(cases=tuple(cases), skipped=tuple(left), tables=beside)


def _rows(tables: Sequence[Path], left: list[Skipped]) -> dict[str, Mapping[str, str]]:
    """Subject -> cells under participants.tsv's columns; the ids may lack BIDS' `sub-`."""
    rows: dict[str, Mapping[str, str]] = {}
    for path in tables:
        table = read_table(path)
        errors = [str(problem) for problem in table.problems if problem.is_error]
        if errors:
            raise DataError(errors[0])
        left += [skipped(TABLE, f"found {problem.found}; {problem.action}") for problem in table.problems]
        for _, cells in table.rows:
            name = cells.get("participant_id", "")
            rows[name if name.startswith("sub-") else f"sub-{name}"] = cells
    return rows


def _case(source: Path, subject: str, place: Path, cells: Mapping[str, str], left: list[Skipped]) -> FoundCase | None:
    session = place.name if place.name != subject else ""
    case_id = f"{subject}_{session}" if session else subject
    anatomy = place / "anat"
    if not os.path.isdir(anatomy) or os.path.islink(anatomy):
        left.append(skipped(case_id, "no anat folder"))
        return None
    files = find_sequences(anatomy)
    notes: list[str] = []
    if files.mask is None and "mask" not in files.clashes:
        files = replace(files, mask=_derived_mask(source, subject, session, notes))
    labels = {column: text for column, text in cells.items() if column not in _NO_LABELS}
    return found_case(source, anatomy, case_id, subject, left, labels=labels, notes=tuple(notes), files=files)


def _derived_mask(source: Path, subject: str, session: str, notes: list[str]) -> Path | None:
    """The only mask that a pipeline below derivatives/ holds for a session."""
    places = [pipeline / subject / session / "anat" for pipeline in subfolders(source / "derivatives")]
    masks = [mask for place in places if not os.path.islink(place) and (mask := find_sequences(place).mask)]
    if len(masks) > 1:
        notes.append(f"{len(masks)} pipelines have a mask; none was taken: name the one you mean as the only one")
        return None
    return masks[0] if masks else None
